"""While a program is being loaded."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage collection while a program is loaded; what is there by its end is kept for good.

    Imports leave half a million objects that stay: looking through them again and again takes a
    quarter of all importing, and later holds up whoever waits for an answer. (Threads that import
    beside each other would save more, but where two come into one circle of modules, one of them
    is given a half-made module.)
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
