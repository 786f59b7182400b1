"""Photos, shares and faces in the database; whatever is done twice has the same result."""

from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from bot import payloads
from pipeline.domain.model import (
    ChannelId,
    EngineId,
    FileId,
    FoundPhoto,
    IndexCounts,
    PhotoFaces,
    PhotoId,
    PhotoState,
    TeamId,
)
from pipeline.storage.connect import Database
from pipeline.storage.photos import Photos
from pipeline.storage.workspaces import Workspaces
from tests.strategies import EPOCH, found_photo, photo_faces, random_units, share

TEAM = TeamId("T1")
OTHER = TeamId("T2")
ENGINE = EngineId("test")
FACES = photo_faces(*random_units(2, 8, seed=1))
NO_FACES = photo_faces()


@pytest.fixture
def photos(database: Database) -> Photos:
    workspaces = Workspaces(database)
    for team_id in (TEAM, OTHER):
        workspaces.claim(team_id, ENGINE)
        for channel in ("C1", "C2"):
            workspaces.watch(team_id, ChannelId(channel), channel)
    return Photos(database)


def ids(photos: Photos, team_id: TeamId = TEAM) -> dict[str, PhotoId]:
    with psycopg.connect(photos._database.conninfo) as connection:
        rows = connection.execute(
            "select file_id, photo_id from photos where team_id = %(team_id)s",
            {"team_id": team_id},
        )
        return {file_id: PhotoId(photo_id) for file_id, photo_id in rows}


def add(photos: Photos, found: FoundPhoto, team_id: TeamId = TEAM) -> PhotoId:
    photos.add(team_id, [found])
    return ids(photos, team_id)[found.file_id]


def put(photos: Photos, photo_id: PhotoId, faces: PhotoFaces = FACES) -> None:
    photos.put_faces(TEAM, photo_id, engine_id=ENGINE, version="1", content_hash=b"#", faces=faces)


def indexed(photos: Photos, file_id: str = "F1", channel: str = "C1") -> PhotoId:
    photo_id = add(photos, found_photo(file_id, shares=[share(channel)]))
    put(photos, photo_id)
    return photo_id


def state(photos: Photos, photo_id: PhotoId) -> PhotoState | None:
    photo = photos.get(TEAM, photo_id)
    return photo.state if photo else None


def shares(photos: Photos) -> list[tuple[str, str]]:
    with psycopg.connect(photos._database.conninfo) as connection:
        rows = connection.execute("select channel_id, ts from shares order by channel_id, ts")
        return [(channel_id, ts) for channel_id, ts in rows]


def test_a_new_photo_is_pending(photos: Photos) -> None:
    photo_id = add(photos, found_photo())

    photo = photos.get(TEAM, photo_id)

    assert photo is not None
    assert (photo.state, photo.has_shares, photo.engine_id) == (PhotoState.PENDING, True, None)


def test_adding_twice_is_the_same_as_once(photos: Photos) -> None:
    assert photos.add(TEAM, [found_photo("F1"), found_photo("F2")]) == 2
    before = photos.counts(TEAM), shares(photos)

    assert photos.add(TEAM, [found_photo("F1"), found_photo("F2")]) == 0

    assert (photos.counts(TEAM), shares(photos)) == before


def test_a_photo_listed_twice_in_one_batch_is_added_once(photos: Photos) -> None:
    assert photos.add(TEAM, [found_photo("F1"), found_photo("F1")]) == 1


def test_a_known_photo_keeps_its_state_and_faces(photos: Photos) -> None:
    photo_id = indexed(photos)

    add(photos, found_photo("F1", name="renamed.jpg"))

    photo = photos.get(TEAM, photo_id)
    assert photo is not None
    assert (photo.name, photo.state) == ("renamed.jpg", PhotoState.INDEXED)
    assert photos.counts(TEAM).faces == 2


@pytest.mark.parametrize("before", ["indexed", "unreadable", "given up"])
def test_a_changed_photo_is_pending_again(photos: Photos, before: str) -> None:
    photo_id = indexed(photos)
    if before == "unreadable":
        photos.mark_unreadable(TEAM, photo_id, "why")
    elif before == "given up":
        photos.mark_given_up(TEAM, photo_id, "why")

    add(photos, found_photo("F1", version="2"))

    assert state(photos, photo_id) is PhotoState.PENDING


