"""A person says of a match: that's me, or not me."""

import structlog

from pipeline.domain.model import Box, PhotoId, TeamId, UserId
from pipeline.domain.verdicts import Verdict
from pipeline.errors import FaceGoneError
from pipeline.ports import VerdictStore

log = structlog.get_logger(__name__)


class GiveVerdict:
    """Keep a person's word on a face of a photo; it holds for their own matches alone.

    The face is named by its photo and its box, since a re-index gives it another id.
    """

    def __init__(self, *, verdicts: VerdictStore) -> None:
        self._verdicts = verdicts

    def __call__(
        self, team_id: TeamId, user_id: UserId, photo_id: PhotoId, box: Box, verdict: Verdict
    ) -> None:
        """From the next search on, the face is a reference, or never shown again.

        Giving the same verdict twice is the same as once; another one replaces it.
        Raises: FaceGoneError.
        """
        if not self._verdicts.give(team_id, user_id, photo_id, box, verdict):
            raise FaceGoneError
        log.info("verdict.given", photo=photo_id, verdict=verdict.value)

    def take_back(self, team_id: TeamId, user_id: UserId, photo_id: PhotoId, box: Box) -> bool:
        """As if nothing had been said; False if nothing was."""
        return self._verdicts.take_back(team_id, user_id, photo_id, box)
