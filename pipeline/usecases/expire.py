"""Nothing is kept for ever: a daily job forgets what is too old."""

import structlog

from pipeline.domain.model import TeamId
from pipeline.domain.people import Expired
from pipeline.domain.retention import REFERENCES_UNUSED, REQUESTS_KEPT
from pipeline.ports import Clock, RetentionStore
from pipeline.usecases.index_photos import KeptAfter

log = structlog.get_logger(__name__)


class Expire:
    """Forget what is too old."""

    def __init__(self, *, retention: RetentionStore, kept_after: KeptAfter, clock: Clock) -> None:
        """What was last posted before `kept_after` goes, by the rule that keeps it from coming."""
        self._retention = retention
        self._kept_after = kept_after
        self._clock = clock

    def __call__(self, team_id: TeamId) -> Expired:
        """Do it now; returns, and logs, how much that was. Raises: DatabaseUnavailableError."""
        now = self._clock()
        expired = self._retention.expire(
            team_id,
            photos_before=self._kept_after(team_id),
            references_before=now - REFERENCES_UNUSED,
            requests_before=now - REQUESTS_KEPT,
        )
        log.info(
            "retention.expired",
            photos=expired.photos,
            faces=expired.faces,
            references=expired.references,
            requests=expired.requests,
        )
        return expired
