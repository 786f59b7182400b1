"""Whose turn it is to take much memory: the networks, or one large picture."""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol
from weakref import WeakSet

_LIBC = ctypes.CDLL(None)
_M_MMAP_THRESHOLD = -3  # malloc.h
_M_TRIM_THRESHOLD = -1
_LARGE_BLOCK_BYTES = 2**20
_LARGEST_KEPT_BYTES = 32 * 2**20  # the most that glibc takes
_ALL_KEPT_BYTES = 50_000_000


class Turns:
    """Any number share; one is alone, once those who share have finished.

    Who waits to be alone goes first: sharing is short, and never waits for another turn.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._sharing = 0
        self._waiting = 0
        self._is_alone = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        """With others."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_alone and not self._waiting)
            self._sharing += 1
        try:
            yield
        finally:
            with self._changed:
                self._sharing -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """With nobody else."""
        with self._changed:
            self._waiting += 1
            try:
                self._changed.wait_for(lambda: not self._is_alone and not self._sharing)
            finally:
                self._waiting -= 1
            self._is_alone = True
        try:
            yield
        finally:
            with self._changed:
                self._is_alone = False
                self._changed.notify_all()


class Releases(Protocol):
    """Keeps memory that it can do without until its next use."""

    def release_memory(self) -> None:
        """Give it back. Nobody uses it meanwhile."""
        ...


def give_back_freed() -> None:
    """To the system. glibc keeps what was freed below what isn't; other libraries have no call."""
    if hasattr(_LIBC, "malloc_trim"):
        _LIBC.malloc_trim(0)


def give_back_large() -> None:
    """From now on the system gets each large block back as soon as it is freed.

    By itself glibc keeps blocks of up to 32 MB, in pieces: two threads of pictures kept 100 MB so.
    """
    if hasattr(_LIBC, "mallopt"):
        _LIBC.mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK_BYTES)


def keep_freed() -> None:
    """From now on what is freed is used again, up to 50 MB.

    By itself glibc gets each picture's memory anew from the system: 10 ms for 12 megapixels.
    """
    if hasattr(_LIBC, "mallopt"):
        _LIBC.mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT_BYTES)
        _LIBC.mallopt(_M_TRIM_THRESHOLD, _ALL_KEPT_BYTES)


turns = Turns()
"""This process's: networks share while they infer, small pictures too; large ones are alone."""

_keepers: WeakSet[Releases] = WeakSet()


def may_release(keeper: Releases) -> None:
    """From now on `keeper` is asked to release before a large picture is decoded."""
    _keepers.add(keeper)


@contextmanager
def alone_in_memory() -> Iterator[None]:
    """Alone, with all given back that can be given back."""
    with turns.alone():
        for keeper in list(_keepers):
            keeper.release_memory()
        give_back_freed()
        yield
