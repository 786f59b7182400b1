"""Workers are killed at the worst moments: no photo is lost to bad luck, and one that kills is."""

import subprocess
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from pipeline.domain.model import CRASHED_READERS, ChannelId, FoundPhoto, IndexCounts, PhotoState
from pipeline.errors import SourceUnavailableError
from pipeline.folder import LOCAL
from pipeline.jobs import worker
from pipeline.wiring import Runtime
from tests.fakes import FlakySource
from tests.integration.test_worker import (
    _in_a_hurry,
    channel_id,
    folder,
    jobs,
    put,
    taken_by_the_dead,
    until,
    work_off,
)

pytestmark = pytest.mark.slow

__all__ = ["_in_a_hurry", "channel_id", "folder"]  # fixtures

# A program that one photo kills, and that is killed with others that it reads at that moment.
PROGRAM = """
import os, sys, time
from pipeline.domain.model import PhotoId, TeamId
from pipeline.folder import LOCAL
from pipeline.jobs import rescue, worker
from pipeline.settings import Settings, load
from pipeline.wiring import Runtime

worker.HEARTBEAT_EVERY_S, worker.DEAD_AFTER_S, worker.FIRST_WAIT_S = 0.1, 0.5, 0.01
rescue.MAX_CRASHES = 3
runtime = Runtime(load(Settings, database_url=sys.argv[1]), reader=object())
poison = PhotoId(int(sys.argv[2]))

def index_photo(team_id, photo_id):
    time.sleep(0.1)
    if photo_id == poison:
        os._exit(9)
    runtime.photos.mark_unreadable(team_id, photo_id, "read")

working = worker.Worker(
    runtime.conninfo,
    team_ids=[LOCAL],
    handlers=worker.JobHandlers(
        index_photo=index_photo,
        give_up=runtime.photos.mark_given_up,
        list_channel=print,
        set_aside=runtime.queue.set_aside,
    ),
    concurrency=2,
)
working.start()
while runtime.photos.counts(LOCAL).pending:
    time.sleep(0.05)
os._exit(0)
"""


def crash(conninfo: str) -> None:
    """Let a worker be killed with every job in its hands, and be found dead."""
    taken_by_the_dead(conninfo)


def crashes(conninfo: str) -> list[object]:
    with psycopg.connect(conninfo) as connection:
        found = connection.execute("select args -> 'crashes' from procrastinate_jobs order by id")
        return [row[0] for row in found]


def test_a_photo_that_was_there_at_nine_crashes_is_read_all_the_same(
    runtime: Runtime, folder: Path, channel_id: ChannelId
) -> None:
    put(folder, "unlucky.jpg")
    runtime.list_channel(LOCAL, channel_id)
    with psycopg.connect(runtime.conninfo, autocommit=True) as connection:
        connection.execute("""update procrastinate_jobs set args = args || '{"crashes": 8}'""")
    crash(runtime.conninfo)

    work_off(runtime)

    assert runtime.photos.counts(LOCAL).indexed == 1


def test_crashes_are_no_failures_of_the_photo(
    runtime: Runtime, folder: Path, channel_id: ChannelId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "MAX_ATTEMPTS", 3)
    source = FlakySource({"a.jpg": [SourceUnavailableError()] * 2})
    runtime.sources[LOCAL] = source
    put(folder, "a.jpg")
    runtime.list_channel(LOCAL, channel_id)
    with psycopg.connect(runtime.conninfo, autocommit=True) as connection:
        connection.execute("""update procrastinate_jobs set args = args || '{"crashes": 6}'""")
    crash(runtime.conninfo)

    work_off(runtime)

    assert source.downloads == {"a.jpg": 3}
    assert runtime.photos.counts(LOCAL).indexed == 1


def test_a_poison_photo_is_set_aside_with_its_reason_and_no_other_photo_is(
    runtime: Runtime, folder: Path, channel_id: ChannelId
) -> None:
    put(folder, "poison.jpg", *(f"{number}.jpg" for number in range(9)))
    runtime.list_channel(LOCAL, channel_id)
    with psycopg.connect(runtime.conninfo) as connection:
        ((poison,),) = connection.execute(
            "select photo_id from photos where name = 'poison.jpg'"
        ).fetchall()
    codes: list[int] = []
    while not codes or codes[-1] != 0:
        assert len(codes) < 9, "it goes on killing"
        program = [sys.executable, "-c", PROGRAM, runtime.conninfo, str(poison)]
        codes.append(subprocess.run(program, timeout=120, check=False).returncode)

    # Each crash is the poison's; the photos that it took along at first have no part in the rest.
    assert codes == [9] * 3 + [0]
    counts = runtime.photos.counts(LOCAL)
    assert (counts.unreadable, counts.given_up, counts.pending) == (9, 1, 0)
    problems = runtime.photos.problems(LOCAL, limit=99)
    assert [each for each in problems if each[1] is PhotoState.GIVEN_UP] == [
        ("poison.jpg", PhotoState.GIVEN_UP, CRASHED_READERS)
    ]


