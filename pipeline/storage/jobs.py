"""Putting work into the queue, in SQL: so that a job appears with the row that it is for.

Procrastinate keeps its jobs in this database; `procrastinate_defer_jobs_v1` is what its own
`defer` calls.
"""

from psycopg.errors import UniqueViolation

from pipeline.domain.model import ChannelId, PhotoId, TeamId
from pipeline.requests import request_id
from pipeline.storage.connect import Database

INDEX_PHOTO = "index_photo"
LIST_CHANNEL = "list_channel"

# What somebody posts just now never waits for hundreds of channels to be looked at.
LIVE_PRIORITY = 10
LISTING_PRIORITY = 5
BACKFILL_PRIORITY = 0
SUSPECT_PRIORITY = 0
"""Less one for each crash: whoever was there at fewer goes first."""

# Newest photos first, as people ask for them first. Photos and jobs are never in one statement:
# they may be on different servers.
PENDING = """
select photo_id from photos where team_id = %(team_id)s and state = 'pending'
order by posted_at desc, photo_id desc limit %(limit)s
"""
# One job a photo: neither waiting nor running.
ENQUEUE_PENDING = """
with pending as (
    select photo_id, place, %(prefix)s || photo_id as key
    from unnest(%(photo_ids)s::bigint[]) with ordinality as p (photo_id, place)
), missing as (
    select * from pending
    where not exists (
        select from procrastinate_jobs j where j.status = 'todo' and j.queueing_lock = pending.key
    ) and not exists (
        select from procrastinate_jobs j where j.status = 'doing' and j.queueing_lock = pending.key
    )
)
select coalesce(cardinality(procrastinate_defer_jobs_v1(array_agg(
    (%(queue)s, %(task)s, %(priority)s, key, key,
        jsonb_strip_nulls(jsonb_build_object('team_id', %(team_id)s::text,
            'photo_id', photo_id, 'request', %(request)s::text)), null
    )::procrastinate_job_to_defer_v1
    order by place
))), 0) as jobs
from missing having count(*) > 0
"""
# One that waits or runs is enough: a second one would not wait as long as Slack asked the first.
# Without a queueing lock, which would keep one that runs from being retried or rescued.
ENQUEUE_LISTING = """
select procrastinate_defer_jobs_v1(array[
    (%(queue)s, %(task)s, %(priority)s, %(key)s, null,
        jsonb_strip_nulls(jsonb_build_object('team_id', %(team_id)s::text,
            'channel_id', %(channel_id)s::text, 'request', %(request)s::text)), null
    )::procrastinate_job_to_defer_v1
])
where not exists (
    select from procrastinate_jobs j
    where j.status in ('todo', 'doing') and j.lock = %(key)s
)
"""
# Jobs that wait for their next try.
# Photos alone: a listing may wait because Slack asked for it.
HURRY = """
update procrastinate_jobs set scheduled_at = null
where queue_name = %(queue)s and status = 'todo' and scheduled_at is not null
and task_name = %(task)s
"""
# A job that somebody else enqueued a moment ago, and a worker took, is seen as neither waiting nor
# running by a statement that began before; the second job would then keep the first from being
# retried. So those who enqueue take turns, each looking after the other's commit.
LOCK = "select pg_advisory_xact_lock(hashtextextended('queue/' || %(team_id)s, 0))"

# What is held, and whether by a worker that was not heard of for a while.
HELD = """
select j.id, j.queue_name, j.task_name, j.args, j.worker_id,
    w.id is null or w.last_heartbeat < now() - make_interval(secs => %(dead_after_s)s) as is_silent
from procrastinate_jobs j left join procrastinate_workers w on w.id = j.worker_id
where j.status = 'doing' and j.queue_name = any(%(queues)s)
"""
# Procrastinate's own way counts a crash as an attempt, as if the photo had failed.
RESCUE = """
update procrastinate_jobs set status = 'todo', worker_id = null, abort_requested = false,
    scheduled_at = now() + make_interval(secs => %(wait_s)s),
    args = args || jsonb_build_object('crashes', %(crashes)s::integer),
    priority = coalesce(%(priority)s::integer, priority), lock = coalesce(%(lock)s::text, lock)
where id = %(id)s and status = 'doing' and worker_id is not distinct from %(worker_id)s::bigint
returning id
"""
PUT_BACK = """
update procrastinate_jobs set status = 'todo', worker_id = null, abort_requested = false
where id = %(id)s and status = 'doing' and worker_id is not distinct from %(worker_id)s::bigint
returning id
"""
DROP_HELD = """
delete from procrastinate_jobs
where id = %(id)s and status = 'doing' and worker_id is not distinct from %(worker_id)s::bigint
"""
SET_ASIDE = """
update photos set state = 'given up', reason = %(reason)s, indexed_at = now()
where team_id = %(team_id)s and photo_id = %(photo_id)s and state = 'pending'
"""

