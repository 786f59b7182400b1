"""LFW's pictures, `Name/Name_0001.jpg`, from a folder or straight out of a tar."""

import os
import tarfile
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TypeVar

from rich.progress import track

from pipeline.errors import UsageError
from pipeline.folder import MEDIA_TYPES
from pipeline.shell import console

TAR_NAME = "lfw-pairs.tar"
_WAITING_PER_THREAD = 4

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture: its name without ending (`Name_0001`) and the folder it lies in (`Name`)."""

    name: str
    person: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """What a folder or a tar holds: `names` are known at once, the bytes are read one by one."""

    source: Path
    paths: tuple[str, ...]

    @property
    def names(self) -> set[str]:
        """Every picture's name."""
        return {PurePosixPath(path).stem for path in self.paths}

    @property
    def people(self) -> set[str]:
        """The folders that the pictures lie in."""
        return {PurePosixPath(path).parent.name for path in self.paths}

    def first(self, limit: int | None) -> "Pictures":
        """The first of them only."""
        return Pictures(source=self.source, paths=self.paths[:limit])

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[Picture]:
        """In the order of `paths`, each read when its turn comes."""
        read = _read_folder if self.source.is_dir() else _read_tar
        for path, data in read(self.source, self.paths):
            named = PurePosixPath(path)
            yield Picture(name=named.stem, person=named.parent.name, data=data)


def open_pictures(place: Path) -> Pictures:
    """The pictures of a tar, of a folder that holds LFW's tar, or of a folder and those below it.

    Raises: UsageError if there are none.
    """
    source = place / TAR_NAME if (place / TAR_NAME).is_file() else place
    if source.is_dir():
        listed = (path.relative_to(source) for path in sorted(source.rglob("*")) if path.is_file())
        paths = tuple(path.as_posix() for path in listed if _is_picture(path.as_posix()))
    elif source.is_file():
        with _opened(source) as tar:
            paths = tuple(
                member.name for member in tar if member.isfile() and _is_picture(member.name)
            )
    else:
        raise UsageError(f"{place} does not exist.")
    if not paths:
        raise UsageError(f"{source} holds no pictures.")
    return Pictures(source=source, paths=paths)


def threads_of(workers: int) -> int:
    """How many threads read pictures: FINDME_WORKERS, one at least, no more than processors."""
    return max(1, min(workers, os.cpu_count() or 1))


def in_threads(
    work: Callable[[ItemT], ResultT], items: Iterable[ItemT], *, threads: int
) -> Generator[ResultT]:
    """`map`, in several threads: results in order, and never many items in memory."""
    waiting: deque[Future[ResultT]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > _WAITING_PER_THREAD * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def with_bar(items: Iterable[ItemT], description: str, *, total: int) -> Iterator[ItemT]:
    """The items, with a progress bar on stderr where that is a terminal."""
    out = console(stderr=True)
    return iter(
        track(
            items,
            description=description,
            total=total,
            console=out,
            transient=True,
            disable=not out.is_terminal,
        )
    )


def _is_picture(path: str) -> bool:
    named = PurePosixPath(path)
    return named.suffix.lower() in MEDIA_TYPES and not any(
        part.startswith(".") and part != "." for part in named.parts
    )


def _read_folder(folder: Path, paths: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    for path in paths:
        try:
            yield path, (folder / path).read_bytes()
        except OSError as error:
            raise UsageError(f"{folder / path} can't be read: {error.strerror}.") from error


def _read_tar(path: Path, paths: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    wanted = set(paths)
    with _opened(path) as tar:
        members = (member for member in tar if member.isfile() and member.name in wanted)
        for member in islice(members, len(paths)):
            file = tar.extractfile(member)
            assert file is not None  # it is a file, as asked for above
            yield member.name, file.read()


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path) as tar:
            yield tar
    except (tarfile.TarError, EOFError, OSError) as error:
        raise UsageError(f"{path} can't be read as a tar: {error}.") from error
