"""*Send me all*: the originals of a person's photos, as zips in their direct messages."""

import threading
import time
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path

import structlog
from slack_sdk import WebClient

from bot.files.dm_line import DmLine
from bot.files.packing import (
    FileSink,
    Packing,
    ParcelStoppedError,
    PhotoShelf,
    first_line,
    zip_name,
)
from pipeline.domain.model import Certainty, Match, Photo, PhotoId, TeamId, UserId
from pipeline.errors import FindmeError, UsageError
from pipeline.requests import RequestThreads

LIMIT_BYTES = 200 * 10**6
AT_ONCE = 2
MOST_WAITING = 4

log = structlog.get_logger(__name__)


class ParcelUnderWayError(UsageError):
    """I'm packing your photos already; they come into our direct messages."""


class TooManyParcelsError(UsageError):
    """I'm packing photos for several people just now; please try again in a few minutes."""


class NothingToSendError(UsageError):
    """There are no photos to send."""


def _now() -> datetime:
    return datetime.now(UTC)


class Parcels:
    """Packs and sends in threads of its own: some at once, some wait, one for each person."""

    def __init__(
        self,
        client: WebClient,
        *,
        team_id: TeamId,
        photos: PhotoShelf,
        download: Callable[[Photo], bytes],
        uploads: FileSink,
        limit_bytes: int = LIMIT_BYTES,
        every_s: float = 3.0,
        folder: Path | None = None,
        now: Callable[[], datetime] = _now,
    ) -> None:
        """`limit_bytes` of one zip; the progress is told every `every_s` at most.

        `download` raises PhotoGoneError, UnreadablePhotoError, SourceUnavailableError.
        `folder`: the disk on which a zip grows, without a name; by default the system's folder
        for temporary files.
        """
        self._client = client
        self._team_id = team_id
        self._photos = photos
        self._download = download
        self._uploads = uploads
        self._limit_bytes = limit_bytes
        self._every_s = every_s
        self._folder = folder
        self._now = now
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._busy: set[UserId] = set()
        self._pool = RequestThreads(AT_ONCE, thread_name_prefix="parcels")

    def send(
        self,
        user_id: UserId,
        matches: Sequence[Match],
        *,
        title: str,
        still: Callable[[], Collection[PhotoId]],
    ) -> None:
        """Begin to send the originals of `matches`, sure ones first; returns at once.

        `title` becomes part of the zips' names. That the person may see them was decided before;
        `still`, which photos they may see now, is asked when their turn comes and before each zip
        is sent. It may raise FindmeErrors: their sentence ends the parcel.
        Raises: ParcelUnderWayError, TooManyParcelsError, NothingToSendError, ParcelStoppedError.
        """
        if not matches:
            raise NothingToSendError
        ordered = sorted(matches, key=lambda match: match.certainty is not Certainty.SURE)
        with self._lock:
            if self._stopped.is_set():
                raise ParcelStoppedError
            if user_id in self._busy:
                raise ParcelUnderWayError
            if len(self._busy) >= AT_ONCE + MOST_WAITING:
                raise TooManyParcelsError
            self._busy.add(user_id)
            self._pool.submit(self._deliver, user_id, ordered, title, still)

    def is_busy(self, user_id: UserId) -> bool:
        """Whether a parcel for that person is being packed, or waits for its turn."""
        with self._lock:
            return user_id in self._busy

    def stop(self) -> None:
        """End in good order: whoever waits for photos is told to click again."""
        with self._lock:
            self._stopped.set()
        # Those whose turn has not come get it now: they see that it is over, and say so.
        self._pool.shutdown(wait=True)

    def _deliver(
        self,
        user_id: UserId,
        matches: Sequence[Match],
        title: str,
        still: Callable[[], Collection[PhotoId]],
    ) -> None:
        started_s = time.monotonic()
        try:
            line = DmLine(self._client, user_id, first_line(len(matches)), every_s=self._every_s)
            packing = Packing(
                line,
                team_id=self._team_id,
                photos=self._photos,
                download=self._download,
                uploads=self._uploads,
                file_name=zip_name(title, self._now().date()),
                limit_bytes=self._limit_bytes,
                folder=self._folder,
                stopped=self._stopped,
                still=still,
            )
            packing.run(matches)
            log.info(
                "parcel.ended",
                photos=packing.photos_sent,
                asked=len(matches),
                zips=packing.zips_sent,
                s=round(time.monotonic() - started_s, 1),
            )
        except FindmeError as error:
            # Slack takes no message: there is nobody to tell.
            log.warning("parcel.not_told", reason=str(error))
        except Exception:
            log.exception("parcel.failed")
        finally:
            with self._lock:
                self._busy.discard(user_id)
