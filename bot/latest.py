"""Of several views on their way to one person, the one that was begun last is what they see."""

import threading
from collections import Counter, defaultdict
from collections.abc import Callable

from pipeline.domain.model import UserId


class Latest:
    """Hands out numbers, and lets through what no later number has overtaken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun: Counter[UserId] = Counter()
        self._turns: defaultdict[UserId, threading.Lock] = defaultdict(threading.Lock)

    def begin(self, user_id: UserId) -> int:
        """Whatever was begun before for that person isn't shown any more."""
        with self._lock:
            self._begun[user_id] += 1
            return self._begun[user_id]

    def show(self, user_id: UserId, number: int, publish: Callable[[], None]) -> bool:
        """Publish, unless something was begun since; false then. One at a time for a person."""
        with self._lock:
            turn = self._turns[user_id]
        with turn:
            with self._lock:
                if self._begun[user_id] != number:
                    return False
            publish()
            return True
