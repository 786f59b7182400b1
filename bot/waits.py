"""How long Slack asked to wait (429 with Retry-After), by what was asked of it."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

UNNAMED_S = 1.0
"""Where Slack asks to wait and doesn't say how long."""

_ONE_BY_ONE_S = 60.0


def seconds(retry_after: str | None) -> float | None:
    """The header's value, or None where it says nothing that can be read."""
    try:
        asked_s = float(retry_after) if retry_after else None
    except ValueError:
        return None
    # "nan" and "inf" are floats, too.
    return asked_s if asked_s is not None and 0 <= asked_s < float("inf") else None


class Waits:
    """For one process: whoever asks next waits, too, not only who was told. Thread-safe."""

    def __init__(self) -> None:
        self._until_s: dict[str, float] = {}
        self._turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._lock = threading.Lock()

    def note(self, what: str, retry_after: str | None) -> None:
        """Slack said so just now."""
        asked_s = seconds(retry_after)
        until_s = time.monotonic() + (UNNAMED_S if asked_s is None else asked_s)
        with self._lock:
            self._until_s[what] = max(self._until_s.get(what, 0.0), until_s)

    @contextmanager
    def turn(self, what: str, *, patience_s: float) -> Iterator[float]:
        """Wait until it may be asked, if that is not too long; what is left to wait, or 0: ask now.

        What was limited a moment ago is asked by one at a time: who waited together would else
        come together, and all but one be refused.
        """
        end_s = time.monotonic() + patience_s
        with self._lock:
            was_limited = time.monotonic() - self._until_s.get(what, -_ONE_BY_ONE_S) < _ONE_BY_ONE_S
            lock = self._turns[what] if was_limited else None
        if lock is not None and not lock.acquire(timeout=patience_s):
            yield max(self.left_s(what), UNNAMED_S)
            return
        try:
            # Slack may ask somebody else to wait while this one waits.
            while 0 < (left_s := self.left_s(what)) <= end_s - time.monotonic():
                time.sleep(left_s)
            yield left_s
        finally:
            if lock is not None:
                lock.release()

    def left_s(self, what: str) -> float:
        """How long not to ask that; 0 if there is nothing to wait for."""
        with self._lock:
            return max(0.0, self._until_s.get(what, 0.0) - time.monotonic())
