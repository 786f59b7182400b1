"""From a listing to faces in the index, over the real store, files and networks."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from pipeline.domain.model import (
    ChannelId,
    EngineId,
    FileId,
    IndexCounts,
    Photo,
    PhotoId,
    PhotoState,
    TeamId,
)
from pipeline.errors import PhotoGoneError, SourceUnavailableError, UnreadablePhotoError
from pipeline.folder import channel_of
from pipeline.ports import FaceReader
from pipeline.storage.connect import Database
from pipeline.storage.jobs import JobQueue
from pipeline.storage.photos import Photos
from pipeline.storage.runs import Runs
from pipeline.storage.workspaces import Workspaces
from pipeline.usecases.index_photos import (
    LISTING_BATCH,
    LISTING_OVERLAP,
    AddPhoto,
    IndexPhoto,
    ListChannel,
    Outcome,
    ReadPhoto,
)
from tests.fakes import FlakySource, OneEngine
from tests.shared import shared_folder

TEAM = TeamId("T1")
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A watched folder over a new database."""

    folder: Path
    channel_id: ChannelId
    database: Database
    photos: Photos
    channels: Workspaces
    runs: Runs
    queue: JobQueue
    reader: FaceReader

    def list_channel(self, source: FlakySource, *, now: datetime = NOW) -> int:
        """List it now, or at `now`."""
        return ListChannel(
            sources={TEAM: source},
            channels=self.channels,
            photos=self.photos,
            runs=self.runs,
            queue=self.queue,
            clock=lambda: now,
        )(TEAM, self.channel_id)

    def add_photo(self, name: str, *, channel_id: ChannelId | None = None) -> bool:
        """As the event of a new photo does."""
        return AddPhoto(
            sources={TEAM: FlakySource()},
            channels=self.channels,
            photos=self.photos,
            queue=self.queue,
        )(TEAM, channel_id or self.channel_id, FileId((self.folder / name).as_uri()))

    def index(self, source: FlakySource, photo_id: int = 1) -> Outcome:
        """Read one photo."""
        read = ReadPhoto(sources={TEAM: source}, photos=self.photos)
        index = IndexPhoto(read=read, photos=self.photos, engines=OneEngine(self.reader))
        return index(TEAM, PhotoId(photo_id))

    def state(self, photo_id: int = 1) -> PhotoState | None:
        """Where a photo is on its way."""
        photo = self.photos.get(TEAM, PhotoId(photo_id))
        return photo.state if photo else None

    def rows(self, query: str) -> Sequence[tuple[object, ...]]:
        """Straight from the database."""
        with psycopg.connect(self.database.conninfo) as connection:
            return connection.execute(query.encode()).fetchall()


@pytest.fixture
def house(database: Database, engine: FaceReader, tmp_path: Path) -> House:
    folder = tmp_path / "party"
    folder.mkdir()
    made = House(
        folder=folder,
        channel_id=channel_of(folder),
        database=database,
        photos=Photos(database),
        channels=Workspaces(database),
        runs=Runs(database),
        queue=JobQueue(database),
        reader=engine,
    )
    made.channels.claim(TEAM, EngineId("retail"))
    made.channels.watch(TEAM, made.channel_id, "party")
    return made


@pytest.fixture
def family(house: House) -> Path:
    """A photo of four people, listed in the house."""
    name = "identification1.jpg"
    path = house.folder / name
    shutil.copy(shared_folder() / "data/events/family/photos" / name, path)
    house.list_channel(FlakySource())
    return path


FACES = """
select box, landmarks, score, quality, embedding::text from faces order by box
"""


def test_what_is_listed_is_pending_and_has_a_job(house: House, family: Path) -> None:
    del family

    assert house.state() is PhotoState.PENDING
    assert house.rows("select task_name, args->>'photo_id' from procrastinate_jobs") == [
        ("index_photo", "1")
    ]


def test_listing_twice_finds_nothing_new(house: House, family: Path) -> None:
    del family

    assert house.list_channel(FlakySource()) == 0
    assert house.photos.counts(TEAM).photos == 1


def test_the_next_listing_goes_back_to_the_last_one_and_a_little_further(
    house: House, family: Path
) -> None:
    del family
    source = FlakySource()

    house.list_channel(source, now=NOW + timedelta(hours=1))
    house.list_channel(source, now=NOW + timedelta(hours=2))

    assert source.listed_since == [
        NOW - LISTING_OVERLAP,
        NOW + timedelta(hours=1) - LISTING_OVERLAP,
    ]


def test_a_reindex_lists_the_channel_whole(house: House, family: Path) -> None:
    del family
    source = FlakySource()
    run_id = house.runs.start(TEAM, [house.channel_id], requested_by=None)

    house.list_channel(source)

    assert source.listed_since == [None]
    assert [run.listed for run in house.runs.open(TEAM) if run.run_id == run_id] == [True]


