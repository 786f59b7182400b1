"""One process that decodes, seen from the program that started it."""

import json
import math
import mmap
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from typing import Any

import numpy as np
import structlog

from pipeline.domain.arrays import Image
from pipeline.errors import NoRoomError, UnreadablePhotoError
from pipeline.priority import is_lowered
from pipeline.vision.limits import MAX_SIDE_PX

log = structlog.get_logger(__name__)

_KEPT_BYTES = 3 * MAX_SIDE_PX**2
_START_S = 30.0
_END_S = 1.0
_LINE_BYTES = 4096
_MODULE = "pipeline.vision.decoder_child"
# The tokens in this process's environment are none of a decoder's business.
_PASSED_ON = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG")


class DecoderUnavailableError(NoRoomError):
    """Pictures can't be read just now; please try again in a minute."""


class StoppedError(Exception):
    """The process ended by itself, or somebody ended it."""


class Child:
    """A process that decodes one picture at a time."""

    def __init__(self) -> None:
        """Start it. Raises: DecoderUnavailableError, NoRoomError."""
        self.is_lowered = is_lowered()
        self._source = _memory_file()
        try:
            pixels = _memory_file()
        except NoRoomError:
            os.close(self._source)
            raise
        try:
            os.ftruncate(pixels, _KEPT_BYTES)
            self._pixels = mmap.mmap(pixels, _KEPT_BYTES)
        except OSError as error:
            os.close(self._source)
            os.close(pixels)
            raise NoRoomError from error
        self._link, theirs = socket.socketpair()
        # Nothing is ever written to it: that it closes tells the child that this program is gone.
        held, self._leash = os.pipe()
        files = (theirs.fileno(), self._source, pixels, held)
        try:
            self._process = subprocess.Popen(  # noqa: S603  # this program's own module
                # -P: not from the folder that the program happens to be started in.
                [sys.executable, "-P", "-m", _MODULE, *map(str, files)],
                pass_fds=files,
                stdin=subprocess.DEVNULL,
                # Codecs complain there about the files that they are given.
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_environment(),
            )
        except OSError as error:
            self._close()
            raise DecoderUnavailableError from error
        finally:
            theirs.close()
            os.close(held)
            os.close(pixels)
        try:
            self._receive(until=time.monotonic() + _START_S)
        except (OSError, StoppedError) as error:
            self.kill()
            log.warning("decoder.not_started", code=self._process.returncode)
            raise DecoderUnavailableError from error

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it runs, as far as can be told without asking it."""
        return self._process.poll() is None

    def decode(
        self, data: bytes, *, max_side_px: int, allowed_bytes: int, until: float
    ) -> tuple[Image, tuple[int, int]] | None:
        """The upright image and the picture's own (width, height) in px.

        None if that takes more than `allowed_bytes` of memory. After any other error than
        UnreadablePhotoError the process is no more.
        Raises: UnreadablePhotoError, StoppedError, TimeoutError at `until` (monotonic, in s),
        NoRoomError.
        """
        request = {"max_side_px": max_side_px, "allowed_bytes": allowed_bytes}
        own = _memory_file() if 3 * max_side_px**2 > _KEPT_BYTES else None
        try:
            self._put(data)
            answer = self._ask(request, own, until=until)
            if "reason" in answer:
                raise UnreadablePhotoError(answer["reason"])  # noqa: TRY301  # passed on below
            if "no_room" in answer:
                raise NoRoomError  # noqa: TRY301  # as from this side
            if "is_large" in answer:
                return None
            shape, (width, height) = answer["shape"], answer["full_size"]
            if own is None:
                kept = np.frombuffer(self._pixels, np.uint8, math.prod(shape))
                return kept.reshape(shape).copy(), (width, height)
            # A large one isn't copied: its memory is shared with nobody, and goes with the image.
            return np.frombuffer(mmap.mmap(own, 0), np.uint8).reshape(shape), (width, height)
        except UnreadablePhotoError:
            raise
        except BaseException:
            # An answer that nobody waited for would be taken for the next picture's.
            self.kill()
            raise
        finally:
            if own is not None:
                os.close(own)

    def kill(self) -> None:
        """End it, whatever it does. Safe to call twice."""
        self._process.kill()
        self._process.wait()
        self._close()

    def _put(self, data: bytes) -> None:
        """Into the file it reads from, whose pages are used again by the next picture."""
        try:
            os.ftruncate(self._source, len(data))
            written = 0
            while written < len(data):
                written += os.pwrite(self._source, memoryview(data)[written:], written)
        except OSError as error:
            raise NoRoomError from error

    def _ask(self, request: dict[str, Any], file: int | None, *, until: float) -> dict[str, Any]:
        try:
            files = [] if file is None else [file]
            socket.send_fds(self._link, [json.dumps(request).encode()], files)
            return self._receive(until=until)
        except (OSError, StoppedError) as error:
            is_late = isinstance(error, TimeoutError)
            if not is_late:
                # The socket is closed a little before the process can tell how it ended.
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(timeout=_END_S)
            self.kill()
            log.warning("decoder.stopped", code=self._process.returncode, is_late=is_late)
            if is_late:
                raise
            raise StoppedError from error

    def _receive(self, *, until: float) -> dict[str, Any]:
        line = b""
        while not line.endswith(b"\n"):
            left_s = until - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            self._link.settimeout(left_s)
            part = self._link.recv(_LINE_BYTES)
            if not part:
                raise StoppedError
            line += part
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _close(self) -> None:
        self._link.close()
        if self._source >= 0:
            os.close(self._source)
            os.close(self._leash)
            self._source = -1


def _memory_file() -> int:
    """A file without a name: it is gone once nobody has it open or mapped.

    Not multiprocessing.shared_memory: that has names, which stay behind when a process is killed,
    and lies in /dev/shm, of which a container has 64 MB. Raises: NoRoomError.
    """
    try:
        if sys.platform == "linux":
            return os.memfd_create("findme-picture")
        with tempfile.TemporaryFile() as file:
            return os.dup(file.fileno())
    except OSError as error:
        raise NoRoomError from error


def _environment() -> dict[str, str]:
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    # numpy's threads are never used there, and each would take memory.
    return passed_on | {"OPENBLAS_NUM_THREADS": "1"}
