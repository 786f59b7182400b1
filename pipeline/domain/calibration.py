"""How close is close enough: thresholds from the expected number of false matches.

A threshold is a rate of false matches: of pairs of different people, the share that is at least as
similar. An index of n faces holds n strangers for whoever asks, so the expected number of false
matches in an answer is n times that rate, and thresholds tighten by themselves as an index grows.

The curve from rates to similarities is the engine's own at first. The index moves it: two faces in
one photo are different people, so their similarities show how alike people look *here*. And each
search measures its own crowd: somebody with many lookalikes needs closer matches than others do.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

SURE_RATE = 6.5e-5
"""Of pairs of different people in LFW this share reaches an engine's own *sure* threshold."""

MAYBE_RATE = 3.7e-3
"""The same for *maybe*."""

SURE_FALSE_MATCHES = 0.05
"""How many false *sure* matches a search may bring on average: one in twenty brings one.

Measured with 300 people who are in none of 7,000 photos: 0.03, and 0.9 false *maybe*. What was
found then leads to more (`domain.expansion`), for them to 0.06 and 1.2 in all.
"""

MAYBE_FALSE_MATCHES = 0.9
"""How many false *maybe* matches a search may bring on average.

The promise is one. Aimed at that, the 300 people got 0.997 to 1.023 of them, as the sample of the
crowd fell out; aimed at 0.9, they get 0.93, and portraits among 7,000 strangers find 97.8% instead
of 97.9%.
"""

ALONE_FALSE_MATCHES = 0.01
"""A single face may make others *sure* if so few strangers are as close (`domain.expansion`)."""

HINT_FALSE_MATCHES = 0.2
"""A *maybe* may lead to other maybes if so few strangers are as close (`domain.expansion`)."""

_REACH_RATE = 2e-2
_STRICTEST = 0.5
_SAME_FACE = 0.25
_POOR = 0.3

# How many in-photo pairs weigh as much as the engine's own curve: one pair tells little, and the
# same two friends may stand in every photo.
_PRIOR_PAIRS = 500
# Centre and spread of N pairs are off by 1.6 to 1.8 spreads over the root of N (bootstrapped from
# the pairs of LFW), and as thresholds only ever rise, chance alone would raise them.
_CHANCE = 2.0
_MAX_SHIFT = 0.5
# Of a normal distribution 10% and 40% lie so many standard deviations below its centre.
_Z_10, _Z_40 = 1.2816, 0.2533
_SURE_SPREADS, _MAYBE_SPREADS = 4.0097, 2.4563
_LEAST_GAP = 1e-3

# Where a search counts the faces that are alike without being close, in decades of the rate below
# *maybe*: 0.15 to 0.25 for `retail`. The person's own photos are hardly ever found there.
_ALIKE_FROM, _ALIKE_TO = 1.54, 0.44
_PRIOR_ALIKE = 10.0
_MOST_ALIKE, _LEAST_ALIKE = 8.0, 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Impostors:
    """Similarities of different people in one photo: their centre and their robust spread.

    `spread` is what the standard deviation would be if they were normal; `pairs` how many there
    were.
    """

    centre: float
    spread: float
    pairs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The similarities that strangers reach at SURE_RATE and at MAYBE_RATE, `sure` > `maybe`.

    In between and beyond, the logarithm of the rate falls with similarity in nearly a straight
    line (LFW, `retail`: 0.347, 0.434 and 0.513 at rates of 1e-3, 1e-4 and 1e-5; the line through
    its thresholds says 0.342, 0.433 and 0.524). `together` are the engine's own impostors in one
    photo, which are alike by light and camera too; None where nobody measured them: then they are
    taken to lie to the curve as those of `retail` do.

    `alike_share` of strangers lie between `alike_distances` on average (LFW: 5.6% for `retail`,
    5.0% joined with MobileFaceNet, 4.1% for that alone, 2.0% for `dlib`).
    """

    sure: float
    maybe: float
    together: Impostors | None = None
    alike_share: float = 0.05

    @property
    def per_decade(self) -> float:
        """How much similarity grows from one rate to a tenth of it."""
        return (self.sure - self.maybe) / math.log10(MAYBE_RATE / SURE_RATE)

    def similarity_at(self, rate: float) -> float:
        """From which similarity on a stranger is as rare as `rate`."""
        similarity = self.sure + self.per_decade * math.log10(SURE_RATE / rate)
        # Whatever the line says far out: the same face in another light is not identical.
        return min(similarity, 1.0 - _STRICTEST * (1.0 - self.sure))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Cosine distances for one search."""

    sure_distance: float
    """Up to here a face is the person."""
    maybe_distance: float
    """Up to here it may be."""
    alone_distance: float
    """Up to here one face alone can make others sure."""
    hint_distance: float
    """Up to here a maybe can lead to other maybes."""
    reach_distance: float
    """What is further from the person's own references is not found by way of others."""
    ahead_distance: float
    """How much closer than a photo's second-best face the best one must be to be sure."""
    same_face_distance: float
    """Two faces this close to each other are copies of one, and not just one person."""
    poor_distance: float
    """How much closer than others a face of no quality at all must be."""


