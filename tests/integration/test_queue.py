"""Every pending photo has one job, whoever asks and however often."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg
import pytest

from pipeline.domain.model import ChannelId, EngineId, PhotoId, TeamId
from pipeline.storage.connect import Database
from pipeline.storage.jobs import LOCK, JobQueue
from pipeline.storage.photos import Photos
from pipeline.storage.workspaces import Workspaces
from tests.strategies import found_photo, photo_faces

TEAM = TeamId("T1")
JOBS = "select task_name, args, priority, queue_name from procrastinate_jobs order by id"
PHOTOS = 40


@pytest.fixture
def queue(database: Database) -> JobQueue:
    Workspaces(database).claim(TEAM, EngineId("test"))
    Photos(database).add(TEAM, [found_photo(f"F{i}", day=i) for i in range(PHOTOS)])
    return JobQueue(database)


def jobs(database: Database) -> list[tuple[str, dict[str, object], int, str]]:
    with psycopg.connect(database.conninfo) as connection:
        return connection.execute(JOBS).fetchall()


def do_first(database: Database, status: str) -> None:
    """As a worker does: take the oldest job."""
    with psycopg.connect(database.conninfo) as connection:
        connection.execute(
            "update procrastinate_jobs set status = %(status)s::procrastinate_job_status "
            "where id = (select min(id) from procrastinate_jobs)",
            {"status": status},
        )


def test_every_pending_photo_gets_a_job(queue: JobQueue, database: Database) -> None:
    assert queue.enqueue_pending(TEAM) == PHOTOS

    assert {args["photo_id"] for _, args, _, _ in jobs(database)} == set(range(1, PHOTOS + 1))


def test_the_newest_photos_are_read_first(queue: JobQueue, database: Database) -> None:
    queue.enqueue_pending(TEAM)

    photo_ids = [args["photo_id"] for _, args, _, _ in jobs(database)]
    assert photo_ids == list(range(PHOTOS, 0, -1))


def test_enqueueing_twice_gives_one_job_each(queue: JobQueue, database: Database) -> None:
    queue.enqueue_pending(TEAM)

    assert queue.enqueue_pending(TEAM) == 0

    assert len(jobs(database)) == PHOTOS


def test_a_photo_that_is_being_read_gets_no_second_job(queue: JobQueue, database: Database) -> None:
    queue.enqueue_pending(TEAM)
    do_first(database, "doing")

    assert queue.enqueue_pending(TEAM) == 0


def test_a_job_that_was_enqueued_and_taken_a_moment_ago_is_the_only_one(
    queue: JobQueue, database: Database
) -> None:
    with ThreadPoolExecutor(1) as threads, psycopg.connect(database.conninfo) as other:
        other.execute(LOCK, {"team_id": TEAM})
        meanwhile = threads.submit(queue.enqueue_pending, TEAM)
        until_one_waits(database)
        other.execute(
            "insert into procrastinate_jobs (queue_name, task_name, lock, queueing_lock, status) "
            "select 'workspace/T1', 'index_photo', key, key, 'doing' from ("
            "select 'photo/T1/' || photo_id as key from photos) as photos"
        )
        other.commit()

        assert meanwhile.result(timeout=10) == 0


def until_one_waits(database: Database) -> None:
    waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = %s"
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        end = time.monotonic() + 10
        while not connection.execute(waiting, [connection.info.dbname]).fetchone():
            assert time.monotonic() < end, "nobody waits"


def test_a_pending_photo_whose_job_failed_gets_another(queue: JobQueue, database: Database) -> None:
    queue.enqueue_pending(TEAM)
    do_first(database, "doing")
    do_first(database, "failed")

    assert queue.enqueue_pending(TEAM) == 1


def test_photos_that_are_not_pending_get_no_job(queue: JobQueue, database: Database) -> None:
    photos = Photos(database)
    photos.mark_unreadable(TEAM, PhotoId(1), "why")
    photos.mark_given_up(TEAM, PhotoId(2), "why")
    photos.put_faces(
        TEAM,
        PhotoId(3),
        engine_id=EngineId("test"),
        version="1",
        content_hash=b"#",
        faces=photo_faces(),
    )

    assert queue.enqueue_pending(TEAM) == PHOTOS - 3


def test_two_threads_at_once_give_one_job_each(queue: JobQueue, database: Database) -> None:
    start = Barrier(4)

    def enqueue(_: int) -> int:
        start.wait()
        return queue.enqueue_pending(TEAM)

    with ThreadPoolExecutor(4) as threads:
        counted = list(threads.map(enqueue, range(4)))

    photo_ids = [args["photo_id"] for _, args, _, _ in jobs(database)]
    assert sorted(map(str, photo_ids)) == sorted(map(str, range(1, PHOTOS + 1)))
    assert sum(counted) == PHOTOS


def test_live_photos_go_before_listings_and_these_before_the_backlog(
    queue: JobQueue, database: Database
) -> None:
    queue.enqueue_pending(TEAM)
    Photos(database).add(TEAM, [found_photo("live")])
    queue.enqueue_pending(TEAM, live=True)
    queue.enqueue_listing(TEAM, ChannelId("C1"))

    priorities = [priority for _, _, priority, _ in jobs(database)]
    assert priorities[0] < priorities[-1] < priorities[-2]


def test_a_listing_is_enqueued_once(queue: JobQueue, database: Database) -> None:
    for channel in ("C1", "C1", "C2"):
        queue.enqueue_listing(TEAM, ChannelId(channel))

    assert [args["channel_id"] for _, args, _, _ in jobs(database)] == ["C1", "C2"]


def test_a_channel_that_is_being_listed_gets_no_second_job_that_would_keep_it_from_a_retry(
    queue: JobQueue, database: Database
) -> None:
    queue.enqueue_listing(TEAM, ChannelId("C1"))
    do_first(database, "doing")

    queue.enqueue_listing(TEAM, ChannelId("C1"))

    assert len(jobs(database)) == 1


def test_jobs_that_ended_over_a_day_ago_are_forgotten_with_their_events(
    queue: JobQueue, database: Database
) -> None:
    kept = [("doing", 25), ("failed", 23), ("todo", 25)]
    gone = [("aborted", 25), ("cancelled", 25), ("failed", 25)]
    with psycopg.connect(database.conninfo) as connection:
        for team, status, hours in [
            *(("T1", *one) for one in kept + gone),
            ("T2", "failed", 25),
        ]:
            connection.execute(
                "with job as (insert into procrastinate_jobs (queue_name, task_name, status) "
                "values (%(queue)s, 'list_channel', %(status)s) returning id) "
                "insert into procrastinate_events (job_id, type, at) "
                "select id, 'failed', now() - make_interval(hours => %(hours)s) from job",
                {"queue": f"workspace/{team}", "status": status, "hours": hours},
            )
        # What noted itself just now: that each was inserted.
        connection.execute("delete from procrastinate_events where at = now()")

    assert queue.drop_ended(TEAM) == len(gone)

    with psycopg.connect(database.conninfo) as connection:
        left = connection.execute(
            "select queue_name, status::text from procrastinate_jobs "
            "join procrastinate_events e on e.job_id = procrastinate_jobs.id order by 1, 2"
        ).fetchall()
        events = connection.execute("select from procrastinate_events").rowcount
    assert left == [("workspace/T1", status) for status, _ in kept] + [("workspace/T2", "failed")]
    assert events == len(left)


def test_each_workspace_has_a_queue_of_its_own(queue: JobQueue, database: Database) -> None:
    other = TeamId("T2")
    Workspaces(database).claim(other, EngineId("test"))
    Photos(database).add(other, [found_photo("F0")])

    assert queue.enqueue_pending(other) == 1

    assert [queue_name for _, _, _, queue_name in jobs(database)] == ["workspace/T2"]
