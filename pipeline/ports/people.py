"""What is known of people: references, verdicts, alerts."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Protocol

from pipeline.domain.alerts import Look
from pipeline.domain.model import Box, ChannelId, EngineId, PhotoId, Reference, TeamId, UserId
from pipeline.domain.people import AboutPerson, Forgotten
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

    def drop_selfie(self, team_id: TeamId, user_id: UserId, origin: str) -> bool:
        """Forget it, whatever engine it was read by; False if it was unknown."""
        ...


class PersonStore(Protocol):
    """A person as a whole."""

    def about(self, team_id: TeamId, user_id: UserId, *, engine_id: EngineId) -> AboutPerson:
        """Everything that is known of the person, with the references of that engine."""
        ...

    def known(self, team_id: TeamId) -> Sequence[UserId]:
        """Everybody of whom anything is known."""
        ...

    def forget(self, team_id: TeamId, user_id: UserId, *, by: UserId | None) -> Forgotten:
        """Forget all of that, of every engine, in one transaction; `by` is who wants it."""
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

    def forget_verdicts(self, team_id: TeamId, user_id: UserId) -> int:
        """As if the person had said nothing, ever; returns how many verdicts there were."""
        ...

    def candidates(
        self, team_id: TeamId, user_id: UserId, *, engine_id: EngineId
    ) -> Sequence[Candidate]:
        """Every face of every photo (and repost) on which the person gave a verdict."""
        ...


class AlertStore(Protocol):
    """Who wants to hear of new photos, where each was looked for last, what they were told."""

    def turn_on(self, team_id: TeamId, user_id: UserId) -> None:
        """Photos that come into the index from now on are news; if alerts are on, nothing.

        Raises: BusyError.
        """
        ...

    def turn_off(self, team_id: TeamId, user_id: UserId) -> bool:
        """Tell them no more; False if alerts were off."""
        ...

    def due(
        self, team_id: TeamId, *, now: datetime, gather: timedelta, limit: int | None = None
    ) -> Sequence[Look]:
        """Whom to look for: those for whom a photo arrived `gather` ago that is not looked at.

        Who waits longest comes first, `limit` of them at most. Raises: BusyError.
        """
        ...

    def wait(self, team_id: TeamId, user_id: UserId, *, until: datetime) -> None:
        """Leave them in peace until then."""
        ...

    def news(
        self,
        team_id: TeamId,
        user_id: UserId,
        photo_ids: Collection[PhotoId],
        *,
        channel_ids: Sequence[ChannelId],
    ) -> Collection[PhotoId]:
        """Those that came after alerts were turned on, and that they were not told of.

        A photo whose bytes were there before, in one of these channels, is none.
        """
        ...

    def looked(self, team_id: TeamId, look: Look) -> bool:
        """There is nothing to tell up to there; False if somebody else looked meanwhile."""
        ...

    def claim(
        self, team_id: TeamId, look: Look, photo_ids: Collection[PhotoId]
    ) -> Collection[PhotoId]:
        """The photos are told of by whoever claims them first, and by nobody else ever.

        Returns: which of them; none if somebody else looked, or alerts were turned off, meanwhile.
        """
        ...

    def unclaim(self, team_id: TeamId, look: Look, photo_ids: Collection[PhotoId]) -> None:
        """They could not be told: they are due again."""
        ...


class TimeZones(Protocol):
    """Where people are."""

    def time_zone_of(self, user_id: UserId) -> tzinfo:
        """The zone of the person's clock; never a guess.

        Raises: SourceUnavailableError, PersonGoneError.
        """
        ...
