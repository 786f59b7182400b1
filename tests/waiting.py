"""Waiting for what comes a moment later."""

import time
from collections.abc import Callable

LOOK_EVERY_S = 0.02


def wait_until(holds: Callable[[], bool], *, timeout_s: float = 60.0) -> None:
    """The test fails if that doesn't come in time."""
    until_s = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < until_s, f"it took longer than {timeout_s:.0f} s"
        time.sleep(LOOK_EVERY_S)
