"""Bring a database up to date: our migrations, then the queue's, under one lock."""

from pathlib import Path
from typing import Any

import psycopg
import yoyo
from procrastinate.schema import SchemaManager
from psycopg.conninfo import conninfo_to_dict
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI

from pipeline.storage.connect import check_versions, connect

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"

# Any number that no other program on this database takes as an advisory lock.
LOCK_KEY = 7_305_112_016

LOCK = "select pg_advisory_lock(%(key)s)"
UNLOCK = "select pg_advisory_unlock(%(key)s)"
QUEUE_EXISTS = "select to_regclass('procrastinate_jobs') is not null"
QUEUE_MIGRATIONS_TABLE = """
create table if not exists queue_migrations (
    name text primary key, applied_at timestamptz not null default now()
)
"""
QUEUE_MIGRATIONS_DONE = "select name from queue_migrations"
QUEUE_MIGRATION_DONE = "insert into queue_migrations (name) values (%(name)s)"


def migrate(conninfo: str) -> list[str]:
    """Apply what is missing; returns the names of the migrations applied, oldest first.

    Safe to run from several processes at once: one does it, the others wait.
    Raises: DatabaseUnavailableError, DatabaseTooOldError.
    """
    with connect(conninfo) as connection:
        check_versions(connection)
        connection.execute(LOCK, {"key": LOCK_KEY})
        try:
            return _apply_ours(conninfo) + _apply_queue(connection)
        finally:
            connection.execute(UNLOCK, {"key": LOCK_KEY})


def _apply_ours(conninfo: str) -> list[str]:
    # yoyo's URIs know fewer forms than libpq, so libpq reads it and yoyo gets the parts.
    parts = {name: str(value) for name, value in conninfo_to_dict(conninfo).items()}
    uri = DatabaseURI(
        scheme="postgresql+psycopg",
        username=None,
        password=None,
        hostname=None,
        port=None,
        database=parts.pop("dbname", ""),
        args=parts,
    )
    backend = PostgresqlPsycopgBackend(uri, "migrations_applied")
    try:
        backend.init_database()
        # Whoever left yoyo's own lock behind is dead: the advisory lock is ours.
        backend.break_lock()
        todo = backend.to_apply(yoyo.read_migrations(str(MIGRATIONS)))
        names = [migration.id for migration in todo]
        backend.apply_migrations(todo)
        return names
    finally:
        backend.connection.close()


def _apply_queue(connection: psycopg.Connection[tuple[Any, ...]]) -> list[str]:
    """Procrastinate's schema, whole at first, later by the steps its releases bring."""
    connection.execute(QUEUE_MIGRATIONS_TABLE)
    steps = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    row = connection.execute(QUEUE_EXISTS).fetchone()
    if row is None or not row[0]:
        with connection.transaction():
            connection.execute(SchemaManager.get_schema())
            for step in steps:
                connection.execute(QUEUE_MIGRATION_DONE, {"name": step.stem})
        return ["queue"]
    done = {name for (name,) in connection.execute(QUEUE_MIGRATIONS_DONE)}
    missing = [step for step in steps if step.stem not in done]
    for step in missing:
        with connection.transaction():
            connection.execute(step.read_bytes())
            connection.execute(QUEUE_MIGRATION_DONE, {"name": step.stem})
    return [step.stem for step in missing]
