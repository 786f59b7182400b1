"""A large workspace is searched by an index: which way is taken, what it finds, how it is kept."""

import threading
import time
from typing import Any

import numpy as np
import psycopg
import pytest
from pgvector import HalfVector
from psycopg import sql
from structlog.testing import capture_logs

from pipeline.domain.arrays import Embedding
from pipeline.domain.model import ChannelId, EngineId, FaceId, NearFace, TeamId
from pipeline.storage import crowds, face_index, faces
from pipeline.storage.connect import Database
from pipeline.storage.face_index import FaceIndexes, name_of
from pipeline.storage.faces import Faces
from pipeline.storage.sampling import SAMPLE
from pipeline.storage.workspaces import Workspaces
from tests.benchmarks.crowd import SMALL, TEAM, CrowdedWorkspace, channels
from tests.benchmarks.population import Population
from tests.integration.conftest import OwnServer

pytestmark = pytest.mark.slow

ENGINE = EngineId("drawn")
DIMENSION = 32
FACES = 6_000
NEAR = 0.35


def population(dimension: int = DIMENSION) -> Population:
    """People in every direction, each photo a little off."""
    identity = np.eye(dimension, dtype=np.float32)
    return Population(
        mean=np.zeros(dimension, np.float32), between=identity, within=0.35 * identity
    )