def test_a_listing_that_breaks_off_keeps_what_it_had_and_begins_there_again(house: House) -> None:
    for number in range(LISTING_BATCH + 5):
        (house.folder / f"{number:04}.jpg").write_bytes(b"x")

    class BreaksOff(FlakySource):
        def list_new(self, channel_id, *, since, until=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            for number, photo in enumerate(super().list_new(channel_id, since=since, until=until)):
                if number == LISTING_BATCH + 2:
                    raise SourceUnavailableError
                yield photo

    with pytest.raises(SourceUnavailableError):
        house.list_channel(BreaksOff())

    assert house.photos.counts(TEAM).pending == LISTING_BATCH + 2
    assert [channel.listed_until for channel in house.channels.watched(TEAM)] == [None]


def test_a_channel_that_is_not_watched_is_not_listed(house: House) -> None:
    (house.folder / "a.jpg").write_bytes(b"x")
    house.channels.unwatch(TEAM, house.channel_id)
    source = FlakySource()

    assert house.list_channel(source) == 0
    assert source.listed_since == []


def test_a_photo_posted_just_now_is_queued_before_the_backlog(house: House) -> None:
    (house.folder / "a.jpg").write_bytes(b"x")

    assert house.add_photo("a.jpg")

    assert house.rows("select priority from procrastinate_jobs") == [(10,)]


def test_an_event_that_comes_again_changes_nothing(house: House) -> None:
    (house.folder / "a.jpg").write_bytes(b"x")

    house.add_photo("a.jpg")
    house.add_photo("a.jpg")

    assert house.rows("select count(*) from procrastinate_jobs") == [(1,)]
    assert house.rows("select count(*) from shares") == [(1,)]


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_photo_that_is_gone_or_elsewhere_is_not_queued(house: House, *, elsewhere: bool) -> None:
    if elsewhere:
        (house.folder / "a.jpg").write_bytes(b"x")

    assert not house.add_photo("a.jpg", channel_id=ChannelId("C9") if elsewhere else None)

    assert house.photos.counts(TEAM) == IndexCounts()


def test_an_indexed_photo_has_its_faces(house: House, family: Path) -> None:
    del family

    assert house.index(FlakySource()) is Outcome.INDEXED

    assert house.photos.counts(TEAM) == IndexCounts(photos=1, indexed=1, faces=4)


def test_an_indexed_photo_is_not_read_again(house: House, family: Path) -> None:
    source = FlakySource()
    house.index(source)

    assert house.index(source) is Outcome.SKIPPED

    assert source.downloads == {family.name: 1}


def test_reading_twice_stores_the_same_faces(house: House, family: Path) -> None:
    del family
    house.index(FlakySource())
    before = house.rows(FACES)
    house.runs.start(TEAM, [house.channel_id], requested_by=None)

    assert house.index(FlakySource()) is Outcome.INDEXED

    assert house.rows(FACES) == before


def test_the_hash_is_of_the_bytes_that_were_read(house: House, family: Path) -> None:
    shutil.copy(family, family.with_name("copy.jpg"))
    house.list_channel(FlakySource())

    for photo_id in (1, 2):
        house.index(FlakySource(), photo_id)

    assert house.rows("select count(distinct content_hash), count(*) from photos") == [(1, 2)]


def test_a_photo_that_is_gone_leaves_the_index(house: House, family: Path) -> None:
    family.unlink()

    assert house.index(FlakySource()) is Outcome.GONE

    assert house.photos.counts(TEAM) == IndexCounts()


def test_a_photo_the_source_no_longer_has_leaves_the_index(house: House, family: Path) -> None:
    assert house.index(FlakySource({family.name: [PhotoGoneError()]})) is Outcome.GONE

    assert house.state() is None


def test_a_file_that_is_no_picture_is_unreadable_with_its_reason(
    house: House, family: Path
) -> None:
    family.write_text("hello")

    assert house.index(FlakySource()) is Outcome.UNREADABLE

    assert house.photos.problems(TEAM, limit=9) == [
        (family.name, PhotoState.UNREADABLE, "the file is text, not a picture")
    ]


def test_a_source_may_call_a_photo_unreadable_itself(house: House, family: Path) -> None:
    source = FlakySource({family.name: [UnreadablePhotoError("Slack doesn't give it")]})

    assert house.index(source) is Outcome.UNREADABLE

    assert [why for _, _, why in house.photos.problems(TEAM, limit=9)] == ["Slack doesn't give it"]


def test_a_source_that_is_unavailable_leaves_the_photo_pending(house: House, family: Path) -> None:
    source = FlakySource({family.name: [SourceUnavailableError()]})

    with pytest.raises(SourceUnavailableError):
        house.index(source)

    assert house.state() is PhotoState.PENDING


def test_a_photo_that_failed_once_is_indexed_the_next_time(house: House, family: Path) -> None:
    source = FlakySource({family.name: [SourceUnavailableError()]})
    with pytest.raises(SourceUnavailableError):
        house.index(source)

    assert house.index(source) is Outcome.INDEXED


def test_a_photo_deleted_while_it_is_read_stays_deleted(house: House, family: Path) -> None:
    class Deleting(FlakySource):
        def download(self, photo: Photo) -> bytes:
            data = super().download(photo)
            house.photos.delete(TEAM, photo.file_id)
            return data

    house.index(Deleting())

    assert house.photos.counts(TEAM) == IndexCounts()
    assert family.exists()


def test_a_photo_that_changes_while_it_is_read_is_read_again(house: House, family: Path) -> None:
    class Changing(FlakySource):
        def download(self, photo: Photo) -> bytes:
            data = super().download(photo)
            os.utime(family, ns=(0, 0))
            house.list_channel(FlakySource())
            return data

    house.index(Changing())

    assert house.state() is PhotoState.PENDING


def test_a_photo_that_was_listed_without_address_or_shares_is_completed(
    house: House, family: Path
) -> None:
    with psycopg.connect(house.database.conninfo) as connection:
        connection.execute("update photos set url = null")
        connection.execute("delete from shares")

    house.index(FlakySource())

    photo = house.photos.get(TEAM, PhotoId(1))
    assert photo is not None
    assert (photo.url, photo.has_shares) == (family.as_uri(), True)


def test_an_unknown_photo_is_skipped(house: House) -> None:
    assert house.index(FlakySource(), 99) is Outcome.SKIPPED
