"""`findme status` and what it asks the database."""

import json

import psycopg
import pytest

from pipeline.domain.backlog import JobCount
from pipeline.domain.model import ChannelId, EngineId, PhotoState, TeamId
from pipeline.errors import FindmeError
from pipeline.jobs.worker import DEAD_AFTER_S
from pipeline.settings import Settings, load
from pipeline.shell_status import print_status
from pipeline.storage import backlog as sql
from pipeline.storage.backlog import Backlog
from pipeline.storage.connect import Database
from pipeline.storage.jobs import JobQueue
from pipeline.storage.photos import Photos
from pipeline.storage.workspaces import Workspaces
from pipeline.wiring import Runtime
from tests.conftest import as_url
from tests.strategies import found_photo

TEAM = TeamId("T1")
CHANNEL = ChannelId("C1")
PHOTOS = 20


@pytest.fixture
def index(database: Database) -> Backlog:
    """Twelve photos read within the last two minutes, one of them unreadable; eight wait."""
    Workspaces(database).claim(TEAM, EngineId("retail"))
    Workspaces(database).watch(TEAM, CHANNEL, "party")
    photos = Photos(database)
    found = [found_photo(f"F{number}", day=number) for number in range(PHOTOS)]
    photos.add(TEAM, found)
    JobQueue(database).enqueue_pending(TEAM)
    with psycopg.connect(database.conninfo) as connection:
        connection.execute(
            "update photos set state = case photo_id when 1 then 'unreadable' else 'indexed' end, "
            "indexed_at = now() - photo_id * interval '10 s' where photo_id <= 12"
        )
        connection.execute("delete from procrastinate_jobs where (args->>'photo_id')::int <= 12")
        connection.execute(
            "update procrastinate_jobs set scheduled_at = now() + interval '1 hour' "
            "where (args->>'photo_id')::int = 13"
        )
        connection.execute(
            "update procrastinate_jobs set status = 'doing' where (args->>'photo_id')::int = 14"
        )
        connection.execute("update procrastinate_events set at = at - interval '90 s'")
    return Backlog(database)


def test_photos_are_counted_by_state(index: Backlog) -> None:
    assert index.states(TEAM) == {
        PhotoState.PENDING: 8,
        PhotoState.INDEXED: 11,
        PhotoState.UNREADABLE: 1,
        PhotoState.GIVEN_UP: 0,
    }


def test_the_pace_is_that_of_the_last_minutes(index: Backlog, database: Database) -> None:
    with psycopg.connect(database.conninfo) as connection:
        connection.execute(
            "update photos set indexed_at = now() - interval '1 h' where photo_id = 5"
        )
    pace = index.pace(TEAM)
    assert pace.done == 11
    assert pace.per_min == pytest.approx(5.5, rel=0.1)


def test_jobs_are_told_apart_by_what_they_wait_for(index: Backlog) -> None:
    assert {(one.state, one.jobs) for one in index.jobs(TEAM)} == {
        ("waiting", 6),
        ("retrying", 1),
        ("running", 1),
    }
    assert all(isinstance(one, JobCount) and one.task == "index_photo" for one in index.jobs(TEAM))
    assert index.oldest_s(TEAM) == pytest.approx(90, abs=20)


def test_another_workspaces_work_is_not_counted(index: Backlog) -> None:
    other = TeamId("T2")
    assert set(index.states(other).values()) == {0}
    assert (index.jobs(other), index.oldest_s(other), index.pace(other).done) == ([], 0, 0)


def test_a_worker_counts_while_it_gives_signs_of_life(index: Backlog, database: Database) -> None:
    with psycopg.connect(database.conninfo) as connection:
        connection.execute(
            "insert into procrastinate_workers (last_heartbeat) "
            "values (now()), (now() - interval '5 s'), (now() - interval '1 h')"
        )
    assert index.workers(dead_after_s=DEAD_AFTER_S) == 2


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize("statement", ["STATES", "PACE"])
def test_no_photo_is_looked_at_to_count_them(database: Database, statement: str) -> None:
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        # Vacuum takes nothing for visible to all whose commit is not in the log yet.
        connection.execute("set synchronous_commit = on")
        connection.execute(
            "insert into photos (team_id, file_id, name, media_type, version, posted_at, state, "
            "indexed_at, url) select 'T1', 'X' || i, 'x.jpg', 'image/jpeg', '1', now(), 'indexed', "
            "now() - i * interval '1 min', repeat('x', 600) from generate_series(1, 5000) i"
        )
        connection.execute("vacuum analyze photos")
        values = {"team_id": TEAM, "over": sql.PACE_OVER}
        query = {"STATES": sql.STATES, "PACE": sql.PACE}[statement]
        plan = connection.execute("explain " + query, values).fetchall()
    assert "Index Only Scan using photos_by_state" in "\n".join(line for (line,) in plan)


@pytest.fixture
def over(index: Backlog, database: Database) -> Runtime:
    del index
    return Runtime(load(Settings, database_url=as_url(database.conninfo)))


def test_status_tells_backlog_rate_and_time_left(
    over: Runtime, capsys: pytest.CaptureFixture[str]
) -> None:
    print_status(over, channels=False, as_json=False)
    over.close()

    words = " ".join(capsys.readouterr().out.split())
    assert "T1 retail 20 8 6 1 min 6 1 1 0" in words
    assert "0 workers at work" in words
    assert "T1 party 20 0 8 1 0" in words


def test_status_as_json_tells_the_same(over: Runtime, capsys: pytest.CaptureFixture[str]) -> None:
    print_status(over, channels=False, as_json=True)
    over.close()

    told = json.loads(capsys.readouterr().out)
    (workspace,) = told["workspaces"]
    assert (workspace["workspace"], workspace["engine"]) == ("T1", "retail")
    assert (workspace["photos"], workspace["pending"], workspace["unreadable"]) == (20, 8, 1)
    assert workspace["rate_per_min"] == pytest.approx(6, rel=0.1)
    assert workspace["left_s"] == pytest.approx(80, rel=0.1)
    assert workspace["jobs"] == {"waiting": 6, "retrying": 1, "running": 1, "failed": 0}
    assert [row["channel"] for row in told["channels"]] == ["party"]
    assert told["database_bytes"] > 1_000_000


def test_a_large_index_is_counted_by_channel_only_if_that_is_asked(
    over: Runtime, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.shell_status.FEW_FACES", -1)
    for channels in (False, True):
        print_status(over, channels=channels, as_json=True)
        told = json.loads(capsys.readouterr().out)
        assert (told["channels"] is not None) == channels
    over.close()


def test_a_port_that_is_taken_is_told_by_the_name_of_its_setting(over: Runtime) -> None:
    over.settings.findme_metrics_port = 0
    first = over.metrics()
    assert first is not None
    first.start()
    over.settings.findme_metrics_port = first.port
    second = over.metrics()
    assert second is not None
    with pytest.raises(FindmeError, match="FINDME_METRICS_PORT"):
        second.start()
    second.stop()
    first.stop()
    over.close()