@pytest.fixture(autouse=True)
def _small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with fifty times as many: what is large, and what few photos are."""
    monkeypatch.setattr(face_index, "BUILD_FROM", int(0.9 * FACES))
    monkeypatch.setattr(face_index, "DROP_BELOW", FACES // 2)
    monkeypatch.setattr(faces, "FEW_PHOTOS", 40)


@pytest.fixture
def indexes(conninfo: str) -> FaceIndexes:
    return FaceIndexes(conninfo, memory_bytes=64 * 2**20)


@pytest.fixture
def crowd(conninfo: str, database: Database) -> CrowdedWorkspace:
    """FACES faces in 200 channels."""
    Workspaces(database).claim(TEAM, ENGINE)
    crowd = CrowdedWorkspace(
        conninfo=conninfo,
        engine_id=ENGINE,
        population=population(),
        random=np.random.default_rng(4),
    )
    crowd.grow_to(FACES)
    return crowd


@pytest.fixture
def indexed(crowd: CrowdedWorkspace, indexes: FaceIndexes) -> CrowdedWorkspace:
    assert tend(indexes)
    return crowd


def tend(indexes: FaceIndexes) -> bool:
    return indexes.tend(TEAM, engine_id=ENGINE)


def forget_all_but(database: Database, count: int) -> None:
    with database.transaction() as connection:
        connection.execute(
            "delete from faces where team_id = %(team_id)s and face_id > %(count)s",
            {"team_id": TEAM, "count": count},
        )


def near(
    database: Database,
    query: Embedding,
    channel_ids: list[ChannelId],
    *,
    max_distance: float = NEAR,
) -> list[NearFace]:
    return list(
        Faces(database).nearest(
            TEAM, query, engine_id=ENGINE, channel_ids=channel_ids, max_distance=max_distance
        )
    )


def one_by_one(
    database: Database,
    query: Embedding,
    channel_ids: list[ChannelId],
    *,
    max_distance: float = NEAR,
) -> set[int]:
    """What comparing every face finds."""
    with database.transaction() as connection:
        rows = connection.execute(
            faces.WITHIN, values(query, channel_ids, max_distance=max_distance)
        )
        return {row["face_id"] for row in rows}


def values(
    query: Embedding, channel_ids: list[ChannelId], *, max_distance: float = NEAR
) -> dict[str, object]:
    return {
        "team_id": TEAM,
        "engine_id": ENGINE,
        "query": HalfVector(query),
        "channel_ids": channel_ids,
        "max_distance": max_distance,
        "limit": SAMPLE,
    }


def index_names(conninfo: str) -> list[str]:
    with psycopg.connect(conninfo) as connection:
        return [row[0] for row in connection.execute(face_index.OURS)]


def test_by_the_index_nearly_all_are_found_that_comparing_every_face_finds(
    indexed: CrowdedWorkspace, database: Database
) -> None:
    met = wanted = 0
    for query in indexed.queries(40):
        exact = one_by_one(database, query, channels())
        met += len(exact & {face.face_id for face in near(database, query, channels())})
        wanted += len(exact)

    assert wanted > 200
    assert met / wanted >= 0.99


def test_somebody_who_is_everywhere_is_found_in_every_photo(
    indexed: CrowdedWorkspace, database: Database
) -> None:
    """More faces than the index gives at once: it goes on."""
    (query,) = indexed.queries(1)
    everywhere = one_by_one(database, query, channels(), max_distance=0.8)
    assert len(everywhere) > 2 * face_index.EF_SEARCH

    found = near(database, query, channels(), max_distance=0.8)

    assert len({face.face_id for face in found} & everywhere) >= 0.99 * len(everywhere)
    assert [face.distance for face in found] == sorted(face.distance for face in found)


def test_where_the_index_stops_early_every_face_is_compared(
    indexed: CrowdedWorkspace, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(face_index, "MOST_ROWS", 300)
    (query,) = indexed.queries(1)

    found = near(database, query, channels(), max_distance=1.1)

    exact = one_by_one(database, query, channels(), max_distance=1.1)
    assert {face.face_id for face in found} == exact
    assert len(exact) > 3_000


def test_the_few_photos_of_a_small_channel_are_all_found(
    indexed: CrowdedWorkspace, database: Database
) -> None:
    for query in indexed.queries(10):
        for max_distance in (NEAR, 0.9):
            found = near(database, query, [SMALL], max_distance=max_distance)

            exact = one_by_one(database, query, [SMALL], max_distance=max_distance)
            assert {face.face_id for face in found} == exact
    assert exact


def test_nobody_sees_by_the_index_what_they_can_not_open(
    indexed: CrowdedWorkspace, database: Database
) -> None:
    half = channels()[::2]
    for query in indexed.queries(10):
        found = near(database, query, half, max_distance=0.7)

        assert {face.share.channel_id for face in found} <= set(half)
        exact = one_by_one(database, query, half, max_distance=0.7)
        assert len({face.face_id for face in found} & exact) >= 0.97 * len(exact)


def plan(database: Database, statement: sql.SQL | sql.Composed, values: dict[str, object]) -> str:
    with database.transaction() as connection:
        how = {"ef_search": "200"}
        if "halfvec" in statement.as_string():
            connection.execute(face_index.HOW, how)
        explained = sql.SQL("explain (costs off) {}").format(statement)
        return "\n".join(row["QUERY PLAN"] for row in connection.execute(explained, values))


def test_the_index_serves_the_search_of_a_large_workspace(
    indexed: CrowdedWorkspace, database: Database
) -> None:
    statement = sql.SQL(face_index.BY_DISTANCE).format(dimension=sql.Literal(DIMENSION))
    (query,) = indexed.queries(1)

    shown = plan(database, statement, values(query, channels()))

    assert f"Index Scan using {name_of(TEAM, ENGINE)}" in shown
    assert "Sort" not in shown


def test_the_photos_of_a_small_channel_are_looked_up_and_nothing_else_is_read(
    indexed: CrowdedWorkspace, database: Database
) -> None:
    (query,) = indexed.queries(1)

    shown = plan(database, sql.SQL(faces.WITHIN_FEW), values(query, [SMALL]))

    assert "faces_of_photo" in shown
    assert "Seq Scan on faces" not in shown


def test_a_sample_of_the_crowd_is_read_in_the_order_of_hashes(
    indexed: CrowdedWorkspace, database: Database
) -> None:
    (query,) = indexed.queries(1)

    shown = plan(database, sql.SQL(crowds.CROWD), values(query, channels()) | {"limit": 200})

    assert "using faces_at_random" in shown
    assert "Sort" not in shown


def test_a_small_workspace_is_searched_face_by_face(
    crowd: CrowdedWorkspace, database: Database, indexes: FaceIndexes
) -> None:
    forget_all_but(database, int(0.8 * FACES))
    assert not tend(indexes)

    (query,) = crowd.queries(1)
    found = near(database, query, channels(), max_distance=0.8)

    exact = one_by_one(database, query, channels(), max_distance=0.8)
    assert {face.face_id for face in found} == exact


def test_a_crowd_is_counted_to_some_percent_and_its_lookalikes_are_a_sample(
    crowd: CrowdedWorkspace, database: Database
) -> None:
    (query,) = crowd.queries(1)

    met = Faces(database).crowd(TEAM, query, engine_id=ENGINE, alike=(0.6, 0.9))

    assert met.faces == pytest.approx(FACES, rel=0.08)
    assert met.sampled == SAMPLE
    with database.transaction() as connection:
        row = connection.execute(
            "select count(*) as alike from faces where team_id = %(team_id)s"
            " and embedding <=> %(query)s > 0.6 and embedding <=> %(query)s <= 0.9",
            {"team_id": TEAM, "query": HalfVector(query)},
        ).fetchone()
    assert row is not None
    assert met.alike / met.sampled == pytest.approx(row["alike"] / FACES, rel=0.2)


def test_an_index_is_made_once_and_dropped_when_the_workspace_has_shrunk(
    crowd: CrowdedWorkspace, database: Database, indexes: FaceIndexes, conninfo: str
) -> None:
    del crowd

    assert tend(indexes)
    assert index_names(conninfo) == [name_of(TEAM, ENGINE)]
    forget_all_but(database, int(0.7 * FACES))
    assert tend(indexes), "what is there stays while it is about as large"
    forget_all_but(database, int(0.4 * FACES))
    assert not tend(indexes)
    assert index_names(conninfo) == []


def test_the_index_of_an_engine_that_was_changed_from_goes(
    indexed: CrowdedWorkspace, indexes: FaceIndexes, conninfo: str
) -> None:
    del indexed

    assert not indexes.tend(TEAM, engine_id=EngineId("another"))

    assert index_names(conninfo) == []


def test_new_faces_are_found_by_an_index_that_was_made_before(
    indexed: CrowdedWorkspace, database: Database
) -> None:
    indexed.grow_to(FACES + 500)
    centre = indexed.seekers[-1][:1]
    query = indexed.population.photos_of(centre, indexed.random)[0]

    found = near(database, query, channels())

    assert any(face.face_id > FACES for face in found)


def test_two_who_tend_at_once_build_one_index(crowd: CrowdedWorkspace, conninfo: str) -> None:
    del crowd
    both = [FaceIndexes(conninfo, memory_bytes=64 * 2**20) for _ in range(2)]
    threads = [threading.Thread(target=tend, args=(one,)) for one in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert index_names(conninfo) == [name_of(TEAM, ENGINE)]


def test_a_build_that_is_broken_off_leaves_nothing_that_serves_and_is_begun_anew(
    crowd: CrowdedWorkspace, database: Database, indexes: FaceIndexes, conninfo: str
) -> None:
    (query,) = crowd.queries(1)
    building = threading.Thread(target=tend, args=(indexes,))
    with psycopg.connect(conninfo) as other:
        other.execute("lock table faces in row exclusive mode")
        building.start()
        deadline = time.monotonic() + 20
        while not index_names(conninfo):
            assert time.monotonic() < deadline, "the build did not begin"
            time.sleep(0.02)
        indexes.stop()
        building.join()

        assert near(database, query, channels(), max_distance=0.8)
        with database.transaction() as connection:
            assert face_index.of(connection, TEAM, ENGINE) is None

    assert tend(FaceIndexes(conninfo, memory_bytes=64 * 2**20))


def test_nothing_is_built_once_it_was_stopped_between_two_statements(
    crowd: CrowdedWorkspace,
    indexes: FaceIndexes,
    conninfo: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    del crowd
    set_memory = indexes._set_memory

    def stopped_after(*values: Any) -> None:
        set_memory(*values)
        indexes.stop()

    monkeypatch.setattr(indexes, "_set_memory", stopped_after)

    assert not tend(indexes)

    assert index_names(conninfo) == []


def test_what_can_not_be_broken_off_since_the_server_is_away_is_logged(
    own_server: OwnServer,
) -> None:
    indexes = FaceIndexes(own_server.conninfo, memory_bytes=64 * 2**20)
    with capture_logs() as logged, indexes._alone() as connection:
        assert connection is not None
        own_server.stop()
        try:
            indexes.stop()
        finally:
            own_server.start()

    assert [one["event"] for one in logged] == ["face_index.not_broken_off"]


def test_another_workspace_has_no_part_in_it(indexed: CrowdedWorkspace, database: Database) -> None:
    (query,) = indexed.queries(1)
    with database.transaction() as connection:
        assert face_index.of(connection, TeamId("T2"), ENGINE) is None
    found = Faces(database).nearest(
        TeamId("T2"),
        query,
        engine_id=ENGINE,
        channel_ids=channels(),
        max_distance=0.9,
        always=[FaceId(1)],
    )

    assert found == []
