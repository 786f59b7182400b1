"""Thresholds that tighten as the index grows: the more strangers, the more of them look alike.

A threshold is a rate of false matches: of pairs of different people, the share that is at least as
similar. An index of n faces holds n strangers for whoever asks, so the expected number of false
matches in an answer is n times that rate.
"""

import math
from dataclasses import dataclass

SURE_RATE = 6.5e-5
"""Of pairs of different people in LFW this share reaches an engine's own *sure* threshold."""

MAYBE_RATE = 3.7e-3
"""The same for *maybe*."""

SURE_FALSE_MATCHES = 0.05
"""How many false *sure* matches an answer may hold on average: one in twenty answers has one."""

MAYBE_FALSE_MATCHES = 1.0
"""How many false *maybe* matches an answer may hold on average."""

_STRICTEST = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Cosine distances up to which a face is *sure* and *maybe* the person."""

    sure_distance: float
    maybe_distance: float


def limits_for(faces: int, *, sure_distance: float, maybe_distance: float) -> Limits:
    """An engine's own distances, or stricter ones where the index of so many `faces` asks for them.

    The engine's two distances are two points of its curve of false matches; the logarithm of the
    rate falls with similarity in nearly a straight line (LFW, `retail`: 0.347, 0.434 and 0.513 at
    rates of 1e-3, 1e-4 and 1e-5; the line through its thresholds says 0.342, 0.433 and 0.524).
    """
    per_decade = (maybe_distance - sure_distance) / math.log10(MAYBE_RATE / SURE_RATE)

    def at(rate: float) -> float:
        distance = sure_distance - per_decade * math.log10(SURE_RATE / rate)
        # Whatever the line says far out: the same face in another light is not identical.
        return max(distance, _STRICTEST * sure_distance)

    strangers = max(faces, 1)
    sure = min(sure_distance, at(SURE_FALSE_MATCHES / strangers))
    return Limits(
        sure_distance=sure,
        maybe_distance=max(sure, min(maybe_distance, at(MAYBE_FALSE_MATCHES / strangers))),
    )
