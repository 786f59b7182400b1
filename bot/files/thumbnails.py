"""Pictures that Slack shows, of photos in a format that it doesn't: HEIC, WebP, TIFF.

A `slack_file` image takes png, jpg, jpeg and gif, and whoever posts it must have access to the file
(https://docs.slack.dev/reference/block-kit/composition-objects/slack-file-object). A file completed
without a channel is private: its uploader, here the bot, has access alone
(https://docs.slack.dev/reference/methods/files.completeUploadExternal). That is enough to post it
in an image, which the message's readers then see: Metabase has sent all its pictures so since
metabase/metabase#54276. Only Slack must have looked through the file: `Uploads.is_read`.

Each takes seconds, longer than an answer waits: most are made ahead, `Thumbnails.prepare`.
"""

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import wait
from typing import Protocol

import cv2
import structlog

from bot.calls import SlackRefusedError
from bot.files.packing import PhotoShelf
from bot.files.thumbnail_queue import Key, ThumbnailQueue
from bot.files.uploads import Uploads
from bot.pages import SHOWN_TYPES
from pipeline.domain.model import FileId, Match, Photo, PhotoId, TeamId
from pipeline.errors import SourceUnavailableError
from pipeline.vision.isolated import decode_sized

SIDE_PX = 1024
QUALITY = 85
READ_PATIENCE_S = 20.0
"""Slack takes a second or two; what takes longer will not come (metabase/metabase, slack.clj)."""

MOST_AHEAD = 8
"""With a tick each TICK_EVERY_S that is 24 a minute. Each takes one call of either method of an
upload, and up to four of `files.info`; all three are Tier 4, some 100 a minute, and events need
`files.info`, too (https://docs.slack.dev/apis/web-api/rate-limits)."""

MOST_AT_A_SWEEP = 13
"""With a tick each TICK_EVERY_S that is 39 a minute. `files.delete` is Tier 3, some 50."""

TICK_EVERY_S = 20.0
REFUSED_FOR_S = 3600.0

log = structlog.get_logger(__name__)


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

    def missing(
        self,
        team_id: TeamId,
        *,
        shown_types: Collection[str],
        leaving_out: Collection[PhotoId],
        limit: int,
    ) -> Sequence[PhotoId]:
        """Photos that may be asked for and have none, of other media types; newest first."""
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
        refused_for_s: float = REFUSED_FOR_S,
    ) -> None:
        """What failed isn't tried again for `failed_for_s`; ahead, for twice that each time.

        Nothing is for `refused_for_s` where Slack takes no files: the plan is full, say.
        `download` raises PhotoGoneError, UnreadablePhotoError, SourceUnavailableError.
        """
        self._store = store
        self._photos = photos
        self._download = download
        self._uploads = uploads
        self._failed_for_s = failed_for_s
        self._undeleted_s: dict[FileId, float] = {}
        self._stopped = threading.Event()
        self._queue = ThumbnailQueue(
            self._make,
            stopped=self._stopped,
            failed_for_s=failed_for_s,
            refused_for_s=refused_for_s,
        )

    def for_(
        self, team_id: TeamId, matches: Sequence[Match], *, patience_s: float
    ) -> Mapping[PhotoId, FileId]:
        """Thumbnails of those photos that Slack can't show itself.

        What isn't ready within `patience_s`, or can't be made, is left out; what is being made
        will be there the next time (`is_ready`). Raises: DatabaseUnavailableError.
        """
        wanted = _converted(matches)
        if not wanted:
            return {}
        found = dict(self._store.get(team_id, wanted))
        missing = [photo_id for photo_id in wanted if photo_id not in found]
        begun = {photo_id: self._queue.begin((team_id, photo_id)) for photo_id in missing}
        futures = {photo_id: future for photo_id, future in begun.items() if future is not None}
        wait(futures.values(), timeout=patience_s)
        for photo_id, future in futures.items():
            if future.done() and not future.cancelled() and (file_id := future.result()):
                found[photo_id] = file_id
        return found

    def is_ready(self, team_id: TeamId, matches: Sequence[Match]) -> bool:
        """Whether none of what `for_` left out is being made any more; asks no database."""
        return not self._queue.is_making((team_id, one) for one in _converted(matches))

    def prepare(self, team_id: TeamId) -> None:
        """Begin to make some of those that will be asked for, newest first; returns at once.

        To be called each TICK_EVERY_S. Raises: DatabaseUnavailableError.
        """
        room = self._queue.room_ahead(MOST_AHEAD)
        if room:
            missing = self._store.missing(
                team_id,
                shown_types=SHOWN_TYPES,
                leaving_out=self._queue.not_ahead(team_id),
                limit=room,
            )
            self._queue.begin_ahead((team_id, photo_id) for photo_id in missing)

    def forget(self, team_id: TeamId, file_id: FileId) -> None:
        """Somebody deleted that file in Slack; if it was a thumbnail, another one is made."""
        self._store.drop(team_id, [file_id])

    def sweep(self, team_id: TeamId) -> None:
        """Delete in Slack the thumbnails of photos that are gone: some of them, each time.

        To be called each TICK_EVERY_S. What Slack doesn't delete keeps no other from being so.
        Raises: DatabaseUnavailableError.
        """
        since_s = time.monotonic() - self._failed_for_s
        self._undeleted_s = {one: at_s for one, at_s in self._undeleted_s.items() if at_s > since_s}
        orphans = [one for one in self._store.orphans(team_id) if one not in self._undeleted_s]
        for file_id in orphans[:MOST_AT_A_SWEEP]:
            if self._stopped.is_set():
                return
            try:
                self._uploads.delete(file_id)
            except SourceUnavailableError as error:
                log.warning("thumbnail.not_deleted", file=file_id, reason=str(error))
                is_about_it = isinstance(error, SlackRefusedError) and error.retry_after_s is None
                if not is_about_it:
                    return
                self._undeleted_s[file_id] = time.monotonic()
            else:
                self._store.drop(team_id, [file_id])

    def stop(self) -> None:
        """Begin no more, and end soon with those that are being made."""
        self._queue.stop()

    def _make(self, key: Key) -> FileId | None:
        team_id, photo_id = key
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


def _converted(matches: Sequence[Match]) -> Collection[PhotoId]:
    """The photos that Slack can't show, each once, in the order in which they are shown."""
    return dict.fromkeys(
        match.face.photo_id for match in matches if match.face.media_type not in SHOWN_TYPES
    )


def thumbnail(data: bytes) -> bytes:
    """A JPEG of a photo: upright, its longest side SIDE_PX at most; pixels, no EXIF, no place.

    Decoded in a process of its own, as all that strangers post.
    Raises: UnreadablePhotoError, DecoderUnavailableError.
    """
    image, _ = decode_sized(data, max_side_px=SIDE_PX)
    is_encoded, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    assert is_encoded  # it fails for other arrays than images
    return encoded.tobytes()
