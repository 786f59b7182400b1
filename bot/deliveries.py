"""What Slack delivers several times is taken once; while the bot is shut out, nothing is.

Slack sends again what it got no acknowledgement for, at once, after one minute and after five
(https://docs.slack.dev/apis/events-api#retries), and after a lost connection also what it did get
one for. Of events each process remembers its own, and every listener is idempotent besides; of what
somebody typed, clicked or submitted, of which each copy would be answered, all bots of a workspace
remember together.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt import Ack, BoltRequest, BoltResponse

from bot.payloads import Delivery

log = structlog.get_logger(__name__)

LIFE_S = 900.0
MOST = 20_000
ACK_TIMEOUT_S = 3.0
"""Slack's own; a listener that said nothing by then never will."""
LOOK_EVERY_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    at_s: float
    ack: Ack


class TakenOnce:
    """Bolt middleware. A copy is answered as the first was, and goes no further."""

    def __init__(
        self, *, life_s: float = LIFE_S, most: int = MOST, clock: Callable[[], float] | None = None
    ) -> None:
        self._life_s = life_s
        self._most = most
        self._clock = clock or time.monotonic
        self._taken: OrderedDict[str, _Taken] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(
        self,
        request: BoltRequest,
        next_: Callable[[], BoltResponse],
    ) -> BoltResponse:
        """Pass on what is new."""
        delivery = Delivery.from_body(request.body)
        if delivery.key is None:
            return next_()
        first = self._take(delivery.key, request.context.ack)
        if first is None:
            return next_()
        log.debug("delivery.repeated", is_event=delivery.is_event)
        if delivery.is_event:
            return BoltResponse(status=200)
        return self._answer_of(first) or self._again(delivery.key, request, next_)

    def forget(self, body: Mapping[str, Any]) -> None:
        """What came of an event's first copy is nothing: another one may try."""
        delivery = Delivery.from_body(body)
        if delivery.is_event and delivery.key is not None:
            with self._lock:
                self._taken.pop(delivery.key, None)

    def _take(self, key: str, ack: Ack) -> _Taken | None:
        """None if this is the first copy; else the first."""
        now_s = self._clock()
        with self._lock:
            while self._taken and self._is_old(next(iter(self._taken.values())), now_s):
                self._taken.popitem(last=False)
            known = self._taken.get(key)
            if known is None:
                self._taken[key] = _Taken(at_s=now_s, ack=ack)
            return known

    def _is_old(self, taken: _Taken, now_s: float) -> bool:
        return len(self._taken) > self._most or now_s - taken.at_s > self._life_s

    def _answer_of(self, first: _Taken) -> BoltResponse | None:
        """What the first copy is acknowledged with, as soon as it is; None if it never was."""
        while first.ack.response is None and self._clock() - first.at_s < ACK_TIMEOUT_S:
            time.sleep(LOOK_EVERY_S)
        response = first.ack.response
        return response if response is not None and response.status == 200 else None  # noqa: PLR2004

    def _again(
        self, key: str, request: BoltRequest, next_: Callable[[], BoltResponse]
    ) -> BoltResponse:
        with self._lock:
            self._taken[key] = _Taken(at_s=self._clock(), ack=request.context.ack)
            self._taken.move_to_end(key)
        return next_()


class TakenElsewhereError(Exception):
    """Another bot of this workspace answers."""


class AckThenTake(Ack):
    """Acknowledges as it is told to, and then makes sure that no other bot answers as well.

    In this order: Slack waits 3 s for the one, and a database may take longer for the other.
    Called, it raises TakenElsewhereError where there is nothing left to do.
    """

    def __init__(self, ack: Ack, take: Callable[[], bool]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Bolt leaves it untyped
        self._ack = ack
        self._take = take

    def __call__(self, *args: Any, **kwargs: Any) -> BoltResponse:
        """Bolt's own `ack`, with its arguments."""
        response = self._ack(*args, **kwargs)
        if not self._take():
            raise TakenElsewhereError
        return response


class OnlyWhileOpen:
    """Bolt middleware. Whoever asks a bot that is shut out is told so."""

    def __init__(self, *, is_open: Callable[[], bool], tell: Callable[[str], object]) -> None:
        """`tell` takes a response_url, and returns at once."""
        self._is_open = is_open
        self._tell = tell

    def __call__(self, request: BoltRequest, next_: Callable[[], BoltResponse]) -> BoltResponse:
        """Pass everything on, or only the news of the end."""
        delivery = Delivery.from_body(request.body)
        if self._is_open() or delivery.is_an_end:
            return next_()
        if delivery.response_url:
            self._tell(delivery.response_url)
        return BoltResponse(status=200)
