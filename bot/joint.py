"""One call for all who want to know the same at the same time."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Joint(Generic[Answer]):
    """Asks one thing, once for everybody who waits for it. Thread-safe.

    Nobody gets an answer that is older than their question: whoever comes while a call is under way
    waits for its end, and then for the next one, together with all others who came meanwhile.
    """

    def __init__(self, ask: Callable[[], Answer]) -> None:
        self._ask = ask
        self._next: Future[Answer] | None = None
        self._lock = threading.Lock()
        self._turn = threading.Lock()

    def __call__(self) -> Answer:
        """The answer, or what `ask` raised."""
        with self._lock:
            joined, own = self._next, Future[Answer]()
            if joined is None:
                self._next = own
        if joined is not None:
            return joined.result()
        with self._turn:
            with self._lock:
                # Whoever comes from now on may want to know what happens only now.
                self._next = None
            try:
                own.set_result(self._ask())
            except BaseException as error:  # noqa: BLE001 - all who joined have to be told
                own.set_exception(error)
        return own.result()
