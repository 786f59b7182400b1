"""Weights of the networks: fetched once from their official address, verified before every use.

A file is known by its SHA-256, so that no mirror, proxy page or damaged disk can slip another
network in. It appears in the folder whole or not at all, whoever else is fetching it just then.
"""

import errno
import hashlib
import os
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import httpx
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from pipeline.errors import WeightsUnavailableError

MAX_BYTES = 512 * 2**20
"""No network of ours is larger; what goes on beyond this is cut off."""

_MAX_REDIRECTS = 5
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_READ_ONLY = {errno.EACCES, errno.EPERM, errno.EROFS}


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightFile:
    """One file of weights: where its makers publish it, and what it must be."""

    name: str
    url: str
    sha256: str
    size_bytes: int | None
    licence: str
    source: str


class WeightState(Enum):
    """Whether a file of weights can be used."""

    VERIFIED = "verified"
    MISSING = "missing"
    WRONG = "wrong"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightStatus:
    """What a folder holds of one file; `size_bytes` is the size on disk, None if it isn't there."""

    file: WeightFile
    path: Path
    state: WeightState
    size_bytes: int | None


YUNET = WeightFile(
    name="face_detection_yunet_2023mar.onnx",
    # The zoo keeps its networks in git LFS: the media address serves the file, not its pointer.
    url=(
        "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/"
        "models/face_detection_yunet/face_detection_yunet_2023mar.onnx"
    ),
    sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    size_bytes=232_589,
    licence="MIT",
    source="OpenCV Zoo, face_detection_yunet",
)

_RETAIL = (
    "https://storage.openvinotoolkit.org/repositories/open_model_zoo/2023.0/models_bin/1/"
    "face-reidentification-retail-0095/FP16/face-reidentification-retail-0095"
)

RETAIL_XML = WeightFile(
    name="face-reidentification-retail-0095.xml",
    url=f"{_RETAIL}.xml",
    sha256="ce53d2c9c08c0bd1c1660fb8a5b6d0e3e4ec19eb92f1036d2d83a85e83082dce",
    size_bytes=350_427,
    licence="Apache-2.0",
    source="Open Model Zoo 2023.0, face-reidentification-retail-0095, FP16",
)

RETAIL_BIN = WeightFile(
    name="face-reidentification-retail-0095.bin",
    url=f"{_RETAIL}.bin",
    sha256="241229ca3d206321868d46ce74a3c0b06c49cea58db7dc70b2e842ff287545d1",
    size_bytes=2_213_628,
    licence="Apache-2.0",
    source="Open Model Zoo 2023.0, face-reidentification-retail-0095, FP16",
)

SFACE = WeightFile(
    name="face_recognition_sface_2021dec.onnx",
    url=(
        "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/"
        "models/face_recognition_sface/face_recognition_sface_2021dec.onnx"
    ),
    sha256="0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
    size_bytes=38_696_353,
    licence="Apache-2.0",
    source="OpenCV Zoo, face_recognition_sface",
)


