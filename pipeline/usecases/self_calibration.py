"""What an index teaches its engine about its own crowd, asked for once in a while."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from pipeline.domain.calibration import Curve, impostors_of, learned
from pipeline.domain.model import EngineId, TeamId
from pipeline.ports import Clock, FaceReader, ImpostorPairs

log = structlog.get_logger(__name__)

LEARN_EVERY = timedelta(minutes=10)

Curves = Callable[[TeamId, FaceReader], Curve]
"""From a workspace and its engine to the curve to judge by."""


def own_curve(_: TeamId, reader: FaceReader) -> Curve:
    """The engine's own, whatever the index shows: to compare with."""
    return reader.curve


class SelfCalibration:
    """Implements Curves: the engine's curve moved to what the index shows."""

    def __init__(self, *, pairs: ImpostorPairs, clock: Clock) -> None:
        self._pairs = pairs
        self._clock = clock
        self._known: dict[tuple[TeamId, EngineId], tuple[datetime, Curve]] = {}

    def __call__(self, team_id: TeamId, reader: FaceReader) -> Curve:
        """Learned anew every LEARN_EVERY: an event changes its crowd slowly."""
        key, now = (team_id, reader.engine_id), self._clock()
        known = self._known.get(key)
        if known is not None and now - known[0] < LEARN_EVERY:
            return known[1]
        seen = impostors_of(self._pairs.together(team_id, engine_id=reader.engine_id))
        curve = learned(reader.curve, seen)
        self._known[key] = now, curve
        if seen is not None:
            log.debug("calibration.learned", pairs=seen.pairs, sure=round(curve.sure, 3))
        return curve
