"""Face search finds exactly what comparing every face by hand finds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import psycopg
import pytest

from pipeline.domain.arrays import Embedding
from pipeline.domain.model import (
    ChannelId,
    EngineId,
    FaceId,
    FileId,
    NearFace,
    PhotoId,
    TeamId,
)
from pipeline.storage.connect import Database
from pipeline.storage.faces import Faces
from pipeline.storage.photos import Photos
from pipeline.storage.workspaces import Workspaces
from tests.strategies import found_photo, photo_faces, random_units, share

TEAMS = (TeamId("T1"), TeamId("T2"))
CHANNELS = tuple(ChannelId(f"C{i}") for i in range(3))
DIMENSIONS = {EngineId("small"): 8, EngineId("large"): 16}
# Half precision keeps 11 bits: a distance near 1 is right to about this.
ROUNDING = 2e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One face as it was put into the index."""

    team_id: TeamId
    engine_id: EngineId
    file_id: FileId
    channel_ids: frozenset[ChannelId]
    embedding: Embedding


def store(database: Database, faces: Sequence[Stored]) -> None:
    """One photo a file, with all its faces."""
    photos = Photos(database)
    for team_id in TEAMS:
        Workspaces(database).claim(team_id, EngineId("small"))
    with psycopg.connect(database.conninfo) as connection:
        for file_id in dict.fromkeys(face.file_id for face in faces):
            those = [face for face in faces if face.file_id == file_id]
            shares = [
                share(channel, day=day) for day, channel in enumerate(sorted(those[0].channel_ids))
            ]
            photos.add(those[0].team_id, [found_photo(file_id, shares=shares)])
            row = connection.execute(
                "select photo_id from photos where file_id = %(file_id)s", {"file_id": file_id}
            ).fetchone()
            assert row
            # Two engines' faces lie side by side only while an index changes from one to the other.
            connection.execute(
                "update workspaces set engine_id = %(engine_id)s where team_id = %(team_id)s",
                {"engine_id": those[0].engine_id, "team_id": those[0].team_id},
            )
            connection.commit()
            is_stored = photos.put_faces(
                those[0].team_id,
                PhotoId(row[0]),
                engine_id=those[0].engine_id,
                version="1",
                content_hash=file_id.encode(),
                faces=photo_faces(*(face.embedding for face in those)),
            )
            assert is_stored


def random_faces(photos: int, *, seed: int) -> list[Stored]:
    """Photos of two workspaces, three channels and two engines, with one to three faces each."""
    random = np.random.default_rng(seed)
    faces = []
    for number in range(photos):
        team_id = TEAMS[random.integers(2)]
        engine_id = list(DIMENSIONS)[random.integers(2)]
        channels = random.choice(CHANNELS, size=random.integers(1, 4), replace=False)
        faces += [
            Stored(
                team_id=team_id,
                engine_id=engine_id,
                file_id=FileId(f"F{number}"),
                channel_ids=frozenset(ChannelId(str(channel)) for channel in channels),
                embedding=embedding,
            )
            for embedding in random_units(
                int(random.integers(1, 4)), DIMENSIONS[engine_id], seed=seed * 1000 + number
            )
        ]
    return faces


