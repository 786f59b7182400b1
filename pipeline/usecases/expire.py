"""Nothing is kept for ever: a daily job forgets what is too old."""

from datetime import timedelta

import structlog

from pipeline.domain.model import TeamId
from pipeline.domain.people import Expired
from pipeline.domain.retention import REFERENCES_UNUSED, REQUESTS_KEPT
from pipeline.ports import Clock, RetentionStore

log = structlog.get_logger(__name__)


class Expire:
    """Forget what is too old."""

    def __init__(self, *, retention: RetentionStore, keep_photos: timedelta, clock: Clock) -> None:
        """`keep_photos`: so long after a photo was last posted, it and its faces are kept."""
        self._retention = retention
        self._keep_photos = keep_photos
        self._clock = clock

    def __call__(self, team_id: TeamId) -> Expired:
        """Do it now; returns, and logs, how much that was. Raises: DatabaseUnavailableError."""
        now = self._clock()
        expired = self._retention.expire(
            team_id,
            photos_before=now - self._keep_photos,
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
