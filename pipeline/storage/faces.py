"""Nearest faces."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, LiteralString

import numpy as np
from numpy.typing import NDArray
from pgvector import HalfVector

from pipeline.domain.arrays import Embedding, distances
from pipeline.domain.model import (
    Box,
    ChannelId,
    EngineId,
    Face,
    FaceId,
    FileId,
    NearFace,
    PhotoFaces,
    PhotoId,
    Share,
    TeamId,
    UserId,
)
from pipeline.domain.references import POOR_QUALITY
from pipeline.storage import face_index
from pipeline.storage.connect import Connection, Database
from pipeline.storage.crowds import Crowds

# Every face is compared, and whether it may be seen is asked of those that are near. `case` keeps
# the order: embeddings of two engines have different dimensions, and comparing them is an error.
WITHIN = """
select f.face_id from faces f
where f.team_id = %(team_id)s and f.engine_id = %(engine_id)s
and case when f.engine_id = %(engine_id)s then f.embedding <=> %(query)s end <= %(max_distance)s
and exists (
    select from shares s
    where s.team_id = %(team_id)s and s.photo_id = f.photo_id
    and s.channel_id = any(%(channel_ids)s)
)
"""
# The same from the other side, for few photos in a large index. Here `materialized` keeps the
# order.
WITHIN_FEW = """
with visible as materialized (
    select distinct photo_id from shares
    where team_id = %(team_id)s and channel_id = any(%(channel_ids)s)
), scanned as materialized (
    select f.face_id, f.embedding <=> %(query)s as distance
    from visible v join faces f on f.team_id = %(team_id)s and f.photo_id = v.photo_id
    where f.engine_id = %(engine_id)s
)
select face_id from scanned where distance <= %(max_distance)s
"""
# The earliest share that the asker can open stands for the photo; without one, nothing is told.
# Embeddings come as bytes: in text, one takes ten times as long to be read.
MET = """
select f.photo_id, f.face_id, f.embedding <=> %(query)s as distance, f.box, f.quality,
    halfvec_send(f.embedding) as embedding,
    p.file_id, p.name, p.media_type, p.content_hash, p.posted_by, p.posted_at,
    s.channel_id, s.ts, s.permalink, s.shared_by, s.shared_at
from faces f
join photos p on p.team_id = %(team_id)s and p.photo_id = f.photo_id
join lateral (
    select * from shares s
    where s.team_id = %(team_id)s and s.photo_id = f.photo_id
    and s.channel_id = any(%(channel_ids)s)
    order by s.shared_at, s.ts limit 1
) s on true
where f.team_id = %(team_id)s and f.engine_id = %(engine_id)s and f.face_id = any(%(face_ids)s)
"""

SHARES_UP_TO = """
select count(*) as shares from (
    select from shares where team_id = %(team_id)s and channel_id = any(%(channel_ids)s)
    limit %(limit)s
) few
"""
# As many photos as are compared face by face in some milliseconds.
FEW_PHOTOS = 2_000

COUNT = """
select count(*) as faces from faces
where team_id = %(team_id)s and engine_id = %(engine_id)s
"""

# The newest photos, the best faces of each: a crowd of fifty in one photo says no more than five,
# and what was posted twice says it once.
TOGETHER = """
with recent as materialized (
    select p.photo_id from photos p
    where p.team_id = %(team_id)s and p.state = 'indexed' and not exists (
        select from photos earlier where earlier.team_id = p.team_id
        and earlier.content_hash = p.content_hash and earlier.photo_id < p.photo_id
    )
    order by p.posted_at desc, p.photo_id desc limit %(photos)s
), best as materialized (
    select f.photo_id, f.embedding,
        row_number() over (partition by f.photo_id order by f.quality desc, f.face_id) as place
    from recent join faces f on f.team_id = %(team_id)s and f.photo_id = recent.photo_id
    where f.engine_id = %(engine_id)s and f.quality >= %(least_quality)s
)
select (1 - (one.embedding <=> other.embedding))::real as similarity
from best one
join best other on other.photo_id = one.photo_id and other.place > one.place
where one.place <= %(faces)s and other.place <= %(faces)s
"""
PHOTOS_TOGETHER = 5_000
FACES_TOGETHER = 5


ADD_FACE = """
insert into faces
    (team_id, photo_id, engine_id, box, landmarks, score, quality, embedding)
values (%(team_id)s, %(photo_id)s, %(engine_id)s, %(box)s, %(landmarks)s, %(score)s,
    %(quality)s, %(embedding)s)
