"""A reference is kept for exactly the profile picture that it was made from."""

import numpy as np
import psycopg
import pytest

from pipeline.domain.model import EngineId, Reference, TeamId, UserId
from pipeline.storage.connect import Database
from pipeline.storage.engine_changes import EngineChangeStore
from pipeline.storage.people import People
from pipeline.storage.workspaces import Workspaces
from tests.strategies import random_units

TEAM, ANN, BEN = TeamId("T1"), UserId("U1"), UserId("U2")
RETAIL, DLIB = EngineId("retail"), EngineId("dlib")
REFERENCE = Reference(embedding=random_units(1, 256, seed=1)[0], quality=0.75, faces_in_picture=2)


@pytest.fixture
def people(database: Database) -> People:
    Workspaces(database).claim(TEAM, RETAIL)
    return People(database)


def put(
    people: People, picture: str = "p1", *, user: UserId = ANN, engine_id: EngineId = RETAIL
) -> None:
    people.put_profile(TEAM, user, engine_id=engine_id, picture_hash=picture, reference=REFERENCE)


def known(
    people: People, picture: str = "p1", *, user: UserId = ANN, engine_id: EngineId = RETAIL
) -> bool:
    found = people.profile(TEAM, user, engine_id=engine_id, picture_hash=picture)
    return found is not None


def test_a_reference_comes_back_as_it_was_put(people: People) -> None:
    put(people)

    found = people.profile(TEAM, ANN, engine_id=RETAIL, picture_hash="p1")

    assert found is not None
    assert np.abs(found.embedding - REFERENCE.embedding).max() < 1e-3  # half precision
    assert found.embedding.dtype == np.float32
    assert (found.quality, found.faces_in_picture) == (0.75, 2)


def test_another_picture_misses(people: People) -> None:
    put(people, "p1")

    assert not known(people, "p2")


def test_another_person_misses(people: People) -> None:
    put(people, user=ANN)

    assert not known(people, user=BEN)


def test_another_engine_misses(people: People) -> None:
    put(people, engine_id=RETAIL)

    assert not known(people, engine_id=DLIB)


def test_another_workspace_misses(people: People) -> None:
    put(people)

    assert people.profile(TeamId("T2"), ANN, engine_id=RETAIL, picture_hash="p1") is None


def test_a_new_picture_drives_the_older_ones_out(people: People) -> None:
    put(people, "p1")
    put(people, "p2")

    assert [known(people, "p1"), known(people, "p2")] == [False, True]


def test_a_new_picture_leaves_other_people_alone(people: People) -> None:
    put(people, "p1", user=BEN)
    put(people, "p2", user=ANN)

    assert known(people, "p1", user=BEN)


def test_putting_the_same_picture_twice_keeps_one(people: People) -> None:
    put(people)
    put(people)

    with psycopg.connect(people._database.conninfo) as connection:
        count = connection.execute("select count(*) from person_references").fetchone()
    assert count == (1,)


def test_a_change_of_engine_drives_the_references_of_the_first_out(
    people: People, database: Database
) -> None:
    put(people, engine_id=RETAIL)

    changes = EngineChangeStore(database)
    changes.begin(TEAM, DLIB)
    assert changes.switch(TEAM, DLIB)

    assert not known(people, engine_id=RETAIL)


def put_selfie(people: People, origin: str, *, engine_id: EngineId = RETAIL) -> None:
    people.put_selfie(TEAM, ANN, engine_id=engine_id, picture_hash=origin, reference=REFERENCE)


def test_a_selfie_is_dropped_by_its_origin_and_no_other(people: People) -> None:
    put_selfie(people, "s1")
    put_selfie(people, "s2")

    assert people.drop_selfie(TEAM, ANN, "s1")

    assert [one.origin for one in people.about(TEAM, ANN, engine_id=RETAIL).references] == ["s2"]


def test_a_selfie_is_dropped_whatever_engine_read_it(people: People) -> None:
    put_selfie(people, "s1", engine_id=RETAIL)
    put_selfie(people, "s1", engine_id=DLIB)

    assert people.drop_selfie(TEAM, ANN, "s1")

    assert [people.selfies(TEAM, ANN, engine_id=one) for one in (RETAIL, DLIB)] == [[], []]


def test_dropping_a_selfie_that_is_not_there_says_so(people: People) -> None:
    put_selfie(people, "s1")
    put(people, "p1")

    assert not people.drop_selfie(TEAM, ANN, "s2")
    assert not people.drop_selfie(TEAM, BEN, "s1")
    assert not people.drop_selfie(TeamId("T2"), ANN, "s1")
    assert not people.drop_selfie(TEAM, ANN, "p1")  # no selfie
    assert known(people, "p1")
