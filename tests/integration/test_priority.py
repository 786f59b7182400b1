"""Searches don't starve while photos are indexed: whoever indexes yields to all others."""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from pipeline.domain.model import EngineId, TeamId
from pipeline.jobs.worker import JobHandlers, Worker
from pipeline.priority import INDEXING_NICENESS, lower_this_thread
from pipeline.storage.connect import Database
from pipeline.storage.jobs import JobQueue
from pipeline.storage.photos import Photos
from pipeline.storage.workspaces import Workspaces
from pipeline.vision.isolated import Children
from tests.strategies import found_photo, share

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere threads have no priority of their own"
)

TEAM = TeamId("T1")
WAIT_S = 60.0


def niceness() -> int:
    """Of the thread that asks."""
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_photos_are_read_in_threads_that_yield_to_all_others(database: Database) -> None:
    Workspaces(database).claim(TEAM, EngineId("retail"))
    Workspaces(database).watch(TEAM, share().channel_id, "event")
    Photos(database).add(TEAM, [found_photo("F1", shares=[share()])])
    seen: list[int] = []
    read = threading.Event()

    def index(*_: object) -> None:
        seen.append(niceness())
        read.set()

    worker = Worker(
        database.conninfo,
        team_ids=[TEAM],
        handlers=JobHandlers(
            index_photo=index,
            give_up=lambda *_: None,
            list_channel=lambda *_: None,
            set_aside=lambda *_, **__: None,
        ),
        concurrency=2,
    )
    worker.start()
    try:
        JobQueue(database).enqueue_pending(TEAM)
        assert read.wait(WAIT_S)
    finally:
        worker.stop()
    assert seen == [INDEXING_NICENESS]
    assert niceness() < INDEXING_NICENESS


def test_who_waits_for_an_answer_borrows_no_decoder_that_yields_to_all_others() -> None:
    children = Children()

    def borrow() -> tuple[int, int]:
        with children.borrowed() as child:
            return child.pid, psutil.Process(child.pid).nice()

    def in_thread(first: Callable[[], object]) -> tuple[int, int]:
        with ThreadPoolExecutor(1, initializer=first) as thread:
            return thread.submit(borrow).result(WAIT_S)

    try:
        indexing = in_thread(lower_this_thread)
        asking = in_thread(lambda: None)
        assert (indexing[1], asking[1]) == (INDEXING_NICENESS, niceness())
        # Both are kept, each for its own.
        assert in_thread(lower_this_thread) == indexing
        assert in_thread(lambda: None) == asking
    finally:
        children.close()


def test_to_be_lowered_is_one_threads_affair() -> None:
    before = niceness()
    with ThreadPoolExecutor(1, initializer=lower_this_thread) as lowered:
        assert lowered.submit(niceness).result(WAIT_S) == INDEXING_NICENESS
    assert niceness() == before
