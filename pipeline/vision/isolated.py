"""Pictures of strangers, decoded in processes of their own: `decode_sized`.

A codec that hangs, crashes or takes all memory takes its process along, not the program.

Why not a pool of a library (pebble, concurrent.futures): `multiprocessing` imports the program's
main module into each child again, and the workers of a pool share one pipe and its locks: one that
is killed with the lock in its hand stops the others. Here each child has a socket of its own.
"""

import atexit
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from pipeline.domain.arrays import Image
from pipeline.errors import UnreadablePhotoError
from pipeline.priority import is_lowered
from pipeline.vision.decoder import Child, DecoderUnavailableError, StoppedError
from pipeline.vision.limits import LARGEST_BYTES, LIMIT_S, MAX_SIDE_PX, SMALL_BYTES
from pipeline.vision.memory import alone_in_memory, turns

TOO_SLOW = "reading the picture took too long"
STOPPED = "reading the picture stopped the decoder"

_ATTEMPTS = 2
_KEPT = 4
_ASKED_AT_ONCE = max(2, os.cpu_count() or 1)
"""Of the pictures that people wait for: a child takes 0.3 s to start and 50 MB, and fifty new
profile pictures at once are read sooner by a few."""


def decode_sized(data: bytes, *, max_side_px: int = MAX_SIDE_PX) -> tuple[Image, tuple[int, int]]:
    """An upright image no longer than `max_side_px`, and the picture's own (width, height) in px.

    Raises: UnreadablePhotoError, its text being the reason in plain words;
    DecoderUnavailableError if no process can be started, NoRoomError if there is no room for it.
    """
    if not data:
        raise UnreadablePhotoError("the file is empty")
    with turns.shared():
        decoded = _decoded(data, max_side_px=max_side_px, allowed_bytes=SMALL_BYTES)
    if decoded is None:
        with alone_in_memory():
            children.keep_one()
            decoded = _decoded(data, max_side_px=max_side_px, allowed_bytes=LARGEST_BYTES)
    assert decoded is not None  # what takes more than the largest is refused with a reason
    return decoded


def _decoded(
    data: bytes, *, max_side_px: int, allowed_bytes: int
) -> tuple[Image, tuple[int, int]] | None:
    """None if it takes more memory than allowed.

    A child may be killed for what it did not do (by the kernel, short of memory): that is tried
    once more, in another child, and is the picture's fault then.
    """
    left_s = LIMIT_S
    for _ in range(_ATTEMPTS):
        with children.borrowed() as child:
            # Starting a child is no picture's fault, and isn't counted.
            started = time.monotonic()
            until = started + left_s
            try:
                return child.decode(
                    data, max_side_px=max_side_px, allowed_bytes=allowed_bytes, until=until
                )
            except StoppedError:
                left_s -= time.monotonic() - started
            except TimeoutError as error:
                raise UnreadablePhotoError(TOO_SLOW) from error
    raise UnreadablePhotoError(STOPPED)


class Children:
    """As many as are needed at once, started when they are; some of them are kept.

    A child has the priority of the thread that started it, for good: whoever waits for an answer
    borrows none that yields to everybody.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Child] = []
        self._busy: set[Child] = set()
        self._is_closed = False
        self._asked = threading.BoundedSemaphore(_ASKED_AT_ONCE)

    @property
    def idle(self) -> list[Child]:
        """Those that wait for a picture."""
        with self._lock:
            return list(self._idle)

    @contextmanager
    def borrowed(self) -> Iterator[Child]:
        """A child for one picture. Raises: DecoderUnavailableError."""
        # Who indexes is limited by how many do.
        with nullcontext() if is_lowered() else self._asked:
            child = self._take()
            try:
                yield child
            finally:
                self._give_back(child)

    def keep_one(self) -> None:
        """End all others that wait: one that has read a photo of 12 megapixels holds 50 MB."""
        with self._lock:
            while len(self._idle) > 1:
                self._idle.pop().kill()

    def close(self) -> None:
        """End them all; none is started any more."""
        with self._lock:
            self._is_closed = True
            for child in (*self._idle, *self._busy):
                child.kill()
            self._idle.clear()

    def _give_back(self, child: Child) -> None:
        with self._lock:
            self._busy.discard(child)
            alike = sum(one.is_lowered is child.is_lowered for one in self._idle)
            is_wanted = not self._is_closed and alike < _KEPT
            if child.is_alive and is_wanted:
                self._idle.append(child)
            else:
                child.kill()

    def _take(self) -> Child:
        with self._lock:
            if self._is_closed:
                raise DecoderUnavailableError
            for child in [one for one in self._idle if one.is_lowered is is_lowered()]:
                self._idle.remove(child)
                if child.is_alive:
                    self._busy.add(child)
                    return child
                child.kill()
        child = Child()
        with self._lock:
            self._busy.add(child)
        return child


children = Children()
"""This process's."""

atexit.register(children.close)
