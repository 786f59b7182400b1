"""A photo's thumbnail is kept once, for the version that it shows, until its file is deleted."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.domain.arrays import Embedding
from pipeline.domain.model import ChannelId, EngineId, FileId, PhotoId, TeamId
from pipeline.storage.connect import Database
from pipeline.storage.photos import Photos
from pipeline.storage.thumbnails import Thumbnails
from pipeline.storage.workspaces import Workspaces
from tests.strategies import QUERY, found_photo, photo_faces

TEAM, OTHER = TeamId("T1"), TeamId("T2")
PHOTO, SECOND = FileId("F1"), FileId("F2")
ENGINE, CHANNEL = EngineId("test"), ChannelId("C1")
ONE, TWO = FileId("FT1"), FileId("FT2")


class Album:
    """Photos of which Slack shows none."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.photos = Photos(database)
        self.thumbnails = Thumbnails(database)
        for team_id in (TEAM, OTHER):
            Workspaces(database).claim(team_id, ENGINE)
            Workspaces(database).watch(team_id, CHANNEL, "offsite")

    def post(
        self,
        file_id: FileId = PHOTO,
        *,
        version: str = "1",
        media_type: str = "image/heic",
        day: int = 0,
    ) -> PhotoId:
        """A photo, or another version of it."""
        photo = found_photo(file_id, version=version, media_type=media_type, day=day)
        self.photos.add(TEAM, [photo])
        with self.database.transaction() as connection:
            row = connection.execute(
                "select photo_id from photos where team_id = %(team_id)s and file_id = %(file_id)s",
                {"team_id": TEAM, "file_id": file_id},
            ).fetchone()
        assert row is not None
        return PhotoId(row["photo_id"])

    def show(self, name: str, *, media_type: str = "image/heic", day: int = 0) -> PhotoId:
        """A photo with a face in the index, in a watched channel."""
        photo_id = self.post(FileId(name), media_type=media_type, day=day)
        assert self.read(photo_id)
        return photo_id

    def read(self, photo_id: PhotoId, *embeddings: Embedding, version: str = "1") -> bool:
        """Take the photo into the index, with a face unless told otherwise."""
        return self.photos.put_faces(
            TEAM,
            photo_id,
            engine_id=ENGINE,
            version=version,
            content_hash=b"1",
            faces=photo_faces(*embeddings or [QUERY]),
        )

    def missing(self, *leaving_out: PhotoId, limit: int = 10) -> list[PhotoId]:
        """Those that a thumbnail should be made for."""
        found = self.thumbnails.missing(
            TEAM, shown_types={"image/png", "image/jpeg"}, leaving_out=leaving_out, limit=limit
        )
        return list(found)

    def put(self, photo_id: PhotoId, file_id: FileId = ONE, *, version: str = "1") -> bool:
        """Whether the file was kept; if not, it is the one to be deleted."""
        loser = self.thumbnails.put(TEAM, photo_id, file_id, version=version)
        assert loser in {None, file_id}
        return loser is None


@pytest.fixture
def album(database: Database) -> Album:
    return Album(database)


def test_a_thumbnail_comes_back_as_it_was_put(album: Album) -> None:
    first, second, third = (album.post(FileId(name)) for name in ("F1", "F2", "F3"))
    assert album.put(first, ONE)
    assert album.put(second, TWO)

    assert album.thumbnails.get(TEAM, [first, second, third]) == {first: ONE, second: TWO}
    assert album.thumbnails.get(TEAM, [second]) == {second: TWO}
    assert album.thumbnails.get(TEAM, []) == {}


def test_the_second_of_two_is_handed_back(album: Album) -> None:
    photo_id = album.post()
    album.put(photo_id, ONE)

    assert not album.put(photo_id, TWO)

    assert album.thumbnails.get(TEAM, [photo_id]) == {photo_id: ONE}


def test_putting_the_same_one_twice_is_the_same_as_once(album: Album) -> None:
    photo_id = album.post()

    assert [album.put(photo_id, ONE), album.put(photo_id, ONE)] == [True, True]


def test_of_many_at_once_one_is_kept_and_all_others_are_handed_back(album: Album) -> None:
    photo_id = album.post()
    files = [FileId(f"FT{number}") for number in range(8)]

    with ThreadPoolExecutor(8) as threads:
        kept = list(threads.map(lambda file_id: album.put(photo_id, file_id), files))

    assert sum(kept) == 1
    assert album.thumbnails.get(TEAM, [photo_id]) == {photo_id: files[kept.index(True)]}


