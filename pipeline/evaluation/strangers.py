"""Photos of people who were not there, put into an index to see how a search holds among many."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

from pipeline.domain.model import ChannelId, FileId, FoundPhoto, PhotoFaces, PhotoId, Share
from pipeline.errors import UnreadablePhotoError, UsageError
from pipeline.evaluation.pictures import Picture, Pictures, in_threads, with_bar
from pipeline.evaluation.truth import Event, KnownPhoto
from pipeline.folder import LOCAL
from pipeline.ports import FaceReader
from pipeline.wiring import Runtime

CHANNEL = ChannelId("strangers")

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """One photo with its faces."""

    photo: KnownPhoto
    faces: PhotoFaces


def read_same(
    given: Sequence[str], events: Sequence[Event], strangers: Pictures | None
) -> dict[str, frozenset[str]]:
    """Of `rachel=Jennifer_Aniston`: stranger -> which people of the events they are after all.

    Raises: UsageError if it is written otherwise, or one of them is nobody.
    """
    people = {portrait.person for event in events for portrait in event.portraits}
    there = strangers.people if strangers else set()
    same: dict[str, frozenset[str]] = {}
    for pair in given:
        person, _, stranger = pair.partition("=")
        if person not in people:
            raise UsageError(f"--same {pair}: nobody in these events is called {person!r}.")
        if stranger not in there:
            raise UsageError(f"--same {pair}: no stranger is called {stranger!r}.")
        same[stranger] = same.get(stranger, frozenset()) | {person}
    return same


def read_strangers(
    pictures: Pictures,
    reader: FaceReader,
    *,
    same: Mapping[str, Collection[str]],
    threads: int,
) -> list[Stranger]:
    """Find and embed all faces, once for all indexes; what is no picture is left out."""

    def read(picture: Picture) -> Stranger | None:
        try:
            faces = reader.read(picture.data)
        except UnreadablePhotoError:
            return None
        photo = KnownPhoto(
            file_id=FileId(f"{CHANNEL}/{picture.person}/{picture.name}"),
            name=picture.name,
            content=hashlib.sha256(picture.data).digest(),
            hard=frozenset(same.get(picture.person, ())),
            stranger=True,
        )
        return Stranger(photo=photo, faces=faces)

    done = with_bar(
        in_threads(read, pictures, threads=threads), "Reading strangers", total=len(pictures)
    )
    return [stranger for stranger in done if stranger is not None]


def index_strangers(runtime: Runtime, strangers: Sequence[Stranger]) -> None:
    """Store them as photos of a channel of their own; the index must be empty before.

    One after the other: a search judges by a sample of the faces, which depends on their numbers.
    Stored by several threads, the same photos gave 97.5 to 97.8% from run to run.
    """
    runtime.claim_engine(LOCAL)
    runtime.workspaces.watch(LOCAL, CHANNEL, "strangers")
    by_file_id = {stranger.photo.file_id: stranger for stranger in strangers}
    runtime.photos.add(LOCAL, [_found(stranger.photo) for stranger in by_file_id.values()])

    def store(photo_id: PhotoId) -> bool:
        photo = runtime.photos.get(LOCAL, photo_id)
        if photo is None:
            return False
        stranger = by_file_id[photo.file_id]
        runtime.photos.put_faces(
            LOCAL,
            photo_id,
            engine_id=runtime.reader.engine_id,
            version=photo.version,
            content_hash=stranger.photo.content,
            faces=stranger.faces,
        )
        return True

    # An empty index counts its photos from 1; the store itself tells no id when it adds one.
    left = len(by_file_id)
    for photo_id in map(PhotoId, count(1)):
        if not left:
            return
        left -= store(photo_id)


def _found(photo: KnownPhoto) -> FoundPhoto:
    url = f"strangers:{photo.name}"
    return FoundPhoto(
        file_id=photo.file_id,
        name=photo.name,
        media_type="image/jpeg",
        url=url,
        version="1",
        posted_by=None,
        posted_at=_LONG_AGO,
        shares=[
            Share(channel_id=CHANNEL, ts="0", permalink=url, shared_by=None, shared_at=_LONG_AGO)
        ],
    )