def test_an_address_once_known_is_kept(photos: Photos) -> None:
    photo_id = add(photos, found_photo(url="https://one"))

    add(photos, found_photo(url=None))

    photo = photos.get(TEAM, photo_id)
    assert photo is not None
    assert photo.url == "https://one"


def test_two_workspaces_may_hold_the_same_file(photos: Photos) -> None:
    one, other = add(photos, found_photo()), add(photos, found_photo(), OTHER)

    assert one != other
    assert photos.get(OTHER, one) is None
    assert photos.counts(OTHER).photos == 1


def test_a_photo_that_was_indexed_says_by_which_engine(photos: Photos) -> None:
    photo = photos.get(TEAM, indexed(photos))

    assert photo is not None
    assert (photo.state, photo.engine_id) == (PhotoState.INDEXED, ENGINE)


def test_faces_replace_those_that_were_there(photos: Photos) -> None:
    photo_id = indexed(photos)

    put(photos, photo_id, photo_faces(*random_units(3, 8, seed=2)))

    assert photos.counts(TEAM).faces == 3


def test_putting_faces_twice_is_the_same_as_once(photos: Photos) -> None:
    photo_id = indexed(photos)

    put(photos, photo_id)

    assert photos.counts(TEAM) == IndexCounts(photos=1, indexed=1, faces=2)


def test_a_photo_without_faces_is_indexed_all_the_same(photos: Photos) -> None:
    put(photos, add(photos, found_photo()), NO_FACES)

    assert photos.counts(TEAM) == IndexCounts(photos=1, indexed=1, without_face=1)


def test_faces_of_another_engine_than_the_workspaces_are_refused(photos: Photos) -> None:
    photo_id = indexed(photos)
    add(photos, found_photo("F1", version="2"))

    is_stored = photos.put_faces(
        TEAM,
        photo_id,
        engine_id=EngineId("another"),
        version="2",
        content_hash=b"##",
        faces=NO_FACES,
    )

    assert not is_stored
    assert photos.counts(TEAM) == IndexCounts(photos=1, pending=1, faces=2)


def test_a_photo_deleted_meanwhile_stays_deleted(photos: Photos) -> None:
    photo_id = add(photos, found_photo())
    assert photos.delete(TEAM, FileId("F1"))

    put(photos, photo_id)

    assert photos.get(TEAM, photo_id) is None
    assert photos.counts(TEAM) == IndexCounts()


def test_deleting_takes_faces_and_shares_along(photos: Photos) -> None:
    indexed(photos)

    photos.delete(TEAM, FileId("F1"))

    assert shares(photos) == []
    with psycopg.connect(photos._database.conninfo) as connection:
        assert connection.execute("select count(*) from faces").fetchone() == (0,)


def test_an_unknown_photo_can_not_be_deleted(photos: Photos) -> None:
    indexed(photos)

    assert not photos.delete(TEAM, FileId("F9"))
    assert not photos.delete(OTHER, FileId("F1"))
    assert photos.counts(TEAM).photos == 1


def test_faces_that_can_not_be_stored_leave_the_old_ones(photos: Photos) -> None:
    photo_id = indexed(photos)
    face = FACES.faces[0]
    broken = replace(FACES, faces=[face, replace(face, quality=None)])  # type: ignore[arg-type]

    with pytest.raises(psycopg.errors.NotNullViolation):
        put(photos, photo_id, broken)

    assert photos.counts(TEAM).faces == 2


def test_an_unreadable_photo_loses_its_faces(photos: Photos) -> None:
    photo_id = indexed(photos)

    photos.mark_unreadable(TEAM, photo_id, "the file is empty")

    assert photos.counts(TEAM) == IndexCounts(photos=1, unreadable=1)


def test_a_file_that_changed_while_it_was_read_is_not_called_unreadable(photos: Photos) -> None:
    photo_id = indexed(photos)

    photos.mark_unreadable(TEAM, photo_id, "the file is empty", version="an older one")

    assert photos.counts(TEAM) == IndexCounts(photos=1, indexed=1, faces=2)


def test_a_photo_that_was_given_up_keeps_its_faces(photos: Photos) -> None:
    photo_id = indexed(photos)

    photos.mark_given_up(TEAM, photo_id, "Slack can't be reached")

    assert photos.counts(TEAM) == IndexCounts(photos=1, given_up=1, faces=2)


