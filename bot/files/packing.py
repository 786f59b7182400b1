"""One parcel: a person's photos fetched one by one, zipped part by part, sent as they are ready."""

import errno
import re
import secrets
import threading
from collections.abc import Callable, Collection, Sequence
from datetime import date
from pathlib import Path
from typing import BinaryIO, Protocol

import structlog

from bot.calls import in_words
from bot.files.dm_line import DmLine
from bot.files.uploads import UploadStoppedError
from bot.files.zip_parts import Names, ZipPart, safe_name
from bot.mrkdwn import escape, shortened
from pipeline.domain.model import (
    Certainty,
    ChannelId,
    FileId,
    Match,
    Photo,
    PhotoId,
    TeamId,
)
from pipeline.errors import (
    FindmeError,
    PhotoGoneError,
    SourceUnavailableError,
    UnreadablePhotoError,
)

MAYBE_FOLDER = "maybe/"

# Before a photo that Slack didn't deliver is asked for again.
_PAUSES_S = (1.0, 4.0)
_LONGEST_PAUSE_S = 30.0
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_BAR = 5
_NAMED = 5
_NAME_LIMIT = 60
_TITLE_LIMIT = 60

log = structlog.get_logger(__name__)


class ParcelStoppedError(FindmeError):
    """I was restarted while I was packing your photos; please click *Send me all* again."""


class NothingLeftError(FindmeError):
    """You can't see these photos any more; type `/findme` to look again."""


class DiskFullError(FindmeError):
    """I have no room left to pack your photos; please tell whoever runs Findme."""


class PhotoShelf(Protocol):
    """Knows where each photo is; `pipeline.storage.photos.Photos` does."""

    def get(self, team_id: TeamId, photo_id: PhotoId) -> Photo | None:
        """The photo, or None once it is deleted. Raises DatabaseUnavailableError."""
        ...


class FileSink(Protocol):
    """Puts files into Slack; `bot.files.uploads.Uploads` does."""

    def upload(
        self,
        content: BinaryIO,
        *,
        name: str,
        channel_id: ChannelId | None = None,
        stopped: threading.Event | None = None,
    ) -> FileId:
        """Raises SourceUnavailableError; UploadStoppedError soon after `stopped` is set."""
        ...