def by_hand(
    faces: Sequence[Stored],
    team_id: TeamId,
    engine_id: EngineId,
    query: Embedding,
    channel_ids: Sequence[ChannelId],
) -> list[tuple[float, FileId]]:
    """Every face in scope with its distance to the query, nearest first."""
    return sorted(
        (1.0 - float(face.embedding @ query), face.file_id)
        for face in faces
        if face.team_id == team_id
        and face.engine_id == engine_id
        and face.channel_ids & set(channel_ids)
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_the_nearest_faces_are_those_found_by_hand(database: Database, seed: int) -> None:
    faces = random_faces(100, seed=seed)
    store(database, faces)
    searched = 0
    for team_id in TEAMS:
        for engine_id, dimension in DIMENSIONS.items():
            for channel_ids in ([CHANNELS[0]], CHANNELS[1:], CHANNELS, []):
                for max_distance in (0.5, 0.9, 2.0):
                    query = random_units(1, dimension, seed=searched)[0]
                    wanted = by_hand(faces, team_id, engine_id, query, channel_ids)

                    met = Faces(database).nearest(
                        team_id,
                        query,
                        engine_id=engine_id,
                        channel_ids=channel_ids,
                        max_distance=max_distance,
                    )

                    searched += 1
                    assert [face.distance for face in met] == pytest.approx(
                        [distance for distance, _ in wanted][: len(met)], abs=ROUNDING
                    )
                    must = {file_id for d, file_id in wanted if d < max_distance - ROUNDING}
                    may = {file_id for d, file_id in wanted if d < max_distance + ROUNDING}
                    assert must <= {face.file_id for face in met} <= may
                    least = sum(distance < max_distance - ROUNDING for distance, _ in wanted)
                    assert len(met) >= least
    assert searched == 48


@pytest.mark.parametrize("seed", [1, 2])
def test_faces_that_are_alike_are_counted_whoever_may_see_them(
    database: Database, seed: int
) -> None:
    faces = random_faces(100, seed=seed)
    store(database, faces)
    for number, (engine_id, dimension) in enumerate(DIMENSIONS.items()):
        query = random_units(1, dimension, seed=number)[0]
        wanted = [d for d, _ in by_hand(faces, TEAMS[0], engine_id, query, CHANNELS)]

        crowd = Faces(database).crowd(TEAMS[0], query, engine_id=engine_id, alike=(0.6, 0.9))

        least = sum(0.6 + ROUNDING < distance < 0.9 - ROUNDING for distance in wanted)
        most = sum(0.6 - ROUNDING < distance < 0.9 + ROUNDING for distance in wanted)
        assert 0 < least <= crowd.alike <= most
        assert crowd.faces == crowd.sampled == len(wanted)


def one_photo(database: Database, *, channels: Sequence[str] = ("C0",)) -> Embedding:
    """A photo with one face in these channels, posted to each a day after the one before."""
    embedding: Embedding = random_units(1, 8, seed=5)[0]
    store(
        database,
        [
            Stored(
                team_id=TEAMS[0],
                engine_id=EngineId("small"),
                file_id=FileId("F1"),
                channel_ids=frozenset(map(ChannelId, channels)),
                embedding=embedding,
            )
        ],
    )
    return embedding


def near(
    database: Database,
    query: Embedding,
    *,
    max_distance: float = 0.001,
    channels: Sequence[str] = ("C0",),
    always: Sequence[FaceId] = (),
    known: Sequence[NearFace] = (),
) -> Sequence[NearFace]:
    return Faces(database).nearest(
        TEAMS[0],
        query,
        engine_id=EngineId("small"),
        channel_ids=list(map(ChannelId, channels)),
        max_distance=max_distance,
        always=always,
        known=known,
    )


def test_a_face_is_at_no_distance_from_itself(database: Database) -> None:
    embedding = one_photo(database)

    (found,) = near(database, embedding)

    assert found.distance == pytest.approx(0, abs=1e-5)
    assert (found.file_id, found.content_hash) == ("F1", b"F1")
    assert (found.box.x_px, found.box.width_px) == (0.0, 60.0)


def test_a_face_that_is_found_brings_its_embedding_and_quality(database: Database) -> None:
    embedding = one_photo(database)

    (found,) = near(database, embedding)

    assert np.abs(found.embedding - embedding).max() < 1e-3  # half precision
    assert found.embedding.dtype == np.float32
    assert found.quality == 0.5


@pytest.mark.parametrize(
    ("visible", "shown"), [(["C0", "C1", "C2"], "C0"), (["C2", "C1"], "C1"), (["C2"], "C2")]
)
def test_the_earliest_share_that_can_be_opened_stands_for_the_photo(
    database: Database, visible: list[str], shown: str
) -> None:
    embedding = one_photo(database, channels=["C0", "C1", "C2"])

    (found,) = near(database, embedding, channels=visible)

    assert found.share.channel_id == shown


def test_a_face_that_was_asked_for_is_met_however_far_it_is(database: Database) -> None:
    embedding = one_photo(database)
    (found,) = near(database, embedding)

    (met,) = near(database, -embedding, always=[found.face_id])

    assert (met.face_id, round(met.distance, 3)) == (found.face_id, 2.0)


def test_a_face_that_was_asked_for_is_not_met_where_it_may_not_be_seen(
    database: Database,
) -> None:
    embedding = one_photo(database)
    (found,) = near(database, embedding)

    met = near(database, embedding, channels=["C1"], always=[found.face_id])

    assert met == []


def test_faces_are_counted_by_workspace_and_engine(database: Database) -> None:
    faces = random_faces(40, seed=3)
    store(database, faces)

    for team_id in TEAMS:
        for engine_id in DIMENSIONS:
            those = [
                face for face in faces if (face.team_id, face.engine_id) == (team_id, engine_id)
            ]
            assert Faces(database).count(team_id, engine_id=engine_id) == len(those) > 0


def test_what_is_known_is_not_read_again_but_measured_from_the_new_query(
    database: Database,
) -> None:
    store(database, random_faces(100, seed=2))
    first, second = random_units(2, 8, seed=4)
    known, without = (
        near(database, query, max_distance=0.8, channels=CHANNELS) for query in (first, second)
    )
    with database.transaction() as connection:
        connection.execute("update photos set name = 'new.jpg'")

    met = near(database, second, max_distance=0.8, channels=CHANNELS, known=known)

    assert [face.face_id for face in met] == [face.face_id for face in without]
    distances = [face.distance for face in met]
    assert distances == sorted(distances)
    assert distances == pytest.approx([face.distance for face in without], abs=ROUNDING)
    both = {face.face_id for face in known} & {face.face_id for face in without}
    assert 0 < len(both) < len(without)
    assert {face.face_id for face in met if face.photo_name != "new.jpg"} == both


def test_what_is_known_from_other_channels_is_not_shown_in_these(database: Database) -> None:
    store(database, random_faces(100, seed=2))
    query = random_units(1, 8, seed=4)[0]
    known = near(database, query, max_distance=0.8, channels=CHANNELS)

    met = near(database, query, max_distance=0.8, channels=CHANNELS[:1], known=known)

    assert {face.share.channel_id for face in met} == {CHANNELS[0]}
    assert {face.face_id for face in met} == {
        face.face_id for face in near(database, query, max_distance=0.8, channels=CHANNELS[:1])
    }
