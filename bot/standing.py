"""Whether Slack still lets the bot in, and what works only while it does."""

import threading
from collections.abc import Callable
from enum import Enum
from typing import Protocol

import structlog

from bot.calls import TokenRefusedError
from pipeline.errors import SourceUnavailableError

log = structlog.get_logger(__name__)


class Standing(Enum):
    """What the bot is to its workspace."""

    LET_IN = "let in"
    SHUT_OUT = "shut out"
    """Its token is refused. What it knows is kept until somebody opens again."""
    REMOVED = "removed"
    """It was uninstalled, and knows nothing any more."""


class Work(Protocol):
    """What reads photos in the background; `pipeline.jobs.worker.Worker` does."""

    @property
    def is_alive(self) -> bool:
        """Whether it works."""
        ...

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self) -> None:
        """Finish what is under way. Safe to call twice."""
        ...


class WorkElsewhere:
    """Implements Work: other processes do it (`findme worker`), this one has nothing to do."""

    is_alive = True

    def start(self) -> None:
        """They work already."""
        log.info("worker.elsewhere")

    def stop(self) -> None:
        """They go on."""


class Service:
    """Works while Slack lets the bot in, rests while it doesn't, and goes on by itself.

    No job is tried meanwhile, so that none is given up for want of a token.
    """

    def __init__(
        self,
        *,
        must_be_let_in: Callable[[], object],
        make_work: Callable[[], Work],
        forget: Callable[[], object],
        prepare: Callable[[], object],
    ) -> None:
        """`must_be_let_in` raises TokenRefusedError; `prepare` comes before each start of work.

        `forget` deletes all that is known of the workspace.
        """
        self._must_be_let_in = must_be_let_in
        self._make_work = make_work
        self._forget = forget
        self._prepare = prepare
        self._standing = Standing.LET_IN
        self._work: Work | None = None
        self._is_stopped = False
        self._is_to_forget = False
        self._is_in_doubt = False
        self._turn = threading.RLock()

    @property
    def standing(self) -> Standing:
        """How it stands now."""
        return self._standing

    @property
    def is_open(self) -> bool:
        """Whether anything may be asked or done."""
        return self._standing is Standing.LET_IN

    @property
    def is_healthy(self) -> bool:
        """Whether it is open, and works."""
        work = self._work
        return self.is_open and work is not None and work.is_alive

    def start(self) -> None:
        """Begin to work."""
        with self._turn:
            self._prepare()
            self._work = self._make_work()
            self._work.start()

    def stop(self) -> None:
        """End for good. Safe to call twice."""
        with self._turn:
            self._is_stopped = True
            self._rest()

    def while_open(self, action: Callable[[], object]) -> Callable[[], None]:
        """The action as a tick: left out while the bot is shut out, and noticing if it is."""

        def tick() -> None:
            if not self.is_open:
                return
            try:
                action()
            except TokenRefusedError as error:
                self.shut_out(error.code)

        return tick

    def shut_out(self, reason: str) -> None:
        """Slack refuses the token: rest, and keep everything."""
        with self._turn:
            if not self.is_open or self._is_stopped:
                return
            self._standing = Standing.SHUT_OUT
            log.error(
                "workspace.shut_out",
                reason=reason,
                advice="install the app again, set SLACK_BOT_TOKEN to the token that gives, "
                "and start Findme again; nothing is lost meanwhile",
            )
            self._rest()

    def check(self) -> None:
        """Somebody says that the token was revoked. Raises SourceUnavailableError."""
        try:
            self._must_be_let_in()
        except TokenRefusedError as error:
            self.shut_out(error.code)

    def remove(self) -> None:
        """Somebody says that the app was uninstalled: rest, and forget everything.

        Unless the token works: an old event, after the app was installed again. Only that Slack
        refuses the token says which; where it says nothing now, `look` asks again.
        Raises: DatabaseUnavailableError; it is tried again by `look`.
        """
        try:
            self._must_be_let_in()
        except TokenRefusedError:
            self._end()
        except SourceUnavailableError as error:
            self._is_in_doubt = True
            log.warning("workspace.perhaps_removed", reason=str(error))
        else:
            log.info("workspace.not_removed")

    def _end(self) -> None:
        with self._turn:
            if self._standing is not Standing.REMOVED:
                self._standing = Standing.REMOVED
                log.warning("workspace.removed", advice="to come back, install the app again")
            self._rest()
            self._is_to_forget = True
            self._forget()
            self._is_to_forget = False

    def look(self) -> None:
        """The tick while shut out: go on as soon as the token works again.

        And while it is in doubt whether the app was uninstalled.
        Raises: DatabaseUnavailableError.
        """
        if self._is_in_doubt:
            self._is_in_doubt = False
            self.remove()
        if self.is_open:
            return
        with self._turn:
            if self._is_to_forget:
                self._forget()
                self._is_to_forget = False
        if not self._is_let_in():
            return
        with self._turn:
            if self._is_stopped or self.is_open:
                return
            self.start()
            self._standing = Standing.LET_IN
            log.info("workspace.let_in")

    def _is_let_in(self) -> bool:
        try:
            self._must_be_let_in()
        except SourceUnavailableError:
            return False
        return True

    def _rest(self) -> None:
        work, self._work = self._work, None
        if work is not None:
            work.stop()