def test_a_changed_photo_has_no_thumbnail_until_it_gets_another(album: Album) -> None:
    photo_id = album.post()
    album.put(photo_id, ONE)
    album.post(version="2")
    before = album.thumbnails.get(TEAM, [photo_id])

    assert album.put(photo_id, TWO, version="2")

    assert before == {}
    assert album.thumbnails.get(TEAM, [photo_id]) == {photo_id: TWO}


def test_a_thumbnail_of_a_version_that_is_past_is_handed_back(album: Album) -> None:
    photo_id = album.post()
    album.post(version="2")

    assert not album.put(photo_id, version="1")
    assert album.thumbnails.orphans(TEAM) == []


def test_a_thumbnail_of_a_photo_that_is_deleted_is_handed_back(album: Album) -> None:
    photo_id = album.post()
    album.photos.delete(TEAM, PHOTO)

    assert not album.put(photo_id)


def test_what_shows_a_deleted_or_changed_photo_is_an_orphan(album: Album) -> None:
    deleted, changed, present = (album.post(FileId(name)) for name in ("F1", "F2", "F3"))
    album.put(deleted, FileId("of deleted"))
    album.put(changed, FileId("of changed"))
    album.put(present, FileId("of present"))
    assert album.thumbnails.orphans(TEAM) == []

    album.photos.delete(TEAM, FileId("F1"))
    album.post(FileId("F2"), version="2")

    assert album.thumbnails.orphans(TEAM) == ["of deleted", "of changed"]


def test_orphans_are_dropped_once_they_are_deleted(album: Album) -> None:
    for name in (PHOTO, SECOND):
        album.put(album.post(name), FileId(f"of {name}"))
        album.photos.delete(TEAM, name)

    album.thumbnails.drop(TEAM, [FileId("of F1")])

    assert album.thumbnails.orphans(TEAM) == ["of F2"]


def test_a_workspace_has_its_own(album: Album) -> None:
    photo_id = album.post()
    album.put(photo_id)
    album.thumbnails.drop(OTHER, [ONE])

    assert album.thumbnails.get(OTHER, [photo_id]) == {}
    assert album.thumbnails.put(OTHER, photo_id, TWO, version="1") == TWO
    assert album.thumbnails.get(TEAM, [photo_id]) == {photo_id: ONE}


def test_photos_that_may_be_asked_for_and_have_none_are_missing_theirs_newest_first(
    album: Album,
) -> None:
    first, third, second = (album.show(f"F{day}", day=day) for day in (1, 3, 2))

    assert album.missing() == [third, second, first]
    assert album.missing(limit=2) == [third, second]
    assert album.missing(third, first) == [second]


def test_what_slack_shows_or_is_no_picture_needs_none(album: Album) -> None:
    for number, media_type in enumerate(("image/jpeg", "image/png", "video/mp4", "", "imagery/a")):
        album.show(f"F{number}", media_type=media_type)

    assert album.missing() == []


def test_a_photo_with_a_thumbnail_of_its_present_version_misses_none(album: Album) -> None:
    kept, changed = album.show("F1"), album.show("F2")
    album.put(kept, ONE)
    album.put(changed, TWO)
    before = album.missing()
    album.post(FileId("F2"), version="2")
    album.read(changed, version="2")

    assert before == []
    assert album.missing() == [changed]


def test_a_photo_that_is_not_read_or_shows_no_face_misses_none(album: Album) -> None:
    album.post(FileId("F1"))
    unreadable, faceless = album.show("F2"), album.show("F3")
    album.photos.mark_unreadable(TEAM, unreadable, "no picture")
    with album.database.transaction() as connection:
        connection.execute("delete from faces where photo_id = %s", [faceless])

    assert album.missing() == []


def test_faces_of_another_engine_than_the_present_one_count_for_nothing(album: Album) -> None:
    album.show("F1")
    with album.database.transaction() as connection:
        connection.execute("update workspaces set engine_id = 'another'")

    assert album.missing() == []


def test_a_photo_that_no_watched_channel_shows_misses_none(album: Album) -> None:
    album.show("F1")
    with album.database.transaction() as connection:
        connection.execute("update channels set watched = false where team_id = 'T1'")

    assert album.missing() == []


def test_another_workspace_misses_nothing_of_this_one(album: Album) -> None:
    album.show("F1")

    assert not album.thumbnails.missing(OTHER, shown_types=(), leaving_out=(), limit=10)
