"""The worker: takes jobs from the queue and runs the use case each is for.

Procrastinate runs its tasks in threads (`asyncio.to_thread`); decoding and the networks release
the GIL there. These threads are the loop's own, and yield to whoever waits for an answer.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

import procrastinate
import procrastinate.worker
import psycopg
import structlog
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job

from pipeline.domain.model import ChannelId, PhotoId, TeamId
from pipeline.errors import (
    DatabaseFullError,
    DatabaseUnavailableError,
    EngineMismatchError,
    FindmeError,
    NoRoomError,
    SourceClosedError,
    SourceUnavailableError,
    reason_of,
)
from pipeline.jobs.rescue import Rescue, SetAside
from pipeline.priority import lower_this_thread
from pipeline.requests import PROGRAM
from pipeline.requests import request as in_request
from pipeline.storage.connect import RECONNECT_S, client_conninfo
from pipeline.storage.jobs import INDEX_PHOTO, LIST_CHANNEL, queue_name

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 6
# Slack, or the database, may be away for hours: with these waits, about a day.
PATIENT_ATTEMPTS = 150
FIRST_WAIT_S = 2.0
LONGEST_WAIT_S = 600.0
# A full disk is seen to while somebody waits: the work shouldn't idle long after.
ROOM_WAIT_S = 60.0

# A worker that was killed stops its heartbeat; its jobs are taken over after this long.
HEARTBEAT_EVERY_S = 5.0
DEAD_AFTER_S = 20.0

RECONNECT_AFTER_S = 2.0
POOL_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobHandlers:
    """What the jobs do."""

    index_photo: Callable[[TeamId, PhotoId], object]
    give_up: Callable[[TeamId, PhotoId, str], None]
    list_channel: Callable[[TeamId, ChannelId], object]
    set_aside: SetAside
    put_off: Callable[[TeamId, PhotoId, str], None] = lambda *_: None


def wait_before_retry_s(attempt: int, error: BaseException | None = None) -> float:
    """Seconds to wait after the `attempt`-th failure (0 is the first): doubled each time.

    A source that said how long to wait is obeyed: never sooner, and not much later either.
    """
    asked = error.retry_after_s if isinstance(error, SourceUnavailableError) else None
    if asked:
        return max(asked, FIRST_WAIT_S)
    longest_s = (
        ROOM_WAIT_S if isinstance(error, (NoRoomError, DatabaseFullError)) else LONGEST_WAIT_S
    )
    return min(FIRST_WAIT_S * 2.0 ** min(attempt, 16), longest_s)


class Worker:
    """Runs the jobs of some workspaces, until stopped."""

    def __init__(
        self,
        conninfo: str,
        *,
        team_ids: Sequence[TeamId],
        handlers: JobHandlers,
        concurrency: int,
    ) -> None:
        self._conninfo = conninfo
        self._queues = [queue_name(team_id) for team_id in team_ids]
        self._handlers = handlers
        self._concurrency = concurrency
        self._rescue = Rescue(
            self._queues, wait_s=wait_before_retry_s, set_aside=handlers.set_aside
        )
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopping = threading.Event()

    @property
    def is_alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Work in a thread of its own."""
        self._thread = threading.Thread(target=self.run, name="worker", daemon=True)
        self._thread.start()

    def run(self) -> None:
        """Work in this thread until `stop`; a lost database is waited for."""
        asyncio.run(self._until_stopped())

    def stop(self) -> None:
        """Finish the jobs under way, then return. Safe to call twice."""
        self._stopping.set()
        loop, task = self._loop, self._task
        if loop is not None and task is not None and not loop.is_closed():
            # It may end, and the loop with it, at this very moment.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(task.cancel)
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    async def _until_stopped(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_default_executor(
            ThreadPoolExecutor(
                self._concurrency,
                thread_name_prefix="indexing",
                initializer=lower_this_thread,
            )
        )
        while not self._stopping.is_set():
            self._task = asyncio.create_task(self._serve())
            if self._stopping.is_set():
                # `stop` looked for a task before there was this one.
                self._task.cancel()
            try:
                await self._task
            except asyncio.CancelledError:
                continue
            except (ConnectorException, psycopg.Error, OSError) as error:
                log.warning("worker.disconnected", error=type(error).__name__)
            except Exception:
                # A worker that ended here would leave a bot that hears and never reads a photo.
                log.exception("worker.failed")
            if not self._stopping.is_set():
                await asyncio.sleep(RECONNECT_AFTER_S)

    async def _serve(self) -> None:
        app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(
                # Its own statements, which take jobs, are of no request.
                conninfo=client_conninfo(self._conninfo, name=f"{PROGRAM} worker"),
                min_size=1,
                max_size=self._concurrency + 3,
                timeout=POOL_TIMEOUT_S,
                reconnect_timeout=RECONNECT_S,
            )
        )
        self._register(app)
        working = procrastinate.worker.Worker(
            app,
            queues=self._queues,
            concurrency=self._concurrency,
            # Jobs wake the worker by NOTIFY; polling serves those whose retry is due.
            fetch_job_polling_interval=1.0,
            delete_jobs="successful",
            install_signal_handlers=False,
            update_heartbeat_interval=HEARTBEAT_EVERY_S,
            stalled_worker_timeout=DEAD_AFTER_S,
            worker_middleware=[self._rescue.note],
        )
        async with app.open_async():
            rescue = asyncio.create_task(self._rescue_stalled(working))
            try:
                await working.run()  # type: ignore[no-untyped-call]  # it leaves it untyped
            finally:
                rescue.cancel()
                await asyncio.gather(rescue, return_exceptions=True)

    def _register(self, app: procrastinate.App) -> None:
        @app.task(name=INDEX_PHOTO, retry=_Backoff(), pass_context=True)
        @_of_its_request
        def index_photo(
            context: procrastinate.JobContext, *, team_id: str, photo_id: int, crashes: int = 0
        ) -> None:
            del crashes  # the rescue's own note
            photo = TeamId(team_id), PhotoId(photo_id)
            try:
                self._handlers.index_photo(*photo)
            except Exception as error:
                log.warning(
                    "photo.failed",
                    photo=photo_id,
                    attempt=context.job.attempts + 1,
                    error=type(error).__name__,
                    reason=str(error) if isinstance(error, FindmeError) else None,
                    exc_info=not isinstance(error, FindmeError),
                )
                if _is_last(context.job, error):
                    self._handlers.give_up(*photo, reason_of(error))
                elif isinstance(error, SourceUnavailableError) and (
                    context.job.attempts + 1 >= MAX_ATTEMPTS
                ):
                    self._handlers.put_off(*photo, reason_of(error))
                raise

        # The next tick asks for it anyway.
        @app.task(name=LIST_CHANNEL, retry=_Backoff(patient_attempts=MAX_ATTEMPTS))
        @_of_its_request
        def list_channel(*, team_id: str, channel_id: str, crashes: int = 0) -> None:
            del crashes
            try:
                self._handlers.list_channel(TeamId(team_id), ChannelId(channel_id))
            except FindmeError as error:
                log.warning("channel.failed", channel=channel_id, reason=str(error))
                raise

        del index_photo, list_channel  # the app knows them by name

    async def _rescue_stalled(self, working: procrastinate.worker.Worker) -> None:
        while True:
            try:
                await self._rescue.look(
                    working.app.connector, worker_id=working.worker_id, dead_after_s=DEAD_AFTER_S
                )
            except (ConnectorException, DatabaseUnavailableError) as error:
                # The database is away; the next look does it.
                log.warning("rescue.failed", error=type(error).__name__)
            except Exception:
                log.exception("rescue.failed")
            await asyncio.sleep(HEARTBEAT_EVERY_S)


