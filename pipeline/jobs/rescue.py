"""Jobs that nobody works on any more go on: their worker was killed, or lost the database.

A kill takes every photo along that is being read at that moment, nearly always innocent ones. So a
crash is no failure of a photo. One that was there at several crashes becomes a suspect: it waits
longer each time, goes behind the others, and never runs beside another suspect. Whoever is there at
crash after crash then stands alone, and only that one is set aside.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeAlias

import structlog
from procrastinate import JobContext
from procrastinate.connector import BaseConnector
from procrastinate.worker import Worker

from pipeline.domain.model import CRASHED_READERS, PhotoId, TeamId
from pipeline.storage.jobs import (
    HELD,
    INDEX_PHOTO,
    PUT_BACK,
    RESCUE,
    SUSPECT_PRIORITY,
    suspects_lock,
)

log = structlog.get_logger(__name__)

SUSPECT_AFTER = 2
MAX_CRASHES = 10

# Of the jobs that this process began: far more than run at once.
_REMEMBERED = 1000

Row: TypeAlias = dict[str, Any]


class SetAside(Protocol):
    """Gives up a photo together with its job; `pipeline.storage.jobs.JobQueue.set_aside` does."""

    def __call__(
        self, team_id: TeamId, photo_id: PhotoId, *, job_id: int, worker_id: int | None, reason: str
    ) -> object:
        """Raises DatabaseUnavailableError."""
        ...


class Rescue:
    """Looks after the jobs of some queues; lives as long as its process works."""

    def __init__(
        self, queues: Sequence[str], *, wait_s: Callable[[int], float], set_aside: SetAside
    ) -> None:
        """`wait_s`: how long to wait after the n-th crash, 0 being the first."""
        self._queues = list(queues)
        self._set_aside = set_aside
        self._wait_s = wait_s
        self._under_way: set[int] = set()
        self._begun: deque[int] = deque(maxlen=_REMEMBERED)
        self._worker_ids: set[int] = set()
        self._left_over: set[int] = set()

    async def note(
        self, process: Callable[[], Awaitable[Any]], context: JobContext, worker: Worker
    ) -> Any:
        """Around each job (procrastinate's `worker_middleware`): what is under way here."""
        job_id = context.job.id
        assert job_id is not None  # it comes from the database
        del worker
        self._begun.append(job_id)
        self._under_way.add(job_id)
        try:
            return await process()
        finally:
            self._under_way.discard(job_id)

    async def look(
        self, connector: BaseConnector, *, worker_id: int | None, dead_after_s: float
    ) -> None:
        """Take up what is held by nobody; `worker_id` is what this process works as now.

        Raises: procrastinate's ConnectorException, DatabaseUnavailableError.
        """
        if worker_id is not None:
            self._worker_ids.add(worker_id)
        held: list[Row] = await connector.execute_query_all_async(
            HELD, queues=self._queues, dead_after_s=dead_after_s
        )
        mine = set()
        for job in held:
            if job["id"] in self._under_way:
                continue
            is_own = job["worker_id"] in self._worker_ids
            # Its worker's row may be gone; a living one that isn't ours has taken it over.
            if is_own or (job["is_silent"] and job["id"] in self._begun):
                mine.add(job["id"])
                # It may be on its way into the database, or out of it, at the first look.
                if job["id"] in self._left_over:
                    await self._put_back(connector, job)
            elif job["is_silent"]:
                await self._rescue(connector, job)
        self._left_over = mine

    async def _put_back(self, connector: BaseConnector, job: Row) -> None:
        """The database went away before it heard how this job ended; nothing crashed."""
        done = await connector.execute_query_all_async(PUT_BACK, **_key(job))
        if done:
            log.warning("job.put_back", job=job["id"])

    async def _rescue(self, connector: BaseConnector, job: Row) -> None:
        is_photo = job["task_name"] == INDEX_PHOTO
        crashes = int(job["args"].get("crashes", 0)) + 1
        if is_photo and crashes >= MAX_CRASHES:
            team_id, photo_id = TeamId(job["args"]["team_id"]), PhotoId(job["args"]["photo_id"])
            await asyncio.to_thread(
                self._set_aside,
                team_id,
                photo_id,
                job_id=job["id"],
                worker_id=job["worker_id"],
                reason=CRASHED_READERS,
            )
            log.error("photo.poison", photo=photo_id, crashes=crashes)
            return
        is_suspect = is_photo and crashes >= SUSPECT_AFTER
        done = await connector.execute_query_all_async(
            RESCUE,
            **_key(job),
            wait_s=self._wait_s(crashes - 1),
            crashes=crashes,
            priority=SUSPECT_PRIORITY - crashes if is_suspect else None,
            lock=suspects_lock(job["queue_name"]) if is_suspect else None,
        )
        if done:
            log.warning("job.rescued", job=job["id"], crashes=crashes)


def _key(job: Row) -> Row:
    """Nobody else took it up meanwhile."""
    return {"id": job["id"], "worker_id": job["worker_id"]}
