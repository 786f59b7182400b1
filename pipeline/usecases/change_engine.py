"""Make an index anew by another engine while searches go on with the present one."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog

from pipeline.domain.model import Photo, PhotoId, PhotoState, TeamId
from pipeline.errors import (
    DatabaseUnavailableError,
    PhotoGoneError,
    SourceUnavailableError,
    UnreadablePhotoError,
    UsageError,
    reason_of,
)
from pipeline.ports import EngineChanges, FaceReader, PhotoStore
from pipeline.usecases.index_photos import ReadFaces, ReadPhoto

log = structlog.get_logger(__name__)

BATCH = 200
ATTEMPTS = 3
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0

Progress = Callable[[int, int], None]
"""Told how many photos are done, and of how many."""


class OtherChangeError(UsageError):
    """Another `findme reindex` ended this change of engine; run it again if it is still wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A photo that the new engine could not be shown: it can't be fetched, says `reason`."""

    photo_id: PhotoId
    name: str
    reason: str


class ChangeEngine:
    """Fill the new engine's faces beside the old ones; switch at once when all are there.

    Whatever ends it half way, the next call goes on where it stopped.
    """

    def __init__(
        self,
        *,
        read: ReadPhoto,
        photos: PhotoStore,
        changes: EngineChanges,
        reader: FaceReader,
        concurrency: int,
        keep_out: Callable[[TeamId, FaceReader], object] = lambda _team_id, _reader: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`reader` is the new engine; `keep_out` makes templates by it for whoever is out."""
        self._keep_out = keep_out
        self._read = read
        self._photos = photos
        self._changes = changes
        self._reader = reader
        self._concurrency = concurrency
        self._sleep = sleep

    def __call__(
        self,
        team_id: TeamId,
        *,
        leave_failed: bool = False,
        progress: Progress = lambda _done, _total: None,
    ) -> Sequence[Failed]:
        """Change the workspace's engine; returns what failed.

        If photos failed, nothing is switched and searches stay on the old engine, unless
        `leave_failed`: then these photos are given up and the rest is switched.
        Raises: OtherChangeError, DatabaseUnavailableError.
        """
        engine_id = self._reader.engine_id
        # First of all: no face of theirs is to be filled in.
        self._keep_out(team_id, self._reader)
        self._changes.begin(team_id, engine_id)
        log.info("engine.change_begun", engine=engine_id)
        given_up: list[Failed] = []
        while True:
            filled, failed = self._fill_all(team_id, progress)
            if failed and not leave_failed:
                return failed
            for one in failed:
                self._changes.leave(
                    team_id,
                    one.photo_id,
                    engine_id=engine_id,
                    state=PhotoState.GIVEN_UP,
                    reason=one.reason,
                )
            given_up += failed
            # Whoever turned Findme off meanwhile did so by the old engine.
            self._keep_out(team_id, self._reader)
            if self._changes.switch(team_id, engine_id):
                self._keep_out(team_id, self._reader)
                log.info("engine.changed", engine=engine_id, given_up=len(given_up))
                return given_up
            if not filled and not failed and not self._is_unfilled(team_id):
                raise OtherChangeError

    def _fill_all(self, team_id: TeamId, progress: Progress) -> tuple[int, list[Failed]]:
        """One pass over all that is missing; more may have come in by its end."""
        engine_id = self._reader.engine_id
        filled, failed = 0, list[Failed]()
        last = PhotoId(0)
        with ThreadPoolExecutor(self._concurrency, thread_name_prefix="fill") as threads:
            while batch := self._changes.unfilled(team_id, engine_id, after=last, limit=BATCH):
                last = batch[-1]
                for outcome in threads.map(lambda photo_id: self._fill(team_id, photo_id), batch):
                    if isinstance(outcome, Failed):
                        failed.append(outcome)
                    else:
                        filled += outcome
                progress(*self._changes.progress(team_id, engine_id))
        return filled, failed

    def _is_unfilled(self, team_id: TeamId) -> bool:
        """Whether a photo came in at the last moment; never of an engine not wanted any more."""
        return bool(
            self._changes.unfilled(team_id, self._reader.engine_id, after=PhotoId(0), limit=1)
        )

    def _fill(self, team_id: TeamId, photo_id: PhotoId) -> bool | Failed:
        """Whether anything was done for the photo, or why nothing could be."""
        photo = self._photos.get(team_id, photo_id)
        if photo is None:
            return True
        try:
            read = self._read_patiently(photo)
        except PhotoGoneError:
            self._photos.delete(team_id, photo.file_id)
            return True
        except UnreadablePhotoError as error:
            return self._changes.leave(
                team_id,
                photo_id,
                engine_id=self._reader.engine_id,
                state=PhotoState.UNREADABLE,
                reason=str(error),
            )
        except DatabaseUnavailableError:
            # That says nothing of the photo, which must not be given up for it.
            raise
        except Exception as error:  # noqa: BLE001  # told, logged, and tried again next time
            # Whatever one photo does to an engine, the others are changed.
            log.warning("photo.failed", photo=photo_id, error=type(error).__name__)
            return Failed(photo_id=photo_id, name=photo.name, reason=reason_of(error))
        return self._changes.fill(
            team_id,
            photo_id,
            engine_id=self._reader.engine_id,
            version=read.photo.version,
            content_hash=read.content_hash,
            faces=read.faces,
        )

    def _read_patiently(self, photo: Photo) -> ReadFaces:
        """Try again what a source refuses for a while."""
        for number in range(ATTEMPTS - 1):
            try:
                return self._read(photo, self._reader)
            except SourceUnavailableError as error:
                wait_s = max(error.retry_after_s or 0.0, FIRST_WAIT_S * 4**number)
                self._sleep(min(wait_s, LONGEST_WAIT_S))
        return self._read(photo, self._reader)
