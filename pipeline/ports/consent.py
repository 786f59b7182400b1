"""What people decided, what keeps them out, what is kept of them and for how long."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from pipeline.domain.audit import Entry
from pipeline.domain.consent import (
    Allowance,
    Answer,
    Consent,
    ConsentRequest,
    Granted,
    RequestId,
)
from pipeline.domain.model import ChannelId, EngineId, TeamId, UserId
from pipeline.domain.opt_outs import Template
from pipeline.domain.people import Expired, PersonData, TurnedOff


class ConsentReader(Protocol):
    """What people decided."""

    def of(
        self, team_id: TeamId, people: Sequence[UserId], *, asker: UserId
    ) -> Mapping[UserId, Consent]:
        """What the asker and these people decided, `once_at` for that asker and all of them.

        Whoever said nothing is missing.
        """
        ...


class ConsentStore(ConsentReader, Protocol):
    """What people decided, and which colleagues wait for whose word."""

    def wish(
        self,
        team_id: TeamId,
        asker: UserId,
        *,
        people: Sequence[UserId],
        of: Sequence[UserId],
        question: str,
        now: datetime,
    ) -> Sequence[ConsentRequest]:
        """Let a question wait for the word `of` some of its people.

        Returns: the wishes that the people are to be told of. They count as told already.
        """
        ...

    def untold(self, team_id: TeamId, request_id: RequestId) -> None:
        """The message didn't reach them: they may be asked again."""
        ...

    def answer(
        self,
        team_id: TeamId,
        user_id: UserId,
        request_id: RequestId,
        answer: Answer,
        *,
        now: datetime,
    ) -> bool:
        """A person's word on a wish; False if that wish is not open any more."""
        ...

    def decide(
        self, team_id: TeamId, user_id: UserId, colleagues: Allowance, *, now: datetime
    ) -> None:
        """A person's word without having been asked; open wishes get it as well."""
        ...

    def granted(self, team_id: TeamId, *, sent_before: datetime) -> Sequence[Granted]:
        """Questions to which everybody agreed, their answer not on its way since then."""
        ...

    def claim(
        self, team_id: TeamId, granted: Granted, *, now: datetime, sent_before: datetime
    ) -> bool:
        """The caller sends the answer; False if somebody else does."""
        ...

    def done(self, team_id: TeamId, granted: Granted, *, now: datetime) -> None:
        """It was sent."""
        ...

    def release(self, team_id: TeamId, granted: Granted) -> None:
        """It could not be sent: somebody is to try again."""
        ...


class Protected(Protocol):
    """Templates of people who are out."""

    def templates(self, team_id: TeamId, *, engine_id: EngineId) -> Sequence[Template]:
        """Of everybody who is out, by that engine."""
        ...


class OptOutStore(Protected, Protocol):
    """People who turned Findme off."""

    def turn_off(
        self, team_id: TeamId, user_id: UserId, template: Template | None, *, engine_id: EngineId
    ) -> TurnedOff | None:
        """Forget all that is known of the person, and drop their faces now and from now on.

        None, and nothing is changed, if the index is of another engine by now.
        """
        ...

    def turn_on(self, team_id: TeamId, user_id: UserId) -> bool:
        """Their template goes; False if they weren't out."""
        ...

    def missing(self, team_id: TeamId, *, engine_id: EngineId) -> Sequence[UserId]:
        """Who is out and has no template by that engine."""
        ...

    def put(self, team_id: TeamId, template: Template, *, engine_id: EngineId) -> int:
        """The template of somebody who is out, by another engine; how many faces it drops."""
        ...


class AuditTrail(Protocol):
    """What was done, for good."""

    def add(self, team_id: TeamId, entry: Entry) -> None:
        """Note it."""
        ...


class DataStore(Protocol):
    """All that is kept about people."""

    def everything(
        self, team_id: TeamId, user_id: UserId, *, channel_ids: Sequence[ChannelId] = ()
    ) -> PersonData:
        """Of one person; that they have it now is noted, too.

        `channel_ids` are those that they can open: no other is named but where they posted.
        """
        ...


class RetentionStore(Protocol):
    """What is too old."""

    def expire(
        self,
        team_id: TeamId,
        *,
        photos_before: datetime | None,
        references_before: datetime,
        requests_before: datetime,
    ) -> Expired:
        """Forget photos last posted, references last used, wishes last heard of before these times.

        Photos don't expire if there is no `photos_before`.
        """
        ...