def _is_last(job: Job, error: BaseException, patient_attempts: int | None = None) -> bool:
    """Whether this failure was the last attempt.

    A worker that was left behind by a change of engine says nothing of the photo: another one
    takes it, or this one when it was started anew. Nor does a full disk, a source that says when
    to come again, or one that lets nobody in.
    """
    match error:
        case EngineMismatchError() | NoRoomError() | DatabaseFullError() | SourceClosedError():
            return False
        case SourceUnavailableError(retry_after_s=float()):
            return False
        case SourceUnavailableError() | DatabaseUnavailableError():
            return job.attempts + 1 >= (patient_attempts or PATIENT_ATTEMPTS)
        case _:
            return job.attempts + 1 >= MAX_ATTEMPTS


def _of_its_request(task: Callable[..., None]) -> Callable[..., None]:
    """The task as part of what enqueued it: the event that told of a photo, the tick, the click."""

    @wraps(task)
    def of_its_request(*arguments: Any, request: str | None = None, **named: Any) -> None:
        with in_request(request):
            task(*arguments, **named)

    return of_its_request


class _Backoff(procrastinate.BaseRetryStrategy):
    def __init__(self, *, patient_attempts: int | None = None) -> None:
        self._patient_attempts = patient_attempts

    def get_retry_decision(
        self, *, exception: BaseException, job: Job
    ) -> procrastinate.RetryDecision | None:
        if _is_last(job, exception, self._patient_attempts):
            return None
        wait = timedelta(seconds=wait_before_retry_s(job.attempts, exception))
        return procrastinate.RetryDecision(retry_at=datetime.now(UTC) + wait)
