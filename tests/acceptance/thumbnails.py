"""Thumbnails over a shelf of photos, as the bot makes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bot.files.thumbnails import Thumbnails
from bot.sandbox import SharedFile
from pipeline.domain.model import EngineId, FileId, Match, PhotoId
from pipeline.storage.thumbnails import Thumbnails as Store
from tests.acceptance.shelf import Shelf
from tests.made_pictures import KINDS
from tests.strategies import QUERY, photo_faces

PATIENCE_S = 20.0
DAMAGED = b"RIFF\0\0\0\0WEBPVP8 and then nothing"


@contextmanager
def open_thumbnails(shelf: Shelf, **settings: Any) -> Iterator[Thumbnails]:
    """They stop in the end."""
    thumbnails = Thumbnails(
        Store(shelf.database),
        photos=shelf.photos,
        uploads=shelf.uploads,
        **({"download": shelf.workspace.download} | settings),
    )
    try:
        yield thumbnails
    finally:
        thumbnails.stop()


def ask(
    thumbnails: Thumbnails, shelf: Shelf, *matches: Match, patience_s: float = PATIENCE_S
) -> dict[PhotoId, FileId]:
    """What an answer with these matches would show."""
    found = thumbnails.for_(shelf.workspace.team_id, matches, patience_s=patience_s)
    return dict(found)


def made(shelf: Shelf) -> SharedFile:
    """The one thumbnail that there is."""
    (file,) = shelf.own_files()
    return file


def webp(shelf: Shelf, name: str = "party.webp") -> Match:
    """A photo that Slack does not show; it has no face in the index."""
    return shelf.post(name, KINDS["webp"]())


def indexed(shelf: Shelf, *names: str, data: bytes | None = None) -> list[Match]:
    """Photos that Slack doesn't show, with a face in the index."""
    team_id = shelf.workspace.team_id
    matches = [shelf.post(name, data or KINDS["webp"]()) for name in names]
    for match in matches:
        photo = shelf.photos.get(team_id, match.face.photo_id)
        assert photo is not None
        assert shelf.photos.put_faces(
            team_id,
            photo.photo_id,
            engine_id=EngineId("retail"),
            version=photo.version,
            content_hash=photo.name.encode(),
            faces=photo_faces(QUERY),
        )
    return matches
