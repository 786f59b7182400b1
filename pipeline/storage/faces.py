"""Nearest faces."""

from collections.abc import Sequence
from typing import Any

from pgvector import HalfVector

from pipeline.domain.arrays import Embedding
from pipeline.domain.model import (
    Box,
    ChannelId,
    EngineId,
    FaceId,
    FileId,
    NearFace,
    PhotoId,
    Share,
    TeamId,
    UserId,
)
from pipeline.storage.connect import Database

# The distance is computed in the materialized part, after the engine is fixed: embeddings of two
# engines have different dimensions, and comparing them is an error. The earliest share that the
# asker can open stands for the photo.
NEAREST = """
with near as materialized (
    select f.photo_id, f.face_id, f.box, f.quality,
        f.embedding <=> %(reference)s as distance
    from faces f
    where f.team_id = %(team_id)s and f.engine_id = %(engine_id)s
    and exists (
        select from shares s
        where s.team_id = %(team_id)s and s.photo_id = f.photo_id
        and s.channel_id = any(%(channel_ids)s)
    )
)
select near.*, p.file_id, p.name, p.media_type, p.content_hash, p.posted_by, p.posted_at,
    s.channel_id, s.ts, s.permalink, s.shared_by, s.shared_at
from near
join photos p on p.team_id = %(team_id)s and p.photo_id = near.photo_id
cross join lateral (
    select * from shares s
    where s.team_id = %(team_id)s and s.photo_id = near.photo_id
    and s.channel_id = any(%(channel_ids)s)
    order by s.shared_at, s.ts limit 1
) s
where near.distance <= %(max_distance)s
order by near.distance, near.face_id
"""


COUNT = """
select count(*) as faces from faces
where team_id = %(team_id)s and engine_id = %(engine_id)s
"""


class Faces:
    """Implements ports.FaceSearch by an exact scan."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, team_id: TeamId, *, engine_id: EngineId) -> int:
        """How many faces the workspace's index holds."""
        values = {"team_id": team_id, "engine_id": engine_id}
        with self._database.transaction() as connection:
            row = connection.execute(COUNT, values).fetchone()
        return int(row["faces"]) if row else 0

    def nearest(
        self,
        team_id: TeamId,
        references: Sequence[Embedding],
        *,
        engine_id: EngineId,
        channel_ids: Sequence[ChannelId],
        max_distance: float,
    ) -> list[NearFace]:
        """All faces within `max_distance` of any reference, in these channels, nearest first."""
        closest: dict[FaceId, NearFace] = {}
        with self._database.transaction() as connection:
            for reference in references:
                rows = connection.execute(
                    NEAREST,
                    {
                        "team_id": team_id,
                        "engine_id": engine_id,
                        "reference": HalfVector(reference),
                        "channel_ids": list(channel_ids),
                        "max_distance": max_distance,
                    },
                )
                for face in map(_near_face, rows):
                    known = closest.get(face.face_id)
                    if known is None or face.distance < known.distance:
                        closest[face.face_id] = face
        return sorted(closest.values(), key=lambda face: (face.distance, face.face_id))


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
        share=Share(
            channel_id=ChannelId(row["channel_id"]),
            ts=row["ts"],
            permalink=row["permalink"],
            shared_by=_user(row["shared_by"]),
            shared_at=row["shared_at"],
        ),
        face_id=FaceId(row["face_id"]),
        box=Box(x_px=x, y_px=y, width_px=width, height_px=height),
        quality=row["quality"],
        distance=row["distance"],
    )


def _user(value: str | None) -> UserId | None:
    return UserId(value) if value else None
