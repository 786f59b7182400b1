"""How long Slack asked to wait (429 with Retry-After), by what was asked of it."""

import threading
import time

UNNAMED_S = 1.0
"""Where Slack asks to wait and doesn't say how long."""


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
        self._lock = threading.Lock()

    def note(self, what: str, retry_after: str | None) -> None:
        """Slack said so just now."""
        asked_s = seconds(retry_after)
        until_s = time.monotonic() + (UNNAMED_S if asked_s is None else asked_s)
        with self._lock:
            self._until_s[what] = max(self._until_s.get(what, 0.0), until_s)

    def left_s(self, what: str) -> float:
        """How long not to ask that; 0 if there is nothing to wait for."""
        with self._lock:
            return max(0.0, self._until_s.get(what, 0.0) - time.monotonic())
