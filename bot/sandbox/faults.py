"""Faults and limits that a test orders, and counters of what the bot asked for."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus

from bot.sandbox.model import FileId, Json

DOWNLOAD = "files.download"
"""Stands for a method name where a file is fetched from its url_private."""

AVATAR = "avatar"
"""Stands for a method name where a profile picture is fetched."""

UPLOAD = "files.upload"
"""Stands for a method name where bytes are sent to an upload URL."""

RESPONSE_URL = "response_url"
"""Stands for a method name where a response_url is posted to."""

IN_FLIGHT_S = 0.2
"""What comes so soon after a Retry-After was sent was on its way before it was read."""
_NOT_YET_S = math.inf


class Breakage(Enum):
    """How a connection breaks in place of a whole answer."""

    RESET = "reset before any byte"
    CUT = "closed in the middle of the body"
    DRIP = "a byte now and then, for ever"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What to give instead of the real answer; with `is_taken`, what was asked for happens.

    `body` is what is begun where the connection breaks; empty, something of a suitable kind.
    """

    status: int
    headers: Mapping[str, str]
    body: Json | str | bytes
    breakage: Breakage | None = None
    is_taken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A call that came before the time that Slack's Retry-After had named."""

    method: str
    early_s: float


@dataclass(slots=True, kw_only=True)
class _Order:
    left: int
    fault: Fault | None = None
    delay_s: float = 0.0


@dataclass(slots=True, kw_only=True)
class _Limit:
    calls: int
    per_s: float
    page: int | None
    came_s: deque[float] = field(default_factory=deque)

    def refuse(self, now_s: float) -> Fault | None:
        while self.came_s and self.came_s[0] <= now_s - self.per_s:
            self.came_s.popleft()
        if len(self.came_s) < self.calls:
            self.came_s.append(now_s)
            return None
        wait_s = math.ceil(self.came_s[0] + self.per_s - now_s)
        body = {"ok": False, "error": "ratelimited"}
        return Fault(status=429, headers={"Retry-After": str(max(1, wait_s))}, body=body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interference:
    """What happens to one request: a wait, then a fault or the real answer."""

    delay_s: float
    fault: Fault | None


@dataclass(slots=True)
class Faults:
    """Orders and counters; safe to use from any thread.

    `calls` counts requests by method, faulty ones included, with `DOWNLOAD`, `AVATAR`, `UPLOAD` and
    `RESPONSE_URL` for what is no method; `downloads` counts files that were really handed out.
    `violations` are calls that came while a Retry-After was pending.
    """

    calls: Counter[str] = field(default_factory=Counter)
    downloads: Counter[FileId] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)
    _orders: dict[str, list[_Order]] = field(default_factory=dict)
    _limits: dict[str, _Limit] = field(default_factory=dict)
    _pending_s: dict[str, tuple[float, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fail(
        self,
        method: str,
        *,
        status: int = 200,
        error: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: Json | str | bytes | None = None,
        is_taken: bool = False,
        times: int = 1,
    ) -> None:
        """Let the next `times` requests of a method fail.

        Without `body` the answer is Slack's for an `error` code, or for the HTTP status.
        """
        code = error or (
            "ratelimited" if status == HTTPStatus.TOO_MANY_REQUESTS else "internal_error"
        )
        answer = {"ok": False, "error": code} if body is None else body
        fault = Fault(status=status, headers=dict(headers or {}), body=answer, is_taken=is_taken)
        self._order(method, _Order(left=times, fault=fault))

    def break_off(
        self,
        method: str,
        how: Breakage,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        is_taken: bool = False,
        times: int = 1,
    ) -> None:
        """Let the connections of the next `times` requests of a method break."""
        fault = Fault(
            status=200, headers=dict(headers or {}), body=body, breakage=how, is_taken=is_taken
        )
        self._order(method, _Order(left=times, fault=fault))

    def slow(self, method: str, *, delay_s: float, times: int = 1) -> None:
        """Let the next `times` requests of a method wait before their answer."""
        self._order(method, _Order(left=times, delay_s=delay_s))

    def limit(
        self, method: str, *, calls: int = 1, per_s: float = 60.0, page: int | None = None
    ) -> None:
        """Answer no more than `calls` in `per_s`, beyond that 429; no more than `page` items each.

        Slack's own for `conversations.history` of distributed apps: 1, 60 s, 15
        (https://docs.slack.dev/apis/web-api/rate-limits).
        """
        with self._lock:
            self._limits[method] = _Limit(calls=calls, per_s=per_s, page=page)

    def most_items(self, method: str) -> int | None:
        """How many items a page of that method holds at most, if that is limited."""
        limit = self._limits.get(method)
        return limit.page if limit else None

    def clear(self) -> None:
        """Forget all orders and limits; the counters stay."""
        with self._lock:
            self._orders.clear()
            self._limits.clear()

    def meet(self, method: str) -> Interference:
        """Count a request and take what was ordered for it."""
        with self._lock:
            now_s = time.monotonic()
            self.calls[method] += 1
            told_s, until_s = self._pending_s.get(method, (0.0, 0.0))
            early_s = until_s - now_s
            if early_s > 0 and now_s - told_s > IN_FLIGHT_S:
                self.violations.append(Violation(method=method, early_s=early_s))
            fault, delay_s = self._ordered(method)
            limit = self._limits.get(method)
            if fault is None and limit is not None:
                fault = limit.refuse(now_s)
            if fault is not None and fault.status == HTTPStatus.TOO_MANY_REQUESTS:
                self._note_wait(method, fault, now_s)
            return Interference(delay_s=delay_s, fault=fault)

    def told(self, method: str) -> None:
        """A Retry-After was sent: whoever calls from now on knows of it."""
        with self._lock:
            told_s, until_s = self._pending_s.get(method, (0.0, 0.0))
            if told_s == _NOT_YET_S:
                self._pending_s[method] = (time.monotonic(), until_s)

    def downloaded(self, file_id: FileId) -> None:
        """Count one file handed out."""
        with self._lock:
            self.downloads[file_id] += 1

    def _ordered(self, method: str) -> tuple[Fault | None, float]:
        orders = self._orders.get(method, [])
        fault: Fault | None = None
        delay_s = 0.0
        for order in list(orders):
            if order.fault is not None and fault is not None:
                continue
            fault = fault or order.fault
            delay_s += order.delay_s
            order.left -= 1
            if order.left <= 0:
                orders.remove(order)
        return fault, delay_s

    def _note_wait(self, method: str, fault: Fault, now_s: float) -> None:
        asked = fault.headers.get("Retry-After", "")
        if asked.isdigit():
            told_s, until_s = self._pending_s.get(method, (0.0, 0.0))
            if now_s > until_s:
                told_s = _NOT_YET_S
            self._pending_s[method] = (told_s, max(until_s, now_s + int(asked)))

    def _order(self, method: str, order: _Order) -> None:
        with self._lock:
            self._orders.setdefault(method, []).append(order)