class Packing:
    """Packs and sends one parcel, in the thread that calls `run`.

    In memory there is one photo at a time, on the disk one zip; two while one is packed again.
    """

    def __init__(
        self,
        line: DmLine,
        *,
        team_id: TeamId,
        photos: PhotoShelf,
        download: Callable[[Photo], bytes],
        uploads: FileSink,
        file_name: str,
        limit_bytes: int,
        folder: Path | None,
        stopped: threading.Event,
        still: Callable[[], Collection[PhotoId]],
    ) -> None:
        """`still`: which photos the person may see now. Raises FindmeErrors."""
        self._line = line
        self._team_id = team_id
        self._photos = photos
        self._download = download
        self._uploads = uploads
        self._file_name = file_name
        self._limit_bytes = limit_bytes
        self._folder = folder
        self._stopped = stopped
        self._still = still
        self._seen: Collection[PhotoId] = ()
        self._names = Names()
        self._part: ZipPart | None = None
        self._packed: dict[str, Match] = {}
        self._missing: list[str] = []
        self.photos_sent = 0
        self.zips_sent = 0

    def run(self, matches: Sequence[Match]) -> None:
        """Send the originals; the line says how far that is, and in the end what came of it."""
        try:
            self._look_again()
            for done, match in enumerate(matches):
                if match.face.photo_id not in self._seen:
                    continue
                self._line.show(_progress(done, len(matches)))
                self._pack(match, told=_progress(done, len(matches), is_sending=True))
            if self._part is not None:
                self._line.show(_progress(len(matches), len(matches), is_sending=True))
                self._send(is_last=True)
            ending = self._ending(len(matches))
        except (ParcelStoppedError, UploadStoppedError):
            ending = f"📦 {ParcelStoppedError()}{self._arrived()}"
        except FindmeError as error:
            log.warning("parcel.failed", reason=str(error))
            ending = f"❌ {in_words(error)}{self._arrived()}"
        except Exception:
            incident = secrets.token_hex(4)
            log.exception("parcel.failed", incident=incident)
            ending = (
                "❌ Something went wrong on my side. If it happens again, tell whoever runs Findme "
                f"the number `{incident}`.{self._arrived()}"
            )
        finally:
            if self._part is not None:
                self._part.close()
        self._line.end(ending)

    def _pack(self, match: Match, *, told: str) -> None:
        """One photo into the part that is open, which is sent first if it would get too large."""
        try:
            photo, data = self._fetch(match)
        except (PhotoGoneError, UnreadablePhotoError, SourceUnavailableError) as error:
            log.info("parcel.left_out", photo=match.face.photo_id, reason=str(error))
            name = escape(shortened(match.face.photo_name, _NAME_LIMIT)) or "photo"
            self._missing.append(f"{name} ({_why(error)})")
            return
        folder = "" if match.certainty is Certainty.SURE else MAYBE_FOLDER
        name = self._names.unique(safe_name(photo.name, photo.media_type), folder=folder)
        part = self._part
        if part is not None and part.size_with(name, data) > self._limit_bytes:
            self._line.show(told)
            self._send(is_last=False)
        self._add(name, data, match)

    def _add(self, name: str, data: bytes, match: Match) -> None:
        try:
            if self._part is None:
                self._part = ZipPart(self._folder)
            self._part.add(name, data, changed_at=match.face.share.shared_at)
        except OSError as error:
            raise _translated(error) from error
        self._packed[name] = match

    def _look_again(self) -> None:
        """What the person may not see any more is left out, also of the part that is open."""
        if self._stopped.is_set():
            raise ParcelStoppedError
        self._seen = self._still()
        part, packed = self._part, self._packed
        if part is None or all(match.face.photo_id in self._seen for match in packed.values()):
            return
        self._part, self._packed = None, {}
        try:
            for name, match in packed.items():
                if match.face.photo_id in self._seen:
                    self._add(name, part.read(name), match)
        finally:
            part.close()

    def _fetch(self, match: Match) -> tuple[Photo, bytes]:
        for pause_s in (*_PAUSES_S, None):
            if self._stopped.is_set():
                raise ParcelStoppedError
            photo = self._photos.get(self._team_id, match.face.photo_id)
            if photo is None:
                raise PhotoGoneError
            try:
                return photo, self._download(photo)
            except SourceUnavailableError as error:
                if pause_s is None:
                    raise
                asked_s = error.retry_after_s or pause_s
                if self._stopped.wait(min(asked_s, _LONGEST_PAUSE_S)):
                    raise ParcelStoppedError from error
        raise AssertionError("the last try returns or raises")

    def _send(self, *, is_last: bool) -> None:
        """The part that is open, if anything is left of it."""
        self._look_again()
        part = self._part
        if part is None:
            return
        is_only = is_last and self.zips_sent == 0
        ending = ".zip" if is_only else f" (part {self.zips_sent + 1}).zip"
        try:
            content = part.finish()
        except OSError as error:
            raise _translated(error) from error
        self._uploads.upload(
            content,
            name=self._file_name + ending,
            channel_id=self._line.channel_id,
            stopped=self._stopped,
        )
        self.photos_sent += part.count
        self.zips_sent += 1
        part.close()
        self._part, self._packed = None, {}

    def _ending(self, asked: int) -> str:
        left_out = asked - self.photos_sent - len(self._missing)
        if left_out and not self.zips_sent and not self._missing:
            raise NothingLeftError
        missing = f" Left out: {_photos(left_out)} that you can't see any more." if left_out else ""
        if self._missing:
            named = ", ".join(self._missing[:_NAMED])
            more = len(self._missing) - _NAMED
            missing += f" {len(self._missing)} could not be fetched: {named}"
            missing += f" and {more} more." if more > 0 else "."
        if not self.zips_sent:
            return f"❌ I could not get any of your photos.{missing} Please try again later."
        return f"✅ {_photos(self.photos_sent)}, in {_zips(self.zips_sent)}.{missing}"

    def _arrived(self) -> str:
        if not self.zips_sent:
            return ""
        return f" Until then I sent {_photos(self.photos_sent)}, in {_zips(self.zips_sent)}."


def zip_name(title: str, day: date) -> str:
    """How the zips of a parcel are called, without ".zip": "findme-offsite-2026-05-12"."""
    words = re.sub(r"[^\w-]+", "-", safe_name(title, "")) if title else ""
    words = words[:_TITLE_LIMIT].strip("-_")
    return "-".join(filter(None, ("findme", words, day.isoformat())))


def first_line(total: int) -> str:
    """What is said before anything was done."""
    return _progress(0, total)


def _progress(done: int, total: int, *, is_sending: bool = False) -> str:
    filled = _BAR * done // total
    bar = "▰" * filled + "▱" * (_BAR - filled)
    sending = ", sending a zip" if is_sending else ""
    return f"📦 Packing {_photos(total)}… {bar} {done} of {total}{sending}"


def _why(error: FindmeError) -> str:
    match error:
        case PhotoGoneError():
            return "deleted"
        case UnreadablePhotoError():
            return escape(str(error))
        case _:
            return "Slack didn't deliver it"


def _translated(error: OSError) -> Exception:
    return DiskFullError() if error.errno in _FULL else error


def _photos(number: int) -> str:
    return f"{number} {'photo' if number == 1 else 'photos'}"


def _zips(number: int) -> str:
    return f"{number} {'zip' if number == 1 else 'zips'}"
