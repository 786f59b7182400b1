"""What waits, what runs and how fast it goes: cheap to ask while millions of photos are there."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from pipeline.domain.backlog import JobCount, Pace
from pipeline.domain.model import PhotoState, TeamId
from pipeline.storage.connect import Database
from pipeline.storage.jobs import queue_name

PACE_OVER = timedelta(minutes=5)

# From the index photos_by_state alone.
STATES = """
select state, count(*) as photos from photos where team_id = %(team_id)s group by state
"""
# Named one by one: then it is a range of that index. From the first photo in that time on, since
# the work may have begun a minute ago.
PACE = """
select count(*) as done,
    coalesce(extract(epoch from now() - min(indexed_at)), 0)::float8 as span_s
from photos
where team_id = %(team_id)s and state in ('indexed', 'unreadable', 'given up')
and indexed_at > now() - %(over)s::interval
"""
JOBS = """
select task_name as task, count(*) as jobs,
    case when status = 'doing' then 'running' when status = 'failed' then 'failed'
        when scheduled_at > now() then 'retrying' else 'waiting' end as state
from procrastinate_jobs
where queue_name = %(queue)s and status in ('todo', 'doing', 'failed')
group by task_name, state order by task_name, state
"""
OLDEST = """
select extract(epoch from now() - min(e.at))::float8 as age_s from procrastinate_events e
where e.type = 'deferred' and e.job_id = (
    select min(id) from procrastinate_jobs
    where queue_name = %(queue)s and status = 'todo'
    and (scheduled_at is null or scheduled_at <= now())
)
"""
WORKERS = """
select count(*) as workers from procrastinate_workers
where last_heartbeat > now() - make_interval(secs => %(dead_after_s)s)
"""
SIZE = "select pg_database_size(current_database()) as size_bytes"
# As the planner estimates it: counted, ten million faces take many seconds.
FACES = """
select greatest(reltuples, 0)::bigint as faces from pg_class where oid = 'faces'::regclass
"""


class Backlog:
    """The state of the work on one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def states(self, team_id: TeamId) -> Mapping[PhotoState, int]:
        """How many photos are in each state."""
        with self._database.transaction() as connection:
            rows = connection.execute(STATES, {"team_id": team_id}).fetchall()
        return dict.fromkeys(PhotoState, 0) | {
            PhotoState(row["state"]): int(row["photos"]) for row in rows
        }

    def pace(self, team_id: TeamId) -> Pace:
        """How fast photos were dealt with in the last minutes."""
        values = {"team_id": team_id, "over": PACE_OVER}
        with self._database.transaction() as connection:
            row = connection.execute(PACE, values).fetchone()
        assert row is not None  # an aggregate always has a row
        return Pace(**row)

    def jobs(self, team_id: TeamId) -> Sequence[JobCount]:
        """What is in the queue."""
        with self._database.transaction() as connection:
            rows = connection.execute(JOBS, {"queue": queue_name(team_id)}).fetchall()
        return [JobCount(**row) for row in rows]

    def oldest_s(self, team_id: TeamId) -> float:
        """How long the oldest job that could run has waited; 0 if there is none."""
        with self._database.transaction() as connection:
            row = connection.execute(OLDEST, {"queue": queue_name(team_id)}).fetchone()
        return float(row["age_s"] or 0.0) if row else 0.0

    def workers(self, *, dead_after_s: float) -> int:
        """How many workers, of all workspaces, gave a sign of life in the last seconds."""
        with self._database.transaction() as connection:
            row = connection.execute(WORKERS, {"dead_after_s": dead_after_s}).fetchone()
        assert row is not None  # an aggregate always has a row
        return int(row["workers"])

    def size_bytes(self) -> int:
        """How much of the disk the database takes."""
        with self._database.transaction() as connection:
            row = connection.execute(SIZE).fetchone()
        assert row is not None  # a function's value
        return int(row["size_bytes"])

    def about_faces(self) -> int:
        """How many faces there are in all workspaces, give or take some percent."""
        with self._database.transaction() as connection:
            row = connection.execute(FACES).fetchone()
        return int(row["faces"]) if row else 0
