"""A real PostgreSQL for every test that asks for one: a template database, cloned per test."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pipeline.ports import FaceReader
from pipeline.settings import Settings, load
from pipeline.storage.connect import Database
from pipeline.storage.embedded import EmbeddedServer
from pipeline.storage.migrate import migrate
from pipeline.vision.engines import load_engine
from pipeline.vision.weights import WeightStore
from pipeline.wiring import Runtime
from tests.shared import shared_folder

TEMPLATE = "findme_template"

# Nothing here has to outlive a power cut, and a clone by copied files takes a tenth of the time.
# What a real server does at a kill or on a full disk is shown on servers of the tests' own.
QUICK = ("fsync", "full_page_writes", "synchronous_commit")

# Servers and folders of tests lie in memory where there is much of it: on a disk a database takes
# ten times as long to be made and dropped.
MEMORY = Path("/dev/shm")  # noqa: S108 - only new folders are made in it
ROOM_BYTES = 6 * 2**30

_numbers = itertools.count()

# Properties are no measurements: on a busy machine an example may stand still for some tenths of a
# second, and so may what draws it.
settings.register_profile("findme", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("findme")

if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM_BYTES:
    tempfile.tempdir = str(MEMORY)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without the extra `clip`, its tests are skipped, unless they are what was asked for."""
    if config.option.markexpr == "clip" or find_spec("imgbeddings"):
        return
    skip = pytest.mark.skip(
        reason="needs the extra `clip`, which has a lock of its own: make test-clip"
    )
    for item in items:
        if item.get_closest_marker("clip"):
            item.add_marker(skip)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A developer's environment and `.env` decide nothing here; data goes to a folder per test."""
    for name in list(os.environ):
        if name.startswith(("FINDME_", "SLACK_")) and name != "FINDME_SHARED":
            monkeypatch.delenv(name)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("FINDME_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The conninfo of an embedded PostgreSQL with a migrated template database."""
    # Not below pytest's own folder: another run closes that to the user PostgreSQL runs as.
    folder = Path(tempfile.mkdtemp(prefix="findme-tests-"))
    embedded = EmbeddedServer(folder / "data")
    conninfo = embedded.conninfo
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for name in QUICK:
            connection.execute(sql.SQL("alter system set {} = off").format(sql.Identifier(name)))
        connection.execute("select pg_reload_conf()")
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(TEMPLATE)))
    migrate(make_conninfo(conninfo, dbname=TEMPLATE))
    yield conninfo
    embedded.close()
    shutil.rmtree(folder)


@pytest.fixture
def empty_conninfo(server: str) -> Iterator[str]:
    """A new database with nothing in it."""
    yield from _new_database(server, "template1")


@pytest.fixture
def conninfo(server: str) -> Iterator[str]:
    """A new, migrated database."""
    yield from _new_database(server, TEMPLATE)


@pytest.fixture
def database(conninfo: str) -> Iterator[Database]:
    """A pool over a new, migrated database."""
    opened = Database(conninfo)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def models() -> Path:
    """The folder of the official weights; the test is skipped where it is missing."""
    return shared_folder() / "models"


@pytest.fixture(scope="session")
def engine(models: Path) -> FaceReader:
    """The default engine, on the official weights."""
    return load_engine(load(Settings, findme_engine="retail"), WeightStore(models))


@pytest.fixture
def runtime(conninfo: str, models: Path, engine: FaceReader) -> Iterator[Runtime]:
    """A runtime over a new database and the default engine."""
    settings = load(Settings, database_url=as_url(conninfo), findme_models_dir=models)
    made = Runtime(settings, reader=engine)
    yield made
    made.close()


def as_url(conninfo: str) -> str:
    """A conninfo of the embedded server as DATABASE_URL is written."""
    parts = psycopg.conninfo.conninfo_to_dict(conninfo)
    return f"postgresql://{parts['user']}@/{parts['dbname']}?host={parts['host']}"


def _new_database(server: str, template: str) -> Iterator[str]:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        yield make_conninfo(server, dbname=name)
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
