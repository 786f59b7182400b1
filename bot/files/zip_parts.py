"""Photos as zips of a limited size: names that every system can unpack, and the zips themselves."""

import mimetypes
import re
import struct
import tempfile
import unicodedata
import zipfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

NAME_MAX_CHARACTERS = 120
# Most file systems take 255 bytes; " (2)" and what unpacking adds have to fit, too.
NAME_MAX_BYTES = 200

_EXTENSIONS = {
    "image/avif": ".avif",
    "image/bmp": ".bmp",
    "image/gif": ".gif",
    "image/heic": ".heic",
    "image/heif": ".heif",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/tiff": ".tiff",
    "image/webp": ".webp",
}
# Not `has a dot`: a title such as "Party 12.05" has none.
_EXTENSION = re.compile(
    r"\.(avif|bmp|dng|gif|hei[cf]|hif|jfif|jp[eg]|jpeg|jxl|mpo|png|svg|tiff?|webp)", re.IGNORECASE
)
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
# Microsoft, "Naming Files, Paths, and Namespaces": reserved with any extension, too.
_RESERVED = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(\..*)?", re.IGNORECASE
)
# They turn the direction of text, so that a name reads as another.
_TURNING = {*"\u200e\u200f\u061c", *map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A)))}
_DROPPED = {"Cc", "Cs", "Zl", "Zp"}
_JOINERS = "\u200c\u200d"

# APPNOTE.TXT 6.3.10: local header, central header and end record, each without name and extra.
_LOCAL_BYTES, _CENTRAL_BYTES, _END_BYTES = 30, 46, 22
_EXTRA_BYTES = 9
_FIRST_YEAR, _LAST_YEAR = 1980, 2107
_LAST_S = 2**31 - 1
_MODE = 0o100644


def safe_name(name: str, media_type: str) -> str:
    """A file name without folders, for every system, that ends as its media type asks for."""
    kept = (" " if character.isspace() else character for character in name if _is_kept(character))
    name = unicodedata.normalize("NFC", "".join(kept))
    name = " ".join(_FORBIDDEN.sub("_", name).split())
    stem, extension = _split(name)
    if not extension:
        extension = _EXTENSIONS.get(media_type) or mimetypes.guess_extension(media_type) or ""
    stem = stem.strip(" ." + _JOINERS) or "photo"
    if _RESERVED.fullmatch(stem):
        stem = f"_{stem}"
    return _fitting(stem, extension)


class Names:
    """Gives every file a name of its own, whether a system tells upper from lower case or not."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def unique(self, name: str, *, folder: str = "") -> str:
        """`folder` and the name, or "name (2)", "name (3)", … if that was given before."""
        stem, extension = _split(name)
        number, path = 1, folder + name
        while _key(path) in self._taken:
            number += 1
            path = folder + _fitting(stem, f" ({number}){extension}")
        self._taken.add(_key(path))
        return path


class ZipPart:
    """One zip, in a file without a name: nothing of it stays, however this process ends.

    Photos don't shrink, so they are stored as they are. Raises OSError where the disk is full.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """`folder`: on which disk; by default that of the system's temporary files."""
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed by `close`
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_STORED)
        self.size_bytes = _END_BYTES
        """Of the finished zip, names and headers counted."""
        self.count = 0

    def size_with(self, name: str, data: bytes) -> int:
        """`size_bytes` after one more file."""
        around = _LOCAL_BYTES + _CENTRAL_BYTES + 2 * (len(name.encode()) + _EXTRA_BYTES)
        return self.size_bytes + around + len(data)

    def add(self, name: str, data: bytes, *, changed_at: datetime) -> None:
        """One more file."""
        size_bytes = self.size_with(name, data)
        changed_at = changed_at.astimezone(UTC)
        year = min(max(changed_at.year, _FIRST_YEAR), _LAST_YEAR)
        entry = zipfile.ZipInfo(name, (year, *changed_at.timetuple()[1:6]))
        entry.external_attr = _MODE << 16
        # A zip's own dates have no time zone; "UT" (Info-ZIP's extrafld.txt) is since 1970.
        seconds = min(max(int(changed_at.timestamp()), 0), _LAST_S)
        entry.extra = struct.pack("<HHBl", 0x5455, _EXTRA_BYTES - 4, 1, seconds)
        self._zip.writestr(entry, data)
        self.size_bytes = size_bytes
        self.count += 1

    def read(self, name: str) -> bytes:
        """One of its files, before it is finished."""
        return self._zip.read(name)

    def finish(self) -> BinaryIO:
        """The whole zip, to read from; `close` frees it."""
        self._zip.close()
        self._file.flush()
        return self._file

    def close(self) -> None:
        """Give the disk back."""
        # On a full disk the end can't be written, and nobody will read it.
        with suppress(OSError, ValueError):
            self._zip.close()
        with suppress(OSError):
            self._file.close()


def _is_kept(character: str) -> bool:
    is_space = character in "\t\r\n"
    return is_space or not (character in _TURNING or unicodedata.category(character) in _DROPPED)


def _split(name: str) -> tuple[str, str]:
    """The stem, and the extension with its dot if it is one of a picture."""
    stem, dot, ending = name.rpartition(".")
    return (stem, dot + ending) if dot and _EXTENSION.fullmatch(dot + ending) else (name, "")


def _fitting(stem: str, ending: str) -> str:
    """Both together, the stem cut so that they fit."""
    stem = stem[: NAME_MAX_CHARACTERS - len(ending)]
    while len((stem + ending).encode()) > NAME_MAX_BYTES:
        stem = stem[:-1]
    return stem.rstrip(" ." + _JOINERS) + ending


def _key(path: str) -> str:
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())
