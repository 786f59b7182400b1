"""The sample of a crowd: read once in a while, and true to its workspace."""

from collections.abc import Callable

import pytest

from pipeline.domain.model import Crowd, EngineId
from pipeline.storage.connect import Database
from pipeline.storage.crowds import Crowds
from tests.integration.test_faces import (
    CHANNELS,
    DIMENSIONS,
    TEAMS,
    by_hand,
    random_faces,
    store,
)
from tests.strategies import random_units
from tests.waiting import wait_until

SMALL = EngineId("small")


class Timers:
    """What is to be called later, and after how long."""

    def __init__(self) -> None:
        self.waiting: list[tuple[float, Callable[[], None]]] = []

    def __call__(self, wait_s: float, function: Callable[[], None]) -> None:
        """Note it."""
        self.waiting.append((wait_s, function))


@pytest.fixture
def timers() -> Timers:
    return Timers()


@pytest.fixture
def crowds(database: Database, timers: Timers) -> Crowds:
    return Crowds(database, later=timers)


def as_if_there_were(faces: int, patch: pytest.MonkeyPatch) -> None:
    patch.setattr("pipeline.storage.crowds.estimated", lambda *_: faces)


def counted(crowds: Crowds, *, seed: int = 0) -> Crowd:
    query = random_units(1, DIMENSIONS[SMALL], seed=seed)[0]
    return crowds.of(TEAMS[0], query, engine_id=SMALL, alike=(0.6, 0.9))


def forget(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute("delete from faces")


def test_an_empty_workspace_has_no_crowd(crowds: Crowds) -> None:
    assert counted(crowds) == Crowd(faces=0, sampled=0, alike=0)


@pytest.mark.parametrize(("faces", "kept_s"), [(4_000, 2.0), (10_000_000, 60.0)])
def test_a_sample_serves_for_half_a_millisecond_a_face_and_a_minute_at_most(
    crowds: Crowds,
    timers: Timers,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    faces: int,
    kept_s: float,
) -> None:
    store(database, random_faces(100, seed=1))
    as_if_there_were(faces, monkeypatch)
    before = counted(crowds)
    forget(database)

    assert counted(crowds) == before
    ((wait_s, let_go),) = timers.waiting
    assert wait_s == pytest.approx(kept_s)
    let_go()
    assert counted(crowds).sampled == 0 < before.sampled


def test_a_small_crowd_is_read_each_time(
    crowds: Crowds, timers: Timers, database: Database
) -> None:
    store(database, random_faces(100, seed=1))
    assert counted(crowds).faces > 0
    forget(database)

    assert counted(crowds).faces == 0
    assert timers.waiting == []


def test_a_sample_that_could_not_be_let_go_of_is_not_kept(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(wait_s: float, function: Callable[[], None]) -> None:
        del wait_s, function
        raise RuntimeError("can't start new thread")

    crowds = Crowds(database, later=no_thread)
    store(database, random_faces(100, seed=1))
    as_if_there_were(10_000, monkeypatch)
    assert counted(crowds).sampled > 0
    forget(database)

    assert counted(crowds).sampled == 0


def test_a_sample_goes_by_itself(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.storage.crowds.MOST_KEPT_S", 0.5)
    crowds = Crowds(database)
    store(database, random_faces(100, seed=1))
    as_if_there_were(10_000, monkeypatch)
    assert counted(crowds).sampled > 0
    forget(database)

    wait_until(lambda: counted(crowds).sampled == 0)


def test_each_workspace_and_engine_has_a_sample_of_its_own(
    crowds: Crowds, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces = random_faces(100, seed=1)
    monkeypatch.setattr("pipeline.storage.crowds.LEAST_KEPT_S", 0.0)
    store(database, faces)
    for _ in range(2):
        for team_id in TEAMS:
            for engine_id, dimension in DIMENSIONS.items():
                query = random_units(1, dimension, seed=3)[0]
                wanted = by_hand(faces, team_id, engine_id, query, CHANNELS)

                crowd = crowds.of(team_id, query, engine_id=engine_id, alike=(-1.0, 3.0))

                assert crowd.faces == crowd.sampled == crowd.alike == len(wanted)
