"""A colleague's wish to look for somebody: that person is asked, and their word is final."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog

from pipeline.domain.consent import Allowance, Answer, ConsentRequest, Granted, RequestId
from pipeline.domain.model import TeamId, UserId
from pipeline.errors import DatabaseUnavailableError, FindmeError, SourceUnavailableError
from pipeline.ports import Clock, ConsentStore

log = structlog.get_logger(__name__)

SENDING_TAKES = timedelta(minutes=2)
"""Whoever sends an answer for longer has died: somebody else sends it."""


class AskConsent:
    """Let a question wait, and tell those people of it who may be told."""

    def __init__(
        self, *, consents: ConsentStore, tell: Callable[[ConsentRequest], None], clock: Clock
    ) -> None:
        """`tell` writes to the person; it raises FindmeError if that can't be done."""
        self._consents = consents
        self._tell = tell
        self._clock = clock

    def __call__(
        self,
        team_id: TeamId,
        asker: UserId,
        *,
        people: Sequence[UserId],
        of: Sequence[UserId],
        question: str,
    ) -> None:
        """The asker learns nothing of who was told. `question` comes back when all agreed.

        Raises: DatabaseUnavailableError.
        """
        wishes = self._consents.wish(
            team_id, asker, people=people, of=of, question=question, now=self._clock()
        )
        for wish in wishes:
            try:
                self._tell(wish)
            except FindmeError as error:
                self._consents.untold(team_id, wish.request_id)
                log.warning("consent.not_asked", error=type(error).__name__, reason=str(error))
        log.info("consent.wished", people=len(of), told=len(wishes))


class GiveConsent:
    """A person's word, on one wish or for all colleagues."""

    def __init__(self, *, consents: ConsentStore, clock: Clock) -> None:
        self._consents = consents
        self._clock = clock

    def answer(
        self, team_id: TeamId, user_id: UserId, request_id: RequestId, answer: Answer
    ) -> bool:
        """To a wish; False if it is not open any more. Raises: DatabaseUnavailableError."""
        taken = self._consents.answer(team_id, user_id, request_id, answer, now=self._clock())
        log.info("consent.answered", answer=answer.value, taken=taken)
        return taken

    def decide(self, team_id: TeamId, user_id: UserId, colleagues: Allowance) -> None:
        """Without having been asked. Raises: DatabaseUnavailableError."""
        self._consents.decide(team_id, user_id, colleagues, now=self._clock())
        log.info("consent.decided", colleagues=colleagues.value)


class SendGranted:
    """The tick: questions to which everybody agreed get their answers."""

    def __init__(
        self, *, consents: ConsentStore, send: Callable[[TeamId, Granted], None], clock: Clock
    ) -> None:
        """`send` searches and answers; after any FindmeError but these nothing more is sent.

        After a SourceUnavailableError or a DatabaseUnavailableError it is tried again.
        """
        self._consents = consents
        self._send = send
        self._clock = clock

    def __call__(self, team_id: TeamId) -> int:
        """Send what waits; returns how many answers that were.

        A process that dies on the way sends an answer twice rather than never.
        Raises: DatabaseUnavailableError.
        """
        sent = 0
        stale = self._clock() - SENDING_TAKES
        for granted in self._consents.granted(team_id, sent_before=stale):
            now = self._clock()
            if not self._consents.claim(team_id, granted, now=now, sent_before=now - SENDING_TAKES):
                continue
            try:
                self._send(team_id, granted)
            except (SourceUnavailableError, DatabaseUnavailableError) as error:
                self._consents.release(team_id, granted)
                log.warning("consent.not_sent", error=type(error).__name__, reason=str(error))
                continue
            except FindmeError as error:
                log.warning("consent.not_sent", error=type(error).__name__, reason=str(error))
            except Exception:
                # Once more would end as badly, and the others wait.
                log.exception("consent.not_sent")
            else:
                sent += 1
            self._consents.done(team_id, granted, now=self._clock())
        return sent