# Their events go with them. Failed ones are counted, and looked at, for a day.
DROP_ENDED = """
delete from procrastinate_jobs j
where j.queue_name = %(queue)s and j.status not in ('todo', 'doing') and not exists (
    select from procrastinate_events e where e.job_id = j.id and e.at > now() - interval '1 day'
)
"""

# More would make one statement long; the next tick takes the rest.
ENQUEUE_LIMIT = 50_000


def queue_name(team_id: TeamId) -> str:
    """The queue of a workspace: a worker takes only jobs whose photos it can fetch."""
    return f"workspace/{team_id}"


def suspects_lock(queue: str) -> str:
    """What the photos share that were there at several crashes: one of them runs at a time."""
    return f"suspects/{queue}"


class JobQueue:
    """Implements ports.Queue."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def enqueue_pending(self, team_id: TeamId, *, live: bool = False) -> int:
        """Give each pending photo that has no job one; returns how many got one."""
        values: dict[str, object] = {
            "team_id": team_id,
            "prefix": f"photo/{team_id}/",
            "queue": queue_name(team_id),
            "task": INDEX_PHOTO,
            "priority": LIVE_PRIORITY if live else BACKFILL_PRIORITY,
            "limit": ENQUEUE_LIMIT,
            "request": request_id(),
        }
        while True:
            try:
                with self._database.transaction() as connection:
                    connection.execute(LOCK, values)
                    photos = connection.execute(PENDING, values).fetchall()
                    values["photo_ids"] = [photo["photo_id"] for photo in photos]
                    row = connection.execute(ENQUEUE_PENDING, values).fetchone()
                    return int(row["jobs"]) if row else 0
            except UniqueViolation:
                # Somebody else enqueued some of them at this very moment; the rest is ours.
                continue

    def hurry(self, team_id: TeamId) -> None:
        """What they waited for is over: every job may be tried now."""
        with self._database.transaction() as connection:
            connection.execute(HURRY, {"queue": queue_name(team_id), "task": INDEX_PHOTO})

    def enqueue_listing(self, team_id: TeamId, channel_id: ChannelId) -> None:
        """List a channel soon; asking twice is the same as once."""
        values = {
            "team_id": team_id,
            "channel_id": channel_id,
            "key": f"channel/{team_id}/{channel_id}",
            "queue": queue_name(team_id),
            "task": LIST_CHANNEL,
            "priority": LISTING_PRIORITY,
            "request": request_id(),
        }
        try:
            with self._database.transaction() as connection:
                connection.execute(LOCK, values)
                connection.execute(ENQUEUE_LISTING, values)
        except UniqueViolation:
            return

    def drop_ended(self, team_id: TeamId) -> int:
        """Forget the jobs that ended over a day ago, failed ones too; returns how many."""
        with self._database.transaction() as connection:
            return connection.execute(DROP_ENDED, {"queue": queue_name(team_id)}).rowcount

    def set_aside(
        self, team_id: TeamId, photo_id: PhotoId, *, job_id: int, worker_id: int | None, reason: str
    ) -> bool:
        """Give the photo up, with the job that a dead worker holds; False if it is held no more.

        Both at once: a re-index that came between the two would be undone by the next rescue.
        """
        values = {"team_id": team_id, "photo_id": photo_id, "reason": reason}
        with self._database.transaction() as connection:
            job = {"id": job_id, "worker_id": worker_id}
            if not connection.execute(DROP_HELD, job).rowcount:
                return False
            connection.execute(SET_ASIDE, values)
            return True
