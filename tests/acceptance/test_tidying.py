"""What is done once a day, by whichever bot leads."""

from __future__ import annotations

import time
from contextlib import closing

import psycopg
import pytest

from bot import wiring
from pipeline.domain.model import TeamId
from pipeline.storage.jobs import queue_name
from pipeline.storage.leader import Leader
from tests.acceptance.office import Office, eventually

OLD_FAILURE = """
with job as (
    insert into procrastinate_jobs (queue_name, task_name, status)
    values (%(queue)s, 'index_photo', 'failed') returning id
)
insert into procrastinate_events (job_id, type, at)
select id, 'failed', now() - interval '25 hours' from job
"""
AGE = "update procrastinate_events set at = at - interval '25 hours'"
FAILURES = "select from procrastinate_jobs where status = 'failed'"


def _failures(office: Office) -> int:
    with psycopg.connect(office.conninfo) as connection:
        return connection.execute(FAILURES).rowcount


def test_whoever_leads_later_tidies_then(
    new_office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = new_office
    monkeypatch.setattr(wiring, "TIDY_LOOK_EVERY_S", 0.2)
    team_id = TeamId(office.slack.team_id)
    with psycopg.connect(office.conninfo) as connection:
        connection.execute(OLD_FAILURE, {"queue": queue_name(team_id)})
        connection.execute(AGE)
    with closing(Leader(office.conninfo, team_id)) as other:
        assert other.is_me()
        office.start_bot()
        time.sleep(1.0)  # several looks
        assert _failures(office) == 1

    eventually(lambda: not _failures(office), what="the tidying")

    with psycopg.connect(office.conninfo) as connection:
        connection.execute(OLD_FAILURE, {"queue": queue_name(team_id)})
        connection.execute(AGE)
    time.sleep(1.0)
    assert _failures(office) == 1, "once a day is enough"
