"""What is known of people: references and verdicts."""

from collections.abc import Sequence
from typing import Protocol

from pipeline.domain.model import Box, EngineId, PhotoId, Reference, TeamId, UserId
from pipeline.domain.verdicts import Candidate, Verdict


class ReferenceStore(Protocol):
    """Embeddings known to be a person."""

    def profile(
        self, team_id: TeamId, user_id: UserId, *, engine_id: EngineId, picture_hash: str
    ) -> Reference | None:
        """The cached reference from exactly this profile picture."""
        ...

    def put_profile(
        self,
        team_id: TeamId,
        user_id: UserId,
        *,
        engine_id: EngineId,
        picture_hash: str,
        reference: Reference,
    ) -> None:
        """Cache it; references from the person's earlier profile pictures go."""
        ...

    def selfies(
        self, team_id: TeamId, user_id: UserId, *, engine_id: EngineId
    ) -> Sequence[Reference]:
        """What the person's selfies say."""
        ...

    def put_selfie(
        self,
        team_id: TeamId,
        user_id: UserId,
        *,
        engine_id: EngineId,
        picture_hash: str,
        reference: Reference,
    ) -> None:
        """Keep it; the same picture once."""
        ...


class VerdictStore(Protocol):
    """What people said of their matches."""

    def give(
        self, team_id: TeamId, user_id: UserId, photo_id: PhotoId, box: Box, verdict: Verdict
    ) -> bool:
        """Keep the verdict on the face at `box`, in place of earlier ones on it.

        False if the photo shows no face there (any more).
        """
        ...

    def take_back(self, team_id: TeamId, user_id: UserId, photo_id: PhotoId, box: Box) -> bool:
        """Forget the verdict on the face at `box`; False if there was none."""
        ...

    def candidates(
        self, team_id: TeamId, user_id: UserId, *, engine_id: EngineId
    ) -> Sequence[Candidate]:
        """Every face of every photo (and repost) on which the person gave a verdict."""
        ...