def test_counts_are_of_the_channel_asked_for(photos: Photos) -> None:
    indexed(photos, "F1", "C1")
    indexed(photos, "F2", "C2")
    add(photos, found_photo("F3", shares=[share("C2", day=1)]))

    assert photos.counts(TEAM) == IndexCounts(photos=3, indexed=2, pending=1, faces=4)
    assert photos.counts(TEAM, channel_id=ChannelId("C2")) == IndexCounts(
        photos=2, indexed=1, pending=1, faces=2
    )
    assert photos.counts(TEAM, channel_id=ChannelId("C9")) == IndexCounts()


def test_a_photo_shown_twice_in_a_channel_counts_once(photos: Photos) -> None:
    add(photos, found_photo(shares=[share(day=0), share(day=1)]))

    assert photos.counts(TEAM, channel_id=ChannelId("C1")).photos == 1


def test_problems_are_told_with_name_state_and_reason_newest_first(photos: Photos) -> None:
    for number in (1, 2, 3):
        add(photos, found_photo(f"F{number}", name=f"{number}.jpg"))
    photos.mark_unreadable(TEAM, ids(photos)["F1"], "the file is empty")
    photos.mark_given_up(TEAM, ids(photos)["F2"], "no answer")

    assert photos.problems(TEAM, limit=9) == [
        ("2.jpg", PhotoState.GIVEN_UP, "no answer"),
        ("1.jpg", PhotoState.UNREADABLE, "the file is empty"),
    ]
    assert len(photos.problems(TEAM, limit=1)) == 1
    assert photos.problems(TEAM, limit=9, channel_ids=[ChannelId("C9")]) == []


def test_a_photo_that_became_readable_is_no_problem_any_more(photos: Photos) -> None:
    photo_id = add(photos, found_photo())
    photos.mark_unreadable(TEAM, photo_id, "the file is empty")

    put(photos, photo_id)

    assert photos.problems(TEAM, limit=9) == []


def test_a_provisional_share_gives_way_to_the_real_one(photos: Photos) -> None:
    add(photos, found_photo(shares=[share("C1", ts="")]))
    assert shares(photos) == [("C1", "")]

    add(photos, found_photo(shares=[share("C1", ts="177.1")]))

    assert shares(photos) == [("C1", "177.1")]


def test_a_provisional_share_of_another_channel_stays(photos: Photos) -> None:
    add(photos, found_photo(shares=[share("C1", ts=""), share("C2", ts="")]))

    add(photos, found_photo(shares=[share("C2", ts="177.1")]))

    assert shares(photos) == [("C1", ""), ("C2", "177.1")]


def test_a_provisional_share_that_comes_late_is_not_kept(photos: Photos) -> None:
    add(photos, found_photo(shares=[share("C1", ts="177.1")]))

    add(photos, found_photo(shares=[share("C1", ts="")]))

    assert shares(photos) == [("C1", "177.1")]


def test_only_the_photos_that_are_still_there_are_kept(photos: Photos) -> None:
    indexed(photos, "F1")
    indexed(photos, "F2")
    indexed(photos, "F3", "C2")

    assert (
        photos.keep_only(
            TEAM, ChannelId("C1"), [found_photo("F1")], before=EPOCH + timedelta(days=1)
        )
        == 1
    )

    assert sorted(ids(photos)) == ["F1", "F3"]


@pytest.mark.parametrize("title", ["a\0b.jpg", "\ud83d"])
def test_a_title_that_the_database_can_not_hold_does_not_stop_the_others(
    photos: Photos, title: str
) -> None:
    file = {"id": "F1", "created": 1_777_000_000, "title": title, "mimetype": "image/jpeg"}

    photos.add(TEAM, [payloads.found_photo(file, team_url="https://x/"), found_photo("F2")])

    assert photos.counts(TEAM).photos == 2


@pytest.mark.parametrize(("is_watched", "left"), [(True, 1), (False, 0)])
def test_a_photo_stays_where_another_watched_channel_shows_it_and_for_no_other_share(
    photos: Photos, *, is_watched: bool, left: int
) -> None:
    workspaces = Workspaces(photos._database)
    if not is_watched:
        workspaces.unwatch(TEAM, ChannelId("C2"))
    add(photos, found_photo(shares=[share("C1", ts="177.1"), share("C2", ts="177.2")]))

    photos.drop_share(TEAM, ChannelId("C1"), "177.1")

    assert photos.counts(TEAM).photos == left
