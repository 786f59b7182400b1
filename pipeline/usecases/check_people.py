"""Whoever is gone from Slack is forgotten, also if nobody told of it."""

from collections import deque
from datetime import datetime, timedelta

import structlog

from pipeline.domain.model import TeamId, UserId
from pipeline.ports import Accounts, Clock, PersonStore
from pipeline.usecases.forget_person import ForgetPerson

log = structlog.get_logger(__name__)

CHECK_EVERY = timedelta(days=1)


class CheckPeople:
    """The tick: one person at a time is asked for, each once a day."""

    def __init__(
        self, *, accounts: Accounts, people: PersonStore, forget: ForgetPerson, clock: Clock
    ) -> None:
        self._accounts = accounts
        self._people = people
        self._forget = forget
        self._clock = clock
        self._left: deque[UserId] = deque()
        self._began_at: datetime | None = None

    def __call__(self, team_id: TeamId) -> UserId | None:
        """Ask for the next person, if there is one today; returns whom that made forget.

        Raises: SourceUnavailableError, DatabaseUnavailableError: it is their turn again.
        """
        now = self._clock()
        if not self._left:
            if self._began_at is not None and now - self._began_at < CHECK_EVERY:
                return None
            self._left = deque(self._people.known(team_id))
            self._began_at = now
            if not self._left:
                return None
        user_id = self._left[0]
        is_closed = self._accounts.is_closed(user_id)
        if is_closed:
            self._forget(team_id, user_id, by=None)
        self._left.popleft()
        return user_id if is_closed else None
