"""Few answers are worked on at once: the others wait for their turn.

Python runs one thread at a time. Fifty questions that are worked on together each take as long as
all of them, and whoever only has to be acknowledged waits among them: taking turns, the first have
their answer at once, and all of them have it sooner (`make bench PART=latency`).
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

AT_ONCE = 6
"""An answer mostly waits for Slack and PostgreSQL: more than cores, fewer than people."""

STUCK_AFTER_S = 1.0


class Turns:
    """For one process. Thread-safe."""

    def __init__(self, *, at_once: int = AT_ONCE, stuck_after_s: float = STUCK_AFTER_S) -> None:
        self._free = threading.BoundedSemaphore(at_once)
        self._stuck_after_s = stuck_after_s
        self._ended_s = time.monotonic()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Wait for a turn, and have it.

        Where nobody's ended for `stuck_after_s`, they wait for a database or for Slack and not for
        the processor: whoever comes then goes ahead.
        """
        is_ours = self._is_had()
        try:
            yield
        finally:
            if is_ours:
                self._ended_s = time.monotonic()
                self._free.release()

    def _is_had(self) -> bool:
        while not self._free.acquire(timeout=self._stuck_after_s):
            if time.monotonic() - self._ended_s >= self._stuck_after_s:
                return False
        return True
