"""A workspace of up to millions of drawn faces, written straight into its tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from pgvector import HalfVector
from pgvector.psycopg import register_vector

from pipeline.domain.arrays import Embedding
from pipeline.domain.model import ChannelId, EngineId, TeamId
from tests.benchmarks.population import Drawn, Population, Vectors, draw

TEAM = TeamId("T1")
CHANNELS = 200
SMALL = ChannelId("C199")
SMALL_SHARE = 0.002
FACES_A_PHOTO = 4
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

PHOTOS = """
copy photos (team_id, photo_id, file_id, name, media_type, version, posted_at, state, engine_id,
    content_hash, width_px, height_px, indexed_at)
from stdin (format binary)
"""
SHARES = """
copy shares (team_id, channel_id, photo_id, ts, permalink, shared_by, shared_at)
from stdin (format binary)
"""
FACES = """
copy faces (team_id, face_id, photo_id, engine_id, box, landmarks, score, quality, embedding)
from stdin (format binary)
"""
NEXT_IDS = """
select setval(pg_get_serial_sequence('photos', 'photo_id'), %(photos)s),
    setval(pg_get_serial_sequence('faces', 'face_id'), %(faces)s)
"""


def channels() -> list[ChannelId]:
    """All of them; the last is the small one."""
    return [ChannelId(f"C{number:03}") for number in range(CHANNELS)]


@dataclass(slots=True, kw_only=True)
class CrowdedWorkspace:
    """Grows; remembers some people of each lot, to be looked for."""

    conninfo: str
    engine_id: EngineId
    population: Population
    random: np.random.Generator
    photos: int = 0
    faces: int = 0
    seekers: list[Vectors] = field(default_factory=list)

    def grow_to(self, faces: int) -> None:
        """Add photos until there are so many faces."""
        with psycopg.connect(self.conninfo) as connection:
            register_vector(connection)
            for drawn in draw(self.population, faces - self.faces, self.random):
                self._write(connection, drawn)
                chosen = self.random.choice(drawn.person, size=20)
                self.seekers.append(drawn.centres[chosen])
            connection.execute(NEXT_IDS, {"photos": self.photos, "faces": self.faces})
            connection.commit()
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            connection.execute("vacuum analyze")

    def queries(self, count: int) -> list[Embedding]:
        """New portraits of people who are there; the more photos, the likelier."""
        centres = np.concatenate(self.seekers)
        chosen = centres[self.random.integers(len(centres), size=count)]
        return list(self.population.photos_of(chosen, self.random))

    def _channels_of(self, photos: int) -> NDArray[np.int64]:
        """Zipf's law for all but the small one, which has SMALL_SHARE of the photos."""
        weights = 1.0 / np.arange(1, CHANNELS)
        weights *= (1.0 - SMALL_SHARE) / weights.sum()
        return self.random.choice(CHANNELS, size=photos, p=[*weights, SMALL_SHARE])

    def _write(self, connection: psycopg.Connection[Any], drawn: Drawn) -> None:
        count = len(drawn.embeddings)
        photos = -(-count // FACES_A_PHOTO)
        first = self.photos + 1
        names = channels()
        placed = [names[number] for number in self._channels_of(photos)]
        _copy(connection, PHOTOS, PHOTO_TYPES, self._photos(first, photos))
        _copy(connection, SHARES, SHARE_TYPES, self._shares(first, placed))
        _copy(connection, FACES, FACE_TYPES, self._faces(first, drawn.embeddings))
        self.photos += photos
        self.faces += count

    def _photos(self, first: int, count: int) -> Iterator[tuple[Any, ...]]:
        for photo_id in range(first, first + count):
            when = EPOCH + timedelta(seconds=photo_id * 10)
            key = f"F{photo_id:08}"
            yield (
                *(TEAM, photo_id, key, f"{key}.jpg", "image/jpeg", "1", when, "indexed"),
                *(self.engine_id, key.encode(), 4032, 3024, when),
            )

    @staticmethod
    def _shares(first: int, placed: list[ChannelId]) -> Iterator[tuple[Any, ...]]:
        for photo_id, channel_id in enumerate(placed, start=first):
            when = EPOCH + timedelta(seconds=photo_id * 10)
            link = f"https://acme.slack.com/archives/{channel_id}/p{photo_id}"
            yield TEAM, channel_id, photo_id, f"{photo_id}.0", link, "U1", when

    def _faces(self, first: int, embeddings: Vectors) -> Iterator[tuple[Any, ...]]:
        box, landmarks = [100.0, 100.0, 80.0, 100.0], [float(number) for number in range(10)]
        for number, embedding in enumerate(embeddings):
            photo_id = first + number // FACES_A_PHOTO
            vector = HalfVector(embedding)
            face_id = self.faces + number + 1
            yield (
                *(TEAM, face_id, photo_id, self.engine_id),
                *(box, landmarks, 0.9, 0.5, vector),
            )


PHOTO_TYPES = (
    *("text", "int8", "text", "text", "text", "text", "timestamptz", "text", "text"),
    *("bytea", "int4", "int4", "timestamptz"),
)
SHARE_TYPES = ("text", "text", "int8", "text", "text", "text", "timestamptz")
FACE_TYPES = ("text", "int8", "int8", "text", "float4[]", "float4[]", "float4", "float4", "halfvec")


def _copy(
    connection: psycopg.Connection[Any],
    statement: str,
    types: tuple[str, ...],
    rows: Iterator[tuple[Any, ...]],
) -> None:
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)
