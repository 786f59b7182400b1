"""Values that tests are made of: by hand with defaults, and by Hypothesis."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import strategies as st

from pipeline.domain.arrays import Embedding, Embeddings, Landmarks, unit
from pipeline.domain.model import (
    Box,
    ChannelId,
    Detection,
    Face,
    FaceId,
    FileId,
    FoundPhoto,
    NearFace,
    PhotoFaces,
    PhotoId,
    Share,
    UserId,
)

EPOCH = datetime(2026, 5, 1, 12, tzinfo=UTC)
POINTS: Landmarks = np.array([(30, 40), (70, 40), (50, 60), (35, 80), (65, 80)], np.float32)


def share(channel: str = "C1", *, day: int = 0, ts: str | None = None) -> Share:
    """A share in `channel`, `day` days after EPOCH."""
    when = EPOCH + timedelta(days=day)
    ts = f"{when.timestamp():.6f}" if ts is None else ts
    return Share(
        channel_id=ChannelId(channel),
        ts=ts,
        permalink=f"https://acme.slack.com/archives/{channel}/p{ts.replace('.', '')}",
        shared_by=UserId("U1"),
        shared_at=when,
    )


def found_photo(
    file_id: str = "F1",
    *,
    shares: Sequence[Share] = (),
    version: str = "1",
    url: str | None = "https://files.slack.com/photo",
    name: str = "party.jpg",
    media_type: str = "image/jpeg",
    day: int = 0,
) -> FoundPhoto:
    """A photo as a source lists it; in channel C1 unless `shares` say otherwise."""
    return FoundPhoto(
        file_id=FileId(file_id),
        name=name,
        media_type=media_type,
        url=url,
        version=version,
        posted_by=UserId("U1"),
        posted_at=EPOCH + timedelta(days=day),
        shares=shares or [share(day=day)],
    )


def photo_faces(*embeddings: Embedding) -> PhotoFaces:
    """Faces with these embeddings, in one photo."""
    return PhotoFaces(
        width_px=640,
        height_px=480,
        faces=[
            Face(
                detection=Detection(
                    box=Box(x_px=10.0 * i, y_px=20.0, width_px=60.0, height_px=80.0),
                    landmarks=POINTS,
                    score=0.9,
                ),
                quality=0.5,
                embedding=embedding,
            )
            for i, embedding in enumerate(embeddings)
        ],
    )


def random_units(rows: int, dimension: int, *, seed: int) -> Embeddings:
    """Embeddings in random directions."""
    return unit(np.random.default_rng(seed).normal(size=(rows, dimension)))


QUERY: Embedding = np.eye(1, 64, dtype=np.float32)[0]
"""Whom `near_face` is near to."""


def towards(query: Embedding, other: Embedding, *, distance: float) -> Embedding:
    """At this cosine distance from `query`, in the direction of `other`."""
    aside = unit(other - (other @ query) * query)
    cosine = 1.0 - distance
    embedding: Embedding = unit(cosine * query + np.sqrt(max(0.0, 1.0 - cosine**2)) * aside)
    return embedding


def at_distance(distance: float, *, aside: int = 1) -> Embedding:
    """At this distance from QUERY; for another `aside` (1 to 63) in another direction."""
    return towards(QUERY, np.eye(64, dtype=np.float32)[aside], distance=distance)


def near_face(
    photo_id: int = 1,
    *,
    face_id: int = 1,
    distance: float = 0.3,
    quality: float = 0.5,
    embedding: Embedding | None = None,
    content_hash: bytes | None = None,
    day: int = 0,
    name: str = "party.jpg",
    media_type: str = "image/jpeg",
) -> NearFace:
    """A face near a reference: QUERY, unless it has an `embedding` of its own."""
    if embedding is None:
        embedding = at_distance(distance, aside=1 + face_id % 63)
    return NearFace(
        photo_id=PhotoId(photo_id),
        file_id=FileId(f"F{photo_id}"),
        photo_name=name,
        media_type=media_type,
        content_hash=content_hash,
        posted_by=UserId("U1"),
        posted_at=EPOCH + timedelta(days=day),
        share=share(day=day),
        face_id=FaceId(face_id),
        box=Box(x_px=1.0, y_px=2.0, width_px=30.0, height_px=40.0),
        quality=quality,
        embedding=embedding,
        distance=distance,
    )


def near_faces() -> st.SearchStrategy[list[NearFace]]:
    """Several faces a photo; every share of a photo, and its bytes, belong to the photo."""

    def build(
        rows: list[tuple[int, float]], photos: list[tuple[bytes | None, int]]
    ) -> list[NearFace]:
        return [
            near_face(
                photo_id,
                face_id=face_id,
                distance=distance,
                content_hash=photos[photo_id][0],
                day=photos[photo_id][1],
            )
            for face_id, (photo_id, distance) in enumerate(rows)
        ]

    contents = st.sampled_from([None, b"a", b"b", b"c"])
    return st.builds(
        build,
        st.lists(st.tuples(st.integers(0, 7), st.floats(0, 2)), max_size=30),
        st.lists(st.tuples(contents, st.integers(0, 5)), min_size=8, max_size=8),
    )


def boxes() -> st.SearchStrategy[Box]:
    """Boxes as detectors give them: some reach past the edges."""
    return st.builds(
        Box,
        x_px=st.floats(-500, 5000),
        y_px=st.floats(-500, 5000),
        width_px=st.floats(0.5, 4000),
        height_px=st.floats(0.5, 4000),
    )


def photo_names() -> st.SearchStrategy[str]:
    """Names that people (and their phones) give to photos, and what could break a message."""
    pieces = st.one_of(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
        st.sampled_from(["&", "<", ">", "|", "&amp;", "&lt;!here&gt;", "*b*", "_i_", "~s~", "`c`"]),
        st.sampled_from(["<!channel>", "<@U1>", "<#C1>", "<!date^1^{time}|x>", "@here", "#party"]),
        st.sampled_from(["<https://evil.example|party>", "https://evil.example", "```", ">>>"]),
        st.sampled_from(["\n", "\r\n", "\u2028", "\x00", "\x1b[31m", "\x85", "\ud83d", "\t"]),
        st.sampled_from(["😀", ":smile:", "👨\u200d👩\u200d👧", "❤️", "👍🏽", "🇮🇱", "1️⃣"]),
        st.sampled_from(["חתונה", "عرس ٢٠٢٦", "می\u200cخواهم"]),  # noqa: RUF001 - other scripts
        st.sampled_from(["\u202e", "\u202b", "\u2067", "\u2069"]),
        st.sampled_from(
            ["\u200b", "\u200d", "\u200f", "\ufeff", "\u3164", "é" * 160, "e" + "\u0301" * 90]
        ),
    )
    return st.lists(pieces, max_size=12).map("".join)
