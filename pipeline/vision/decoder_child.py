"""The process that decodes: `python -m pipeline.vision.decoder_child SOCKET SOURCE PIXELS LEASH`.

The arguments are numbers of open files. It is asked over the socket, one picture at a time, in a
line of JSON: SOURCE holds the picture's bytes by then, and PIXELS takes the image unless a file for
it comes with the request (`SCM_RIGHTS`). Its parent kills it where it takes too long; where its
parent is killed, the other end of LEASH closes, and the kernel ends it.
"""

import fcntl
import json
import math
import mmap
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.domain.arrays import Image
from pipeline.errors import NoRoomError, UnreadablePhotoError
from pipeline.vision.decode import LargePictureError, decode_file
from pipeline.vision.limits import LIMIT_S, SMALL_BYTES
from pipeline.vision.memory import give_back_freed, give_back_large, keep_freed

LINE_BYTES = 4096

# Between what a picture should take and what the kernel gives: the strips of a codec's that the
# header does not tell, and what malloc can't give back.
_SPARE_BYTES = 60_000_000


def main() -> None:
    """Answer requests until the parent closes the socket."""
    # The parent ends its children; a Ctrl-C in the terminal is its own affair.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    link_number, source, pixels, leash = map(int, sys.argv[1:])
    link = socket.socket(fileno=link_number)
    _end_with_parent(leash)
    usual = mmap.mmap(pixels, 0)
    data_bytes = _data_bytes()
    _answer(link, {"ready": True})
    while True:
        line, files, _, _ = socket.recv_fds(link, LINE_BYTES, 1)
        if not line:
            return
        request = json.loads(line)
        is_large = request["allowed_bytes"] > SMALL_BYTES
        (give_back_large if is_large else keep_freed)()
        _limit_memory(data_bytes, request["allowed_bytes"])
        signal.setitimer(signal.ITIMER_REAL, LIMIT_S + 1)
        answer = _decoded(request, source, _into(files[0]) if files else _within(usual))
        signal.setitimer(signal.ITIMER_REAL, 0)
        if files or is_large:
            give_back_freed()
        for file in files:
            os.close(file)
        _answer(link, answer)


def _decoded(
    request: dict[str, Any], source: int, allocate: Callable[[tuple[int, int, int]], Image]
) -> dict[str, Any]:
    os.lseek(source, 0, os.SEEK_SET)
    try:
        with os.fdopen(source, "rb", closefd=False) as file:
            image, full_size = decode_file(
                file,
                max_side_px=request["max_side_px"],
                allowed_bytes=request["allowed_bytes"],
                allocate=allocate,
            )
    except UnreadablePhotoError as error:
        return {"reason": str(error)}
    except LargePictureError:
        return {"is_large": True}
    except NoRoomError:
        return {"no_room": True}
    return {"shape": image.shape, "full_size": full_size}


def _within(memory: mmap.mmap) -> Callable[[tuple[int, int, int]], Image]:
    """The beginning of memory that is used again and again: new pages would take 7 ms an image."""
    return lambda shape: np.frombuffer(memory, np.uint8, math.prod(shape)).reshape(shape)


def _into(file: int) -> Callable[[tuple[int, int, int]], Image]:
    """A file made as large as the image."""

    def allocate(shape: tuple[int, int, int]) -> Image:
        try:
            os.ftruncate(file, math.prod(shape))
        except OSError as error:
            raise NoRoomError from error
        return np.frombuffer(mmap.mmap(file, 0), np.uint8).reshape(shape)

    return allocate


def _answer(link: socket.socket, answer: dict[str, Any]) -> None:
    link.sendall(json.dumps(answer).encode() + b"\n")


def _end_with_parent(leash: int) -> None:
    """End at once when the parent is gone, without a codec having to return first.

    SIGIO ends a process that doesn't handle it (but on macOS, where a timer does, soon after the
    time limit). It comes for whatever happens to a file, and late where the machine is busy: to the
    socket a request happens. `PR_SET_PDEATHSIG` would not do: it comes when the thread ends that
    started the child.
    """
    fcntl.fcntl(leash, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(leash, fcntl.F_SETFL, fcntl.fcntl(leash, fcntl.F_GETFL) | os.O_ASYNC)


def _limit_memory(data_bytes: int, allowed_bytes: int) -> None:
    """Private memory alone (Linux): libraries and the files that are handed over don't count."""
    if sys.platform == "linux":
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = data_bytes + allowed_bytes + _SPARE_BYTES
        # Whoever started the program may allow it less.
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (allowed, hard))


def _data_bytes() -> int:
    """What the process has before any picture."""
    if sys.platform != "linux":
        return 0
    data_pages = int(Path("/proc/self/statm").read_text().split()[5])
    return data_pages * resource.getpagesize()


if __name__ == "__main__":
    main()