"""
# Whoever turns Findme off waits for who stores faces just now, or has stored the template before.
# The distance is computed where the engine is fixed: dimensions differ between engines.
DROP_OPTED_OUT = """
with close as materialized (
    select f.face_id, f.embedding <=> o.embedding as distance, o.max_distance
    from faces f
    join opt_outs o on o.team_id = f.team_id and o.engine_id = f.engine_id
    where f.team_id = %(team_id)s and f.photo_id = %(photo_id)s and f.engine_id = %(engine_id)s
)
delete from faces where team_id = %(team_id)s
and face_id in (select face_id from close where distance <= max_distance)
"""


class Faces:
    """Implements ports.FaceSearch and ports.ImpostorPairs.

    A small index, or the few photos of a small channel, are searched by comparing every face; a
    large index by `storage.face_index`, where there is one.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.crowd = Crowds(database).of

    def count(self, team_id: TeamId, *, engine_id: EngineId) -> int:
        """How many faces the workspace's index holds, counted one by one."""
        values = {"team_id": team_id, "engine_id": engine_id}
        with self._database.transaction() as connection:
            row = connection.execute(COUNT, values).fetchone()
        return int(row["faces"]) if row else 0

    def nearest(
        self,
        team_id: TeamId,
        query: Embedding,
        *,
        engine_id: EngineId,
        channel_ids: Sequence[ChannelId],
        max_distance: float,
        always: Sequence[FaceId] = (),
        known: Sequence[NearFace] = (),
    ) -> Sequence[NearFace]:
        """All faces within `max_distance` of the query in these channels, nearest first."""
        values = {
            "team_id": team_id,
            "engine_id": engine_id,
            "query": HalfVector(query),
            "channel_ids": list(channel_ids),
            "max_distance": max_distance,
        }
        with self._database.transaction() as connection:
            near = {*_near(connection, values, dimension=len(query)), *always}
            again = [
                face
                for face in known
                if face.face_id in near and face.share.channel_id in channel_ids
            ]
            unread = list(near.difference(face.face_id for face in again))
            rows = connection.execute(MET, values | {"face_ids": unread}).fetchall()
        met = [*map(_near_face, rows), *_as_near_to(query, again)]
        return sorted(met, key=lambda face: (face.distance, face.face_id))

    def together(self, team_id: TeamId, *, engine_id: EngineId) -> NDArray[np.float32]:
        """Cosine similarities (N,) of faces that share a photo; poor faces and reposts left out."""
        values = {
            "team_id": team_id,
            "engine_id": engine_id,
            "least_quality": POOR_QUALITY,
            "photos": PHOTOS_TOGETHER,
            "faces": FACES_TOGETHER,
        }
        with self._database.transaction() as connection:
            rows = connection.execute(TOGETHER, values).fetchall()
        return np.array([row["similarity"] for row in rows], np.float32)


def _near(connection: Connection, values: dict[str, Any], *, dimension: int) -> list[int]:
    """Ids of the faces within the distance; an index may meet some that can't be seen, too."""
    index = face_index.of(connection, values["team_id"], values["engine_id"])
    if index is None:
        statement: LiteralString = WITHIN
    else:
        few = connection.execute(SHARES_UP_TO, values | {"limit": FEW_PHOTOS + 1}).fetchone()
        if few is None or few["shares"] > FEW_PHOTOS:
            met = index.within(connection, values, dimension=dimension)
            if met is not None:
                return met
            statement = WITHIN
        else:
            statement = WITHIN_FEW
    # A prepared plan is one for any channels: it takes twice the time of one for these.
    rows = connection.execute(statement, values, prepare=False).fetchall()
    return [row["face_id"] for row in rows]


def _as_near_to(query: Embedding, faces: Sequence[NearFace]) -> Iterator[NearFace]:
    """The same faces, measured from another query."""
    if faces:
        rows = np.stack([face.embedding for face in faces])
        for face, distance in zip(faces, distances(rows, query), strict=True):
            yield replace(face, distance=float(distance))


def _near_face(row: dict[str, Any]) -> NearFace:
    x, y, width, height = row["box"]
    return NearFace(
        photo_id=PhotoId(row["photo_id"]),
        file_id=FileId(row["file_id"]),
        photo_name=row["name"],
        media_type=row["media_type"],
        content_hash=row["content_hash"],
        posted_by=_user(row["posted_by"]),
        posted_at=row["posted_at"],
        share=share_of(row),
        face_id=FaceId(row["face_id"]),
        box=Box(x_px=x, y_px=y, width_px=width, height_px=height),
        quality=row["quality"],
        embedding=HalfVector.from_binary(row["embedding"]).to_numpy().astype(np.float32),
        distance=row["distance"],
    )


def share_of(row: dict[str, Any]) -> Share:
    """A row of `shares`."""
    return Share(
        channel_id=ChannelId(row["channel_id"]),
        ts=row["ts"],
        permalink=row["permalink"],
        shared_by=_user(row["shared_by"]),
        shared_at=row["shared_at"],
    )


def _user(value: str | None) -> UserId | None:
    return UserId(value) if value else None


def add_faces(
    connection: Connection,
    team_id: TeamId,
    photo_id: PhotoId,
    engine_id: EngineId,
    faces: PhotoFaces,
) -> None:
    """Store the faces of a photo, but those of people who are out.

    The photo's row is locked, and the workspace's shared.
    """
    if not faces.faces:
        return
    photo = {"team_id": team_id, "photo_id": photo_id, "engine_id": engine_id}
    connection.cursor().executemany(ADD_FACE, [photo | _face_values(face) for face in faces.faces])
    connection.execute(DROP_OPTED_OUT, photo)


def _face_values(face: Face) -> dict[str, Any]:
    box = face.detection.box
    return {
        "box": [box.x_px, box.y_px, box.width_px, box.height_px],
        "landmarks": face.detection.landmarks.reshape(-1).tolist(),
        "score": face.detection.score,
        "quality": face.quality,
        "embedding": HalfVector(face.embedding),
    }
