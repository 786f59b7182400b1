"""Who goes first: acknowledgements before answers, and few answers at once.

Python runs one thread at a time. Fifty questions that are worked on together each take as long as
all of them, and whoever only has to be acknowledged waits among them. So work begins once nobody
is there to be acknowledged (`Arrivals`), and takes turns (`Turns`): then the first have their
answer at once, and all of them have it sooner (`make bench PART=latency`).
"""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

AT_ONCE = 6
"""An answer mostly waits for Slack and PostgreSQL: more than cores, fewer than people."""

STUCK_AFTER_S = 1.0

QUIET_S = 0.005
"""If nobody has come for so long, a crowd is over; whoever comes alone waits so long as well."""

MOST_QUIET_S = 0.4


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


class Arrivals:
    """What has come and is not acknowledged yet. For one process; thread-safe."""

    def __init__(self, *, quiet_s: float = QUIET_S, most_s: float = MOST_QUIET_S) -> None:
        self._quiet_s = quiet_s
        self._most_s = most_s
        self._lock = threading.Lock()
        self._inside = 0
        self._last_s = -math.inf
        # One looks whether it is quiet, for all who wait: fifty who look would be the noise.
        self._looking = threading.Lock()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Something has come; afterwards it is acknowledged."""
        self._note(1)
        try:
            yield
        finally:
            self._note(-1)

    def let_pass(self) -> None:
        """Wait until it is quiet, but for no more than some `most_s`: work has to be done."""
        if not self._looking.acquire(timeout=self._most_s):
            return
        try:
            until_s = time.monotonic() + self._most_s
            while (left_s := self._noise_s()) > 0 and time.monotonic() < until_s:
                time.sleep(min(left_s, self._most_s))
        finally:
            self._looking.release()

    def _noise_s(self) -> float:
        """How long it is not quiet for at least; 0 or less: it is."""
        with self._lock:
            last_s = time.monotonic() if self._inside else self._last_s
        return last_s + self._quiet_s - time.monotonic()

    def _note(self, change: int) -> None:
        with self._lock:
            self._inside += change
            self._last_s = time.monotonic()
