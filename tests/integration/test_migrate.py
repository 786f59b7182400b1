"""A database is brought up to date once, whoever else tries at the same time."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from pipeline.errors import DatabaseTooOldError, DatabaseUnavailableError
from pipeline.storage import connect
from pipeline.storage.migrate import MIGRATIONS, migrate

OURS = sorted(path.stem for path in MIGRATIONS.glob("*.sql") if "rollback" not in path.name)
TABLES = """
select table_name from information_schema.tables where table_schema = 'public'
"""


def tables(conninfo: str) -> set[str]:
    with psycopg.connect(conninfo) as connection:
        return {name for (name,) in connection.execute(TABLES)}


def test_an_empty_database_gets_every_table(empty_conninfo: str) -> None:
    applied = migrate(empty_conninfo)

    assert applied == [*OURS, "queue"]
    assert {"photos", "faces", "shares", "procrastinate_jobs"} <= tables(empty_conninfo)


def test_a_second_migration_has_nothing_to_do(empty_conninfo: str) -> None:
    migrate(empty_conninfo)

    assert migrate(empty_conninfo) == []


def test_a_migrated_database_keeps_its_rows(conninfo: str) -> None:
    with psycopg.connect(conninfo) as connection:
        connection.execute("insert into workspaces (team_id) values ('T1')")

    migrate(conninfo)

    with psycopg.connect(conninfo) as connection:
        assert connection.execute("select team_id from workspaces").fetchall() == [("T1",)]


def test_of_four_threads_at_once_one_migrates(empty_conninfo: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        applied = list(threads.map(migrate, [empty_conninfo] * 4))

    assert sorted(map(len, applied)) == [0, 0, 0, len(OURS) + 1]


def test_of_four_processes_at_once_one_migrates(empty_conninfo: str) -> None:
    program = (
        "import sys; from pipeline.storage.migrate import migrate; print(len(migrate(sys.argv[1])))"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, empty_conninfo], stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]

    applied = [process.communicate(timeout=60)[0].strip() for process in running]

    assert sorted(applied) == ["0", "0", "0", str(len(OURS) + 1)]


def test_a_migration_that_was_killed_is_done_again(empty_conninfo: str) -> None:
    migrate(empty_conninfo)
    with psycopg.connect(empty_conninfo) as connection:
        # yoyo's own lock of a process that died; the queue's steps were not noted yet
        connection.execute(
            "insert into yoyo_lock (locked, ctime, pid) values (1, now(), %(pid)s)",
            {"pid": os.getpid()},
        )

    assert migrate(empty_conninfo) == []


def test_a_step_that_a_release_of_the_queue_brings_is_applied(conninfo: str) -> None:
    with psycopg.connect(conninfo) as connection:
        names = connection.execute("select name from queue_migrations order by name").fetchall()

    assert len(names) > 10
    assert migrate(conninfo) == []


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("MIN_SERVER", (99, 0), r"PostgreSQL 18\.\d+ is too old for Findme; it needs 99 or later"),
        (
            "MIN_PGVECTOR",
            (0, 99, 0),
            r"pgvector 0\.8\.\d+ is too old for Findme; it needs 0\.99\.0",
        ),
    ],
)
def test_a_server_that_is_too_old_is_refused_before_anything_is_changed(
    empty_conninfo: str,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: tuple[int, ...],
    sentence: str,
) -> None:
    monkeypatch.setattr(connect, name, value)

    with pytest.raises(DatabaseTooOldError, match=sentence):
        migrate(empty_conninfo)

    assert tables(empty_conninfo) == set()


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda _: "postgresql://u:hunter2@127.0.0.1:1/d", "can't be reached .*Check DATABASE_URL"),
        (lambda _: "postgresql://u:hunter2@[::1/d", "DATABASE_URL can't be understood"),
        (lambda good: f"{good.replace('dbname=test', 'dbname=gone')}", "does not exist"),
    ],
)
def test_a_server_that_does_not_answer_is_named_without_its_password(
    empty_conninfo: str, spoil: Callable[[str], str], sentence: str
) -> None:
    with pytest.raises(DatabaseUnavailableError, match=sentence) as caught:
        migrate(spoil(empty_conninfo))

    assert "hunter2" not in str(caught.value)
