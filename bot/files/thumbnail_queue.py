"""Whose turn it is to be made into a thumbnail: what an answer waits for comes first."""

import threading
import time
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future
from dataclasses import dataclass

import structlog

from bot.files.uploads import UploadRefusedError
from pipeline.domain.model import FileId, PhotoId, TeamId
from pipeline.errors import FindmeError
from pipeline.requests import RequestThreads

AT_ONCE = 2
MOST_WAITING = 200
LONGEST_PAUSE_S = 86_400.0

log = structlog.get_logger(__name__)

Key = tuple[TeamId, PhotoId]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    """Times are of the monotonic clock."""

    at_s: float
    times: int


class ThumbnailQueue:
    """Makes each in a thread of its own, and remembers for a while what failed.

    What an answer waits for and what is made ahead have AT_ONCE threads each; none is begun ahead
    while an answer waits.
    """

    def __init__(
        self,
        make: Callable[[Key], FileId | None],
        *,
        stopped: threading.Event,
        failed_for_s: float,
        refused_for_s: float,
    ) -> None:
        """What failed isn't tried again for `failed_for_s`; ahead, for twice that each time.

        Nothing is for `refused_for_s` after an UploadRefusedError of `make`, which may raise
        anything else, too; None is a failure. It ends soon after `stopped` is set.
        """
        self._make = make
        self._stopped = stopped
        self._failed_for_s = failed_for_s
        self._refused_for_s = refused_for_s
        self._refused_until_s: float | None = None
        self._lock = threading.Lock()
        self._waiting_ahead: dict[Key, Future[FileId | None]] = {}
        # What is asked for, waiting or not, and what is under way ahead.
        self._making: dict[Key, Future[FileId | None]] = {}
        self._asked: set[Key] = set()
        self._failed: dict[Key, _Failure] = {}
        self._pool = RequestThreads(AT_ONCE, thread_name_prefix="thumbnails")
        self._pool_ahead = RequestThreads(AT_ONCE, thread_name_prefix="thumbnails-ahead")

    def begin(self, key: Key) -> Future[FileId | None] | None:
        """The work on that one; None if it failed a while ago, or there is too much."""
        with self._lock:
            if key in self._making:
                self._asked.add(key)
                return self._making[key]
            failure = self._failed.get(key)
            if failure is not None and time.monotonic() - failure.at_s < self._failed_for_s:
                return None
            if not self._is_open() or len(self._making) >= MOST_WAITING:
                return None
            if (ahead := self._waiting_ahead.pop(key, None)) is not None:
                ahead.cancel()
            self._asked.add(key)
            # The thread can't forget it before it stands here: that takes the lock.
            self._making[key] = self._pool.submit(self._made, key)
            return self._making[key]

    def is_making(self, keys: Iterable[Key]) -> bool:
        """Whether one of them was begun, and isn't made yet."""
        with self._lock:
            return any(key in self._making for key in keys)

    def room_ahead(self, most: int) -> int:
        """How many may wait to be made ahead besides those that do, `most` in all."""
        with self._lock:
            if not self._is_open():
                return 0
            return max(0, most - len(self._waiting_ahead))

    def not_ahead(self, team_id: TeamId) -> Collection[PhotoId]:
        """Those that are being made, wait for it, or failed lately."""
        now_s = time.monotonic()
        with self._lock:
            later = [key for key, one in self._failed.items() if now_s < self._again_s(one)]
            known = [*self._waiting_ahead, *self._making, *later]
        return {photo_id for known_team_id, photo_id in known if known_team_id == team_id}

    def begin_ahead(self, keys: Iterable[Key]) -> None:
        """Nobody waits for these; they are made while nobody waits for others."""
        with self._lock:
            for key in keys:
                if key not in self._waiting_ahead and key not in self._making and self._is_open():
                    self._waiting_ahead[key] = self._pool_ahead.submit(self._made_ahead, key)

    def stop(self) -> None:
        """Begin no more, and wait for those that are being made; set `stopped` to end them soon."""
        pools = (self._pool, self._pool_ahead)
        with self._lock:
            self._stopped.set()
        for pool in pools:
            pool.shutdown(wait=False, cancel_futures=True)
        for pool in pools:
            pool.shutdown(wait=True)

    def _is_open(self) -> bool:
        if self._stopped.is_set():
            return False
        return self._refused_until_s is None or time.monotonic() >= self._refused_until_s

    def _again_s(self, failure: _Failure) -> float:
        """When it is tried ahead again: it may be the photo's own fault, for ever."""
        # A float doesn't hold what months of failures add up to.
        pause_s = self._failed_for_s * (1 << min(failure.times - 1, 10))
        return failure.at_s + min(pause_s, LONGEST_PAUSE_S)

    def _made_ahead(self, key: Key) -> FileId | None:
        with self._lock:
            future = self._waiting_ahead.pop(key, None)
            # An answer took it over; or waits for others, and the next tick brings it again.
            if future is None or self._asked:
                return None
            self._making[key] = future
        return self._made(key)

    def _made(self, key: Key) -> FileId | None:
        file_id = None
        try:
            if self._is_open():
                file_id = self._try(key)
        finally:
            with self._lock:
                del self._making[key]
                self._asked.discard(key)
                if file_id is None:
                    self._note_failure(key)
                else:
                    self._failed.pop(key, None)
                    self._refused_until_s = None
        return file_id

    def _try(self, key: Key) -> FileId | None:
        started_s = time.monotonic()
        try:
            file_id = self._make(key)
        except UploadRefusedError as error:
            self._note_refusal(error)
        except FindmeError as error:
            log.info("thumbnail.failed", photo=key[1], reason=str(error))
        except Exception:
            log.exception("thumbnail.failed", photo=key[1])
        else:
            ms = round(1000 * (time.monotonic() - started_s))
            log.info("thumbnail.made", photo=key[1], is_there=file_id is not None, ms=ms)
            return file_id
        return None

    def _note_failure(self, key: Key) -> None:
        now_s = time.monotonic()
        known = self._failed.get(key)
        self._failed[key] = _Failure(at_s=now_s, times=known.times + 1 if known else 1)
        for old, failure in list(self._failed.items()):
            if now_s - failure.at_s > LONGEST_PAUSE_S:
                del self._failed[old]

    def _note_refusal(self, error: UploadRefusedError) -> None:
        """Say so once, until an upload succeeds: it may be refused each hour, for months."""
        with self._lock:
            is_news = self._refused_until_s is None
            self._refused_until_s = time.monotonic() + self._refused_for_s
        if is_news:
            log.warning("thumbnails.refused", reason=str(error), again_in_s=self._refused_for_s)
