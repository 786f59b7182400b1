"""The worker: takes jobs from the queue and runs the use case each is for.

Procrastinate runs its tasks in threads (`asyncio.to_thread`); decoding and the networks release
the GIL there.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import procrastinate
import psycopg
import structlog
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job

from pipeline.domain.model import CRASHED_READERS, ChannelId, PhotoId, TeamId
from pipeline.errors import (
    EngineMismatchError,
    FindmeError,
    SourceClosedError,
    SourceUnavailableError,
    reason_of,
)
from pipeline.storage.jobs import INDEX_PHOTO, LIST_CHANNEL, queue_name

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 6
FIRST_WAIT_S = 2.0
LONGEST_WAIT_S = 600.0

# A worker that was killed stops its heartbeat; its jobs are taken over after this long.
HEARTBEAT_EVERY_S = 5.0
DEAD_AFTER_S = 20.0
MAX_CRASHES = 3

RECONNECT_AFTER_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobHandlers:
    """What the jobs do."""

    index_photo: Callable[[TeamId, PhotoId], object]
    give_up: Callable[[TeamId, PhotoId, str], None]
    list_channel: Callable[[TeamId, ChannelId], object]


def wait_before_retry_s(attempt: int, error: BaseException | None = None) -> float:
    """Seconds to wait after the `attempt`-th failure (0 is the first): doubled each time.

    A source that said how long to wait is obeyed.
    """
    asked = error.retry_after_s if isinstance(error, SourceUnavailableError) else None
    return max(asked or 0.0, min(FIRST_WAIT_S * 2.0**attempt, LONGEST_WAIT_S))


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
            loop.call_soon_threadsafe(task.cancel)
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    async def _until_stopped(self) -> None:
        self._loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            self._task = asyncio.create_task(self._serve())
            try:
                await self._task
            except asyncio.CancelledError:
                continue
            except (ConnectorException, psycopg.Error, OSError) as error:
                log.warning("worker.disconnected", error=type(error).__name__)
            if not self._stopping.is_set():
                await asyncio.sleep(RECONNECT_AFTER_S)

    async def _serve(self) -> None:
        app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(
                conninfo=self._conninfo, min_size=1, max_size=self._concurrency + 3
            )
        )
        self._register(app)
        async with app.open_async():
            rescue = asyncio.create_task(self._rescue_stalled(app))
            try:
                await app.run_worker_async(
                    queues=self._queues,
                    concurrency=self._concurrency,
                    # Jobs wake the worker by NOTIFY; polling serves those whose retry is due.
                    fetch_job_polling_interval=1.0,
                    delete_jobs="successful",
                    install_signal_handlers=False,
                    update_heartbeat_interval=HEARTBEAT_EVERY_S,
                    stalled_worker_timeout=DEAD_AFTER_S,
                )
            finally:
                rescue.cancel()
                await asyncio.gather(rescue, return_exceptions=True)

    def _register(self, app: procrastinate.App) -> None:
        retry = _Backoff()

        @app.task(name=INDEX_PHOTO, retry=retry, pass_context=True)
        def index_photo(context: procrastinate.JobContext, *, team_id: str, photo_id: int) -> None:
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
                raise

        @app.task(name=LIST_CHANNEL, retry=retry)
        def list_channel(*, team_id: str, channel_id: str) -> None:
            try:
                self._handlers.list_channel(TeamId(team_id), ChannelId(channel_id))
            except FindmeError as error:
                log.warning("channel.failed", channel=channel_id, reason=str(error))
                raise

        del index_photo, list_channel  # the app knows them by name

    async def _rescue_stalled(self, app: procrastinate.App) -> None:
        """Give the jobs of killed workers to the living; a photo that kills each is given up."""
        while True:
            stalled = await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=DEAD_AFTER_S)
            for job in stalled:
                if job.queue in self._queues:
                    await self._rescue(app, job)
            await asyncio.sleep(HEARTBEAT_EVERY_S)

    async def _rescue(self, app: procrastinate.App, job: Job) -> None:
        if job.attempts + 1 >= MAX_CRASHES and job.task_name == INDEX_PHOTO:
            arguments: dict[str, Any] = job.task_kwargs
            photo_id = PhotoId(arguments["photo_id"])
            await asyncio.to_thread(
                self._handlers.give_up,
                TeamId(arguments["team_id"]),
                photo_id,
                CRASHED_READERS,
            )
            await app.job_manager.finish_job(
                job, status=procrastinate.jobs.Status.FAILED, delete_job=False
            )
            log.error("photo.poison", photo=photo_id)
        else:
            await app.job_manager.retry_job(job)
            log.warning("job.rescued", job=job.id)


def _is_last(job: Job, error: BaseException) -> bool:
    """Whether this failure was the last attempt.

    A worker that was left behind by a change of engine says nothing of the photo: another one
    takes it, or this one when it was started anew. Nor does a source that lets nobody in.
    """
    is_about_it = not isinstance(error, EngineMismatchError | SourceClosedError)
    return job.attempts + 1 >= MAX_ATTEMPTS and is_about_it


class _Backoff(procrastinate.BaseRetryStrategy):
    def get_retry_decision(
        self, *, exception: BaseException, job: Job
    ) -> procrastinate.RetryDecision | None:
        if _is_last(job, exception):
            return None
        wait = timedelta(seconds=wait_before_retry_s(job.attempts, exception))
        return procrastinate.RetryDecision(retry_at=datetime.now(UTC) + wait)