def test_a_photo_that_was_set_aside_comes_back_with_a_re_index(
    runtime: Runtime, folder: Path, channel_id: ChannelId
) -> None:
    put(folder, "a.jpg")
    runtime.list_channel(LOCAL, channel_id)
    with psycopg.connect(runtime.conninfo, autocommit=True) as connection:
        connection.execute("""update procrastinate_jobs set args = args || '{"crashes": 9}'""")
    crash(runtime.conninfo)
    work_off(runtime)
    assert runtime.photos.counts(LOCAL).given_up == 1

    runtime.reindex(LOCAL)
    working = runtime.worker([LOCAL])
    working.start()
    try:
        until(lambda: runtime.photos.counts(LOCAL).indexed == 1)
    finally:
        working.stop()

    assert runtime.photos.problems(LOCAL, limit=9) == []


def test_suspects_are_read_one_at_a_time_and_behind_the_others(
    runtime: Runtime, folder: Path, channel_id: ChannelId
) -> None:
    put(folder, "a.jpg", "b.jpg", "c.jpg")
    runtime.list_channel(LOCAL, channel_id)
    with psycopg.connect(runtime.conninfo, autocommit=True) as connection:
        connection.execute("""update procrastinate_jobs set args = args || '{"crashes": 1}'""")
        crash(runtime.conninfo)
        runtime.sources[LOCAL] = FlakySource({name: [OSError()] for name in ("a.jpg", "b.jpg")})
        put(folder, "d.jpg")
        working = runtime.worker([LOCAL])
        working.start()
        try:
            until(lambda: runtime.photos.counts(LOCAL).indexed == 3)
        finally:
            working.stop()
        suspects = connection.execute(
            "select distinct lock, priority < 0 from procrastinate_jobs"
        ).fetchall()
    assert suspects in ([], [("suspects/workspace/local", True)])


def test_a_listing_that_was_killed_while_another_waits_goes_on(
    runtime: Runtime, folder: Path, channel_id: ChannelId
) -> None:
    put(folder, "a.jpg")
    runtime.queue.enqueue_listing(LOCAL, channel_id)
    crash(runtime.conninfo)
    runtime.queue.enqueue_listing(LOCAL, channel_id)
    working = runtime.worker([LOCAL])
    working.start()
    try:
        until(lambda: runtime.photos.counts(LOCAL).indexed == 1 and jobs(runtime.conninfo) == [])
    finally:
        working.stop()


def test_a_listing_that_fails_while_another_waits_is_tried_again(
    runtime: Runtime, folder: Path, channel_id: ChannelId
) -> None:
    asked: list[object] = []

    class Failing(FlakySource):
        def list_new(
            self, channel_id: ChannelId, *, since: datetime | None, until: datetime | None = None
        ) -> Iterable[FoundPhoto]:
            asked.append(since)
            if len(asked) == 1:
                runtime.queue.enqueue_listing(LOCAL, channel_id)
                raise SourceUnavailableError
            return super().list_new(channel_id, since=since, until=until)

    runtime.sources[LOCAL] = Failing()
    put(folder, "a.jpg")
    runtime.queue.enqueue_listing(LOCAL, channel_id)
    working = runtime.worker([LOCAL])
    working.start()
    try:
        until(lambda: runtime.photos.counts(LOCAL).indexed == 1 and jobs(runtime.conninfo) == [])
    finally:
        working.stop()


def test_a_job_whose_end_the_database_did_not_hear_of_is_put_back_and_no_crash(
    runtime: Runtime, folder: Path, channel_id: ChannelId
) -> None:
    working = runtime.worker([LOCAL])
    working.start()
    try:
        put(folder, "a.jpg")
        with psycopg.connect(runtime.conninfo) as connection:
            until(lambda: connection.execute("select from procrastinate_workers").rowcount == 1)
            # Taken by this very worker, and nothing under way there.
            connection.execute(
                "insert into procrastinate_jobs (queue_name, task_name, lock, args, status, "
                "worker_id) select 'workspace/local', 'list_channel', 'l', jsonb_build_object("
                "'team_id', 'local', 'channel_id', %(channel)s::text), 'doing', id "
                "from procrastinate_workers",
                {"channel": channel_id},
            )
        until(lambda: runtime.photos.counts(LOCAL) == IndexCounts(photos=1, indexed=1, faces=1))
        assert not any(crashes(runtime.conninfo))
    finally:
        working.stop()