def impostors_of(similarities: NDArray[np.float32]) -> Impostors | None:
    """What the in-photo pairs (N,) of an index say; None of fewer than two.

    Mirrors, screens, collages and one face detected twice put one person into a photo more than
    once. Their pairs lie above all others, so only the lower part is looked at: it hardly moves
    while they are few.
    """
    if len(similarities) < 2:  # noqa: PLR2004  # one value has no spread
        return None
    low, middle = np.quantile(similarities, [0.1, 0.4])
    spread = float(middle - low) / (_Z_10 - _Z_40)
    return Impostors(centre=float(middle) + _Z_40 * spread, spread=spread, pairs=len(similarities))


def learned(own: Curve, seen: Impostors | None) -> Curve:
    """The engine's curve moved to what the index shows; the more pairs it shows, the further.

    Never laxer than the engine's own, since the people of one photo tell little of rare lookalikes,
    and never more than half way to identity, whatever the photos show.
    """
    if seen is None:
        return own
    together = own.together or _as_retail(own)
    share = seen.pairs / (seen.pairs + _PRIOR_PAIRS)
    chance = _CHANCE * seen.spread / math.sqrt(seen.pairs)
    scale = 1.0 + share * _beyond(seen.spread - together.spread, chance) / together.spread
    centre = together.centre + share * _beyond(seen.centre - together.centre, chance)

    def moved(similarity: float) -> float:
        shifted = centre + (similarity - together.centre) * scale
        return min(max(similarity, shifted), similarity + _MAX_SHIFT * (1.0 - similarity))

    return replace(own, sure=moved(own.sure), maybe=moved(own.maybe))


def _beyond(difference: float, chance: float) -> float:
    """Of a difference what chance does not explain."""
    return math.copysign(max(0.0, abs(difference) - chance), difference)


def _as_retail(curve: Curve) -> Impostors:
    """Where sure and maybe lie 4.01 and 2.46 spreads above the centre."""
    spread = max(curve.sure - curve.maybe, _LEAST_GAP) / (_SURE_SPREADS - _MAYBE_SPREADS)
    return Impostors(centre=curve.sure - _SURE_SPREADS * spread, spread=spread, pairs=0)


def limits_for(curve: Curve, *, own: Curve, faces: int, lookalikes: float = 1.0) -> Limits:
    """The limits of one search in an index of so many `faces`.

    `curve` is what the index made (`learned`) of the engine's `own`; the distances that no crowd
    moves are the engine's. `lookalikes` is what `lookalikes_of` the search says.
    """
    strangers = max(faces, 1) * lookalikes

    def distance(false_matches: float, most: float) -> float:
        rate = min(most, false_matches / strangers)
        # A learned line may be flatter than the engine's own and cross it further out.
        return 1.0 - max(curve.similarity_at(rate), own.similarity_at(rate))

    sure = distance(SURE_FALSE_MATCHES, SURE_RATE)
    maybe = max(sure, distance(MAYBE_FALSE_MATCHES, MAYBE_RATE))
    return Limits(
        sure_distance=sure,
        maybe_distance=maybe,
        alone_distance=distance(ALONE_FALSE_MATCHES, SURE_RATE),
        hint_distance=min(maybe, distance(HINT_FALSE_MATCHES, MAYBE_RATE)),
        reach_distance=max(maybe, 1.0 - own.similarity_at(_REACH_RATE)),
        ahead_distance=own.sure - own.maybe,
        same_face_distance=_SAME_FACE * (1.0 - own.sure),
        poor_distance=_POOR * (own.sure - own.maybe),
    )


def alike_distances(own: Curve) -> tuple[float, float]:
    """From which cosine distance to which faces are alike without being close."""
    return (
        1.0 - (own.maybe - _ALIKE_TO * own.per_decade),
        1.0 - (own.maybe - _ALIKE_FROM * own.per_decade),
    )


def lookalikes_of(own: Curve, *, alike: int, searched: int) -> float:
    """How many times more lookalikes than others somebody has; near 1 where few faces tell.

    `alike` of the `searched` faces lie between `alike_distances`.
    """
    ratio = (alike + _PRIOR_ALIKE) / (searched * own.alike_share + _PRIOR_ALIKE)
    return min(max(ratio, _LEAST_ALIKE), _MOST_ALIKE)
