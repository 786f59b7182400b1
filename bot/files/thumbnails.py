"""Pictures that Slack shows, of photos in a format that it doesn't: HEIC, WebP, TIFF.

A `slack_file` image takes png, jpg, jpeg and gif, and whoever posts it must have access to the file
(https://docs.slack.dev/reference/block-kit/composition-objects/slack-file-object). A file completed
without a channel is private: its uploader, here the bot, has access alone
(https://docs.slack.dev/reference/methods/files.completeUploadExternal). That is enough to post it
in an image, which the message's readers then see: Metabase has sent all its pictures so since
metabase/metabase#54276. Only Slack must have looked through the file: `Uploads.is_read`.
"""

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Protocol

import cv2
import structlog

from bot.files.packing import PhotoShelf
from bot.files.uploads import Uploads
from bot.pages import SHOWN_TYPES
from pipeline.domain.model import FileId, Match, Photo, PhotoId, TeamId
from pipeline.errors import FindmeError, SourceUnavailableError
from pipeline.vision.isolated import decode_sized

SIDE_PX = 1024
QUALITY = 85
AT_ONCE = 2
MOST_WAITING = 200
READ_PATIENCE_S = 20.0
"""Slack takes a second or two; what takes longer will not come (metabase/metabase, slack.clj)."""

MOST_AT_A_SWEEP = 20
"""`files.delete` may be called some 50 times a minute."""

log = structlog.get_logger(__name__)

_Key = tuple[TeamId, PhotoId]


class ThumbnailStore(Protocol):
    """Remembers which file shows which photo; `pipeline.storage.thumbnails.Thumbnails` does."""

    def get(self, team_id: TeamId, photo_ids: Collection[PhotoId]) -> Mapping[PhotoId, FileId]:
        """Those that have one, of the photos' present version."""
        ...

    def put(
        self, team_id: TeamId, photo_id: PhotoId, file_id: FileId, *, version: str
    ) -> FileId | None:
        """Remember one. Returns: `file_id` if nobody needs it, to be deleted in Slack."""
        ...

    def orphans(self, team_id: TeamId) -> Sequence[FileId]:
        """Those whose photo is gone."""
        ...

    def drop(self, team_id: TeamId, file_ids: Collection[FileId]) -> None:
        """They are deleted in Slack."""
        ...


class Thumbnails:
    """Makes thumbnails in threads of its own, once; asked again, it knows them."""

    def __init__(
        self,
        store: ThumbnailStore,
        *,
        photos: PhotoShelf,
        download: Callable[[Photo], bytes],
        uploads: Uploads,
        failed_for_s: float = 600.0,
    ) -> None:
        """What failed isn't tried again for `failed_for_s`.

        `download` raises PhotoGoneError, UnreadablePhotoError, SourceUnavailableError.
        """
        self._store = store
        self._photos = photos
        self._download = download
        self._uploads = uploads
        self._failed_for_s = failed_for_s
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._making: dict[_Key, Future[FileId | None]] = {}
        self._failed_s: dict[_Key, float] = {}
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="thumbnails")

    def for_(
        self, team_id: TeamId, matches: Sequence[Match], *, patience_s: float
    ) -> Mapping[PhotoId, FileId]:
        """Thumbnails of those photos that Slack can't show itself.

        What isn't ready within `patience_s`, or can't be made, is left out; what is being made
        will be there the next time. Raises: DatabaseUnavailableError.
        """
        wanted = {
            match.face.photo_id for match in matches if match.face.media_type not in SHOWN_TYPES
        }
        if not wanted:
            return {}
        found = dict(self._store.get(team_id, wanted))
        # In the order in which they are shown.
        missing = dict.fromkeys(
            match.face.photo_id for match in matches if match.face.photo_id in wanted - found.keys()
        )
        begun = {photo_id: self._begin((team_id, photo_id)) for photo_id in missing}
        futures = {photo_id: future for photo_id, future in begun.items() if future is not None}
        wait(futures.values(), timeout=patience_s)
        for photo_id, future in futures.items():
            if future.done() and not future.cancelled() and (file_id := future.result()):
                found[photo_id] = file_id
        return found

    def forget(self, team_id: TeamId, file_id: FileId) -> None:
        """Somebody deleted that file in Slack; if it was a thumbnail, another one is made."""
        self._store.drop(team_id, [file_id])

    def sweep(self, team_id: TeamId) -> None:
        """Delete in Slack the thumbnails of photos that are gone: some of them, each time."""
        for file_id in self._store.orphans(team_id)[:MOST_AT_A_SWEEP]:
            try:
                self._uploads.delete(file_id)
            except SourceUnavailableError as error:
                log.warning("thumbnail.not_deleted", file=file_id, reason=str(error))
                if error.retry_after_s is not None:
                    return
            else:
                self._store.drop(team_id, [file_id])

    def stop(self) -> None:
        """Begin no more, and end soon with those that are being made."""
        with self._lock:
            self._stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _begin(self, key: _Key) -> Future[FileId | None] | None:
        """The work on that thumbnail; None if it failed a while ago, or there is too much."""
        with self._lock:
            if key in self._making:
                return self._making[key]
            failed_s = self._failed_s.pop(key, None)
            if failed_s is not None and time.monotonic() - failed_s < self._failed_for_s:
                self._failed_s[key] = failed_s
                return None
            if self._stopped.is_set() or len(self._making) >= MOST_WAITING:
                return None
            # The thread can't forget it before it stands here: that takes the lock.
            self._making[key] = self._pool.submit(self._made, key)
            return self._making[key]

    def _made(self, key: _Key) -> FileId | None:
        started_s = time.monotonic()
        file_id = None
        try:
            file_id = self._make(*key)
        except FindmeError as error:
            log.info("thumbnail.failed", photo=key[1], reason=str(error))
        except Exception:
            log.exception("thumbnail.failed", photo=key[1])
        else:
            ms = round(1000 * (time.monotonic() - started_s))
            log.info("thumbnail.made", photo=key[1], is_there=file_id is not None, ms=ms)
        finally:
            with self._lock:
                del self._making[key]
                if file_id is None:
                    self._note_failure(key)
        return file_id

    def _note_failure(self, key: _Key) -> None:
        now_s = time.monotonic()
        self._failed_s[key] = now_s
        for old, failed_s in list(self._failed_s.items()):
            if now_s - failed_s >= self._failed_for_s:
                del self._failed_s[old]

    def _make(self, team_id: TeamId, photo_id: PhotoId) -> FileId | None:
        photo = self._photos.get(team_id, photo_id)
        if photo is None:
            return None
        picture = thumbnail(self._download(photo))
        file_id = self._uploads.upload(picture, name="thumbnail.jpg", stopped=self._stopped)
        is_needed = False
        try:
            if self._uploads.is_read(file_id, patience_s=READ_PATIENCE_S, stopped=self._stopped):
                is_needed = not self._store.put(team_id, photo_id, file_id, version=photo.version)
        finally:
            if not is_needed:
                # Nobody would ever find it again.
                self._uploads.delete(file_id)
        if is_needed:
            return file_id
        return self._store.get(team_id, [photo_id]).get(photo_id)


def thumbnail(data: bytes) -> bytes:
    """A JPEG of a photo: upright, its longest side SIDE_PX at most; pixels, no EXIF, no place.

    Decoded in a process of its own, as all that strangers post.
    Raises: UnreadablePhotoError, DecoderUnavailableError.
    """
    image, _ = decode_sized(data, max_side_px=SIDE_PX)
    is_encoded, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    assert is_encoded  # it fails for other arrays than images
    return encoded.tobytes()
