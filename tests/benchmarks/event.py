"""An event to ask about: people with portraits, photos of them, a crowd of strangers' faces."""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import psycopg
from pgvector import HalfVector
from pgvector.psycopg import register_vector
from PIL import Image

from bot.sandbox import Channel, Person, Sandbox
from pipeline.domain.arrays import unit
from tests.benchmarks.running import shared

DIMENSION = 256
SIZE_12_MP = (4000, 3000)
WAIT_S = 120.0
LOOK_EVERY_S = 0.05

ADD_PHOTOS = """
insert into photos (team_id, file_id, name, media_type, url, version, posted_by, posted_at, state,
    engine_id, content_hash, width_px, height_px, indexed_at)
select %(team_id)s, 'X' || number, 'photo.jpg', 'image/jpeg', 'https://files.slack.com/x', '1',
    %(person)s, now(), 'indexed', 'retail', decode(md5(number::text), 'hex'), 4000, 3000, now()
from generate_series(1, %(photos)s) number
returning photo_id
"""
ADD_SHARES = """
insert into shares (team_id, channel_id, photo_id, ts, permalink, shared_by, shared_at)
select %(team_id)s, %(channel_id)s, photo_id, photo_id || '.0', 'https://x.slack.com/p' || photo_id,
    %(person)s, now()
from photos where team_id = %(team_id)s and photo_id = any(%(photo_ids)s)
"""
COPY_FACES = """
copy faces (team_id, photo_id, engine_id, box, landmarks, score, quality, embedding)
from stdin with (format binary)
"""
TYPES = ("text", "int8", "text", "float4[]", "float4[]", "float4", "float4", "halfvec")
STATES = "select state, count(*) from photos where team_id = %(team_id)s group by state"


def portraits() -> Iterator[bytes]:
    """Profile pictures without end, each with bytes of its own; faces come again after a while."""
    files = sorted((shared() / "data/events").glob("*/people/*/*"))
    # One of each person's, then another one: neighbours in the row are different people.
    files.sort(key=lambda path: sorted(path.parent.iterdir()).index(path))
    for turn in itertools.count():
        for path in files:
            yield _encoded(path, quality=90 - turn % 20)


def event_photos() -> list[bytes]:
    """The photos that show these people, as they are."""
    return [path.read_bytes() for path in sorted((shared() / "data/events").glob("*/photos/*"))]


def large_photos() -> list[bytes]:
    """Photos of 12 megapixels with some faces, as a phone takes them."""
    folder = shared() / "data/events"
    names = ("friends/photos/friends1.jpg", "family/photos/detection1.jpg", "bbt/photos/bbt1.jpg")
    return [_encoded(folder / name, quality=85, size=SIZE_12_MP) for name in names]


def _encoded(path: Path, *, quality: int, size: tuple[int, int] | None = None) -> bytes:
    out = io.BytesIO()
    with Image.open(path) as picture:
        upright = picture.convert("RGB")
        (upright.resize(size) if size else upright).save(out, "JPEG", quality=quality)
    return out.getvalue()


def crowd(
    conninfo: str, team_id: str, channel: Channel, by: Person, *, photos: int, faces: int, seed: int
) -> None:
    """Photos with strangers' faces straight into the index; Slack has none of these."""
    embeddings = unit(
        np.random.default_rng(seed).normal(size=(photos * faces, DIMENSION)).astype(np.float32)
    )
    values = {"team_id": team_id, "person": by.id, "photos": photos, "channel_id": channel.id}
    with psycopg.connect(conninfo) as connection:
        register_vector(connection)
        photo_ids = [row[0] for row in connection.execute(ADD_PHOTOS, values).fetchall()]
        connection.execute(ADD_SHARES, values | {"photo_ids": photo_ids})
        with connection.cursor().copy(COPY_FACES) as copy:
            copy.set_types(TYPES)
            for number, embedding in enumerate(embeddings):
                box, points = [10.0, 10.0, 90.0, 90.0], [30.0, 40.0] * 5
                photo_id = photo_ids[number // faces]
                row = (team_id, photo_id, "retail", box, points, 0.9, 0.5, HalfVector(embedding))
                copy.write_row(row)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("analyze")


def states(conninfo: str, team_id: str) -> dict[str, int]:
    """How many photos are pending, indexed and so on."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        return dict(connection.execute(STATES, {"team_id": team_id}).fetchall())


def wait_until_indexed(conninfo: str, team_id: str, *, least: int) -> None:
    """Wait until so many photos were read. Raises TimeoutError."""
    until_s = time.monotonic() + WAIT_S
    while (
        sum(states(conninfo, team_id).values()) - states(conninfo, team_id).get("pending", 0)
        < least
    ):
        if time.monotonic() > until_s:
            raise TimeoutError("the photos were not read in time")
        time.sleep(LOOK_EVERY_S)


def newcomers(slack: Sandbox, pictures: Iterator[bytes], count: int) -> Sequence[Person]:
    """So many people with a portrait each."""
    first = len(slack.workspace.people)
    return [
        slack.people.add_person(f"Person {first + number}", picture=next(pictures))
        for number in range(count)
    ]