class WeightStore:
    """A folder of weights; safe to share between threads, and the folder between processes."""

    def __init__(
        self,
        folder: Path,
        *,
        show_progress: bool | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`show_progress`: a bar on stderr; None means only where stderr is a terminal."""
        self._folder = folder
        self._show_progress = show_progress
        self._transport = transport
        self._lock = threading.Lock()
        # A verdict holds for the file as it was then: size and time of change are part of the key.
        self._verdicts: dict[tuple[str, int, int], str] = {}

    def path_of(self, file: WeightFile) -> Path:
        """Where the verified file lies; it is downloaded if it is missing.

        Raises: WeightsUnavailableError if it is there but another one, or can't be had.
        """
        with self._lock:
            status = self._status(file)
            match status.state:
                case WeightState.VERIFIED:
                    pass
                case WeightState.MISSING:
                    self._download(file)
                case WeightState.WRONG:
                    raise WeightsUnavailableError(
                        f"{status.path} is not the {file.name} that Findme knows (its SHA-256"
                        " differs); delete it, or run `findme models pull` to replace it."
                    )
                case WeightState.UNREADABLE:
                    raise WeightsUnavailableError(
                        f"{status.path} can't be read; give this user the right to read it, or set"
                        " FINDME_MODELS_DIR to another folder."
                    )
        return status.path

    def pull(self, files: Iterable[WeightFile]) -> list[Path]:
        """Download what is missing or wrong, leave what is right; where they lie.

        Raises: WeightsUnavailableError at the first file that can't be had.
        """
        paths = []
        for file in files:
            with self._lock:
                status = self._status(file)
                if status.state is not WeightState.VERIFIED:
                    self._download(file)
            paths.append(status.path)
        return paths

    def status(self, files: Iterable[WeightFile]) -> Sequence[WeightStatus]:
        """What the folder holds of these files, each verified now; nothing is downloaded."""
        with self._lock:
            return [self._status(file) for file in files]

    def _status(self, file: WeightFile) -> WeightStatus:
        path = self._folder / file.name
        size_bytes = None
        try:
            stat = path.stat()
            size_bytes = stat.st_size
            key = (file.name, stat.st_size, stat.st_mtime_ns)
            if key not in self._verdicts:
                self._verdicts[key] = _sha256(path)
            right = self._verdicts[key] == file.sha256
            state = WeightState.VERIFIED if right else WeightState.WRONG
        except (FileNotFoundError, NotADirectoryError):
            state = WeightState.MISSING
        except OSError:
            state = WeightState.UNREADABLE
        return WeightStatus(file=file, path=path, state=state, size_bytes=size_bytes)

    def _download(self, file: WeightFile) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            part = self._folder / f".{file.name}.{os.getpid()}-{secrets.token_hex(4)}.part"
            try:
                self._fetch(file, part)
                part.replace(self._folder / file.name)
            finally:
                part.unlink(missing_ok=True)
        except httpx.HTTPError as error:
            raise _not_had(file, self._folder, _reason(error)) from error
        except OSError as error:
            raise _not_written(file, self._folder, error) from error

    def _fetch(self, file: WeightFile, part: Path) -> None:
        """The file's bytes into `part`, hashed on their way and flushed to the disk."""
        digest = hashlib.sha256()
        limit_bytes = MAX_BYTES if file.size_bytes is None else file.size_bytes
        received = 0
        with (
            part.open("xb") as out,
            httpx.Client(timeout=_TIMEOUT, transport=self._transport) as client,
            self._answer(client, file) as response,
            self._bar(file) as advance,
        ):
            for chunk in response.iter_bytes():
                received += len(chunk)
                if received > limit_bytes:
                    raise _not_had(file, self._folder, f"it is larger than {limit_bytes:,} bytes")
                out.write(chunk)
                digest.update(chunk)
                advance(len(chunk))
            out.flush()
            os.fsync(out.fileno())
        if digest.hexdigest() != file.sha256:
            raise _not_had(
                file, self._folder, f"what came ({received:,} bytes) has another SHA-256"
            )

    @contextmanager
    def _answer(self, client: httpx.Client, file: WeightFile) -> Iterator[httpx.Response]:
        """The answer that carries the file, redirects followed."""
        url = httpx.URL(file.url)
        for _ in range(_MAX_REDIRECTS + 1):
            # Packed bytes would be hashed and counted unpacked; plain ones keep it simple.
            with client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
                if response.next_request is None:
                    if response.status_code != httpx.codes.OK:
                        raise _not_had(
                            file, self._folder, f"the server answered {response.status_code}"
                        )
                    yield response
                    return
                url = response.next_request.url
            if url.scheme != "https":
                raise _not_had(file, self._folder, f"it redirects to {url}, which is not https")
        raise _not_had(file, self._folder, "it redirects again and again")

    @contextmanager
    def _bar(self, file: WeightFile) -> Iterator[Callable[[int], None]]:
        console = Console(stderr=True)
        shown = console.is_terminal if self._show_progress is None else self._show_progress
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
        )
        with Progress(*columns, console=console, disable=not shown) as progress:
            task = progress.add_task(file.name, total=file.size_bytes)
            yield lambda amount: progress.advance(task, amount)


def _sha256(path: Path) -> str:
    with path.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def _reason(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "it took too long to answer"
    if isinstance(error, httpx.ConnectError):
        return f"there is no connection: {error}"
    return f"the download broke off: {error}"


def _not_had(file: WeightFile, folder: Path, reason: str) -> WeightsUnavailableError:
    return WeightsUnavailableError(
        f"{file.name} can't be had from {file.url} ({reason}); try again, or put the file into"
        f" {folder} by hand, or set FINDME_MODELS_DIR to a folder that holds it."
    )


def _not_written(file: WeightFile, folder: Path, error: OSError) -> WeightsUnavailableError:
    if error.errno in _NO_ROOM:
        reason = f"there is no room for it in {folder}; make room there"
    elif error.errno in _READ_ONLY:
        reason = f"{folder} can't be written to; make it writable, put the file there by hand"
    else:
        reason = f"it can't be written to {folder} ({error.strerror or error})"
    return WeightsUnavailableError(
        f"{file.name} was not kept: {reason}, or set FINDME_MODELS_DIR to another folder"
        f" (the file is published at {file.url})."
    )
