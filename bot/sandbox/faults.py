"""Faults that a test orders, and counters of what the bot asked for."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.sandbox.model import FileId, Json

DOWNLOAD = "files.download"
"""Stands for a method name where a file is fetched from its url_private."""

UPLOAD = "files.upload"
"""Stands for a method name where bytes are sent to an upload URL."""

RESPONSE_URL = "response_url"
"""Stands for a method name where a response_url is posted to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An answer to give instead of the real one."""

    status: int
    headers: Mapping[str, str]
    body: Json | str


@dataclass(slots=True, kw_only=True)
class _Order:
    left: int
    fault: Fault | None = None
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Interference:
    """What happens to one request: a wait, then a fault or the real answer."""

    delay_s: float
    fault: Fault | None


@dataclass(slots=True)
class Faults:
    """Orders and counters; safe to use from any thread.

    `calls` counts requests by method, faulty ones included, with `DOWNLOAD`, `UPLOAD` and
    `RESPONSE_URL` for what is no method; `downloads` counts files that were really handed out.
    """

    calls: Counter[str] = field(default_factory=Counter)
    downloads: Counter[FileId] = field(default_factory=Counter)
    _orders: dict[str, list[_Order]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fail(
        self,
        method: str,
        *,
        status: int = 200,
        error: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: Json | str | None = None,
        times: int = 1,
    ) -> None:
        """Let the next `times` requests of a method fail.

        Without `body` the answer is Slack's for an `error` code, or for the HTTP status.
        """
        code = error or ("ratelimited" if status == 429 else "internal_error")  # noqa: PLR2004
        answer = {"ok": False, "error": code} if body is None else body
        self._order(method, _Order(left=times, fault=_fault(status, headers, answer)))

    def slow(self, method: str, *, delay_s: float, times: int = 1) -> None:
        """Let the next `times` requests of a method wait before their answer."""
        self._order(method, _Order(left=times, delay_s=delay_s))

    def clear(self) -> None:
        """Forget all orders; the counters stay."""
        with self._lock:
            self._orders.clear()

    def meet(self, method: str) -> Interference:
        """Count a request and take what was ordered for it."""
        with self._lock:
            self.calls[method] += 1
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
            return Interference(delay_s=delay_s, fault=fault)

    def downloaded(self, file_id: FileId) -> None:
        """Count one file handed out."""
        with self._lock:
            self.downloads[file_id] += 1

    def _order(self, method: str, order: _Order) -> None:
        with self._lock:
            self._orders.setdefault(method, []).append(order)


def _fault(status: int, headers: Mapping[str, str] | None, body: Json | str) -> Fault:
    return Fault(status=status, headers=dict(headers or {}), body=body)
