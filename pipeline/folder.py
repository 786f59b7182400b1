"""A folder on disk as a source of photos: its path is the channel, a file's path its id."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from pipeline.domain.model import ChannelId, FileId, FoundPhoto, Photo, Share, TeamId
from pipeline.errors import PhotoGoneError, SourceUnavailableError, UnreadablePhotoError

LOCAL = TeamId("local")
"""The workspace of everything that is indexed from this machine's disk."""

MEDIA_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".jpe": "image/jpeg",
    ".mpo": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".bmp": "image/bmp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".heic": "image/heic",
    ".heif": "image/heif",
}
MAX_FILE_BYTES = 200_000_000


def channel_of(folder: Path) -> ChannelId:
    """The channel that stands for a folder."""
    return ChannelId(str(folder.resolve()))


class FolderSource:
    """Implements ports.PhotoSource."""

    newest_first = False

    def list_new(
        self, channel_id: ChannelId, *, since: datetime | None, until: datetime | None = None
    ) -> Iterator[FoundPhoto]:
        """Every picture file in the folder and below it, by name; times are not needed here.

        Hidden files and folders are passed over.
        """
        del since, until  # listing a folder is cheap, and a file's time says little of when it came
        for path in sorted(_pictures(Path(channel_id))):
            yield _found(path, channel_id)

    def describe(self, file_id: FileId, *, channel_id: ChannelId | None = None) -> FoundPhoto:
        """The file as it is now. Raises PhotoGoneError."""
        path = _path_of(file_id)
        if not path.is_file():
            raise PhotoGoneError
        return _found(path, channel_id or channel_of(path.parent))

    def download(self, photo: Photo) -> bytes:
        """The file's bytes. Raises PhotoGoneError, UnreadablePhotoError, SourceUnavailableError."""
        path = _path_of(photo.file_id)
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise UnreadablePhotoError("the file is larger than 200 MB")
            return path.read_bytes()
        except FileNotFoundError as error:
            # A disk that is not mounted takes its folders along: nothing was deleted there.
            if not path.parent.is_dir():
                raise SourceUnavailableError(f"{path.parent} can't be reached.") from error
            raise PhotoGoneError from error
        except PermissionError as error:
            raise UnreadablePhotoError("the file may not be read by this user") from error
        except OSError as error:
            raise SourceUnavailableError(f"{path.name} can't be read: {error.strerror}.") from error


def _pictures(folder: Path) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        # What can't be looked into must not be taken for empty: its photos would be forgotten.
        raise SourceUnavailableError(f"{error.filename} can't be read: {error.strerror}.")

    if not folder.is_dir():
        raise SourceUnavailableError(f"{folder} is no folder.")
    for parent, folders, names in os.walk(folder, onerror=fail):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(parent, name)
            shown = not name.startswith(".") and path.suffix.lower() in MEDIA_TYPES
            if shown and path.is_file():
                yield path


def _id_of(path: Path) -> FileId:
    """The path; as a URI where its bytes are no text, which a name on disk need not be."""
    try:
        os.fsencode(path).decode()
    except UnicodeDecodeError:
        return FileId(path.as_uri())
    return FileId(str(path))


def _path_of(file_id: FileId) -> Path:
    if file_id.startswith("file:"):
        return Path(os.fsdecode(unquote_to_bytes(urlsplit(file_id).path)))
    return Path(file_id)


def _found(path: Path, channel_id: ChannelId) -> FoundPhoto:
    stat = path.stat()
    when = datetime.fromtimestamp(stat.st_mtime, UTC)
    return FoundPhoto(
        file_id=_id_of(path),
        name=os.fsencode(path.name).decode(errors="replace"),
        media_type=MEDIA_TYPES[path.suffix.lower()],
        url=path.as_uri(),
        version=f"{stat.st_mtime_ns}-{stat.st_size}",
        posted_by=None,
        posted_at=when,
        shares=[
            Share(
                channel_id=channel_id,
                ts=f"{stat.st_mtime:.6f}",
                permalink=path.as_uri(),
                shared_by=None,
                shared_at=when,
            )
        ],
    )
