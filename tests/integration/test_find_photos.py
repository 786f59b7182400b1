"""Who asks sees photos of the channels they are in, and of no other."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.domain.consent import ColleagueSearch
from pipeline.domain.model import Certainty, ChannelId, UserId
from pipeline.errors import (
    ChannelNotSearchedError,
    NoFaceInPictureError,
    NoProfilePictureError,
    PictureError,
    UnreadablePhotoError,
)
from pipeline.folder import LOCAL
from pipeline.usecases.find_photos import FindPhotos, Found, Query
from pipeline.wiring import Runtime
from tests.fakes import Colleagues
from tests.integration.conftest import index_now
from tests.shared import shared_folder

ANN, DAD, MOM = UserId("ANN"), UserId("DAD"), UserId("MOM")


@pytest.fixture
def family() -> Path:
    return shared_folder() / "data/events/family"


@pytest.fixture
def party(tmp_path: Path, family: Path, runtime: Runtime) -> ChannelId:
    """A channel with dad alone, and dad among others."""
    return channel(runtime, family, tmp_path / "party", "findsimilar.jpg", "identification1.jpg")


@pytest.fixture
def secret(tmp_path: Path, family: Path, runtime: Runtime) -> ChannelId:
    """A channel with the same photo of dad, and a photo of somebody else."""
    return channel(runtime, family, tmp_path / "secret", "findsimilar.jpg", "detection1.jpg")


def channel(runtime: Runtime, family: Path, folder: Path, *names: str) -> ChannelId:
    folder.mkdir()
    for name in names:
        shutil.copyfile(family / "photos" / name, folder / name)
    return index_now(runtime, folder)


def portrait(family: Path, name: str) -> bytes:
    return min((family / "people" / name).iterdir()).read_bytes()


@pytest.fixture
def colleagues(family: Path, party: ChannelId, secret: ChannelId) -> Colleagues:
    return Colleagues(
        pictures={DAD: portrait(family, "dad"), MOM: portrait(family, "mom")},
        channels={DAD: [party, secret], MOM: [party], ANN: []},
    )


@pytest.fixture
def find(runtime: Runtime, colleagues: Colleagues) -> FindPhotos:
    return FindPhotos(
        people=runtime.known_people(colleagues),
        visibility=colleagues,
        channels=runtime.workspaces,
        photos=runtime.photos,
        engines=runtime.engines,
        match_faces=runtime.match_faces,
        permit=runtime.permit(ColleagueSearch.OPEN),
        protected=runtime.opt_outs,
    )


def shown(found: Found) -> list[tuple[str, ChannelId]]:
    return sorted((match.face.photo_name, match.face.share.channel_id) for match in found.matches)


def test_a_person_finds_the_photos_they_are_in(find: FindPhotos, party: ChannelId) -> None:
    found = find(LOCAL, Query(asker=MOM, people=[MOM]))

    assert shown(found) == [("identification1.jpg", party)]
    assert found.matches[0].certainty is Certainty.SURE
    assert found.sure == 1


def test_a_repost_is_shown_once(find: FindPhotos) -> None:
    names = [name for name, _ in shown(find(LOCAL, Query(asker=DAD, people=[DAD])))]

    assert names == ["findsimilar.jpg", "identification1.jpg"]


def test_who_asks_for_a_colleague_sees_only_their_own_channels(
    find: FindPhotos, party: ChannelId
) -> None:
    found = find(LOCAL, Query(asker=MOM, people=[DAD]))

    assert shown(found) == [("findsimilar.jpg", party), ("identification1.jpg", party)]
    assert len(found.channel_ids) == 1


def test_a_repost_is_shown_from_the_channel_that_can_be_opened(
    find: FindPhotos, colleagues: Colleagues, secret: ChannelId
) -> None:
    colleagues.channels[MOM] = [secret]

    assert shown(find(LOCAL, Query(asker=MOM, people=[DAD]))) == [("findsimilar.jpg", secret)]


def test_who_is_in_no_channel_sees_nothing(find: FindPhotos) -> None:
    found = find(LOCAL, Query(asker=ANN, people=[DAD]))

    assert (shown(found), list(found.channel_ids)) == ([], [])


def test_who_left_a_channel_sees_it_no_more(find: FindPhotos, colleagues: Colleagues) -> None:
    find(LOCAL, Query(asker=MOM, people=[MOM]))
    colleagues.channels[MOM] = []

    assert shown(find(LOCAL, Query(asker=MOM, people=[MOM]))) == []


def test_a_channel_that_is_no_longer_watched_is_not_searched(
    find: FindPhotos, runtime: Runtime, party: ChannelId
) -> None:
    runtime.workspaces.unwatch(LOCAL, party)

    found = find(LOCAL, Query(asker=MOM, people=[DAD]))

    assert (shown(found), list(found.channel_ids)) == ([], [])


def test_a_deleted_photo_is_never_found_again(find: FindPhotos, runtime: Runtime) -> None:
    (match,) = find(LOCAL, Query(asker=MOM, people=[MOM])).matches

    runtime.photos.delete(LOCAL, match.face.file_id)

    assert shown(find(LOCAL, Query(asker=MOM, people=[MOM]))) == []


def test_photos_that_still_wait_are_told_of_where_they_can_be_seen(
    find: FindPhotos, runtime: Runtime, secret: ChannelId
) -> None:
    runtime.runs.start(LOCAL, [secret], requested_by=None)

    waiting = [find(LOCAL, Query(asker=asker, people=[DAD])).photos_pending for asker in (DAD, MOM)]

    assert waiting == [2, 0]


def test_a_profile_picture_is_read_once(find: FindPhotos, colleagues: Colleagues) -> None:
    for _ in range(3):
        find(LOCAL, Query(asker=DAD, people=[DAD]))

    assert colleagues.fetched == 1


def test_a_new_profile_picture_is_read(
    find: FindPhotos, colleagues: Colleagues, family: Path
) -> None:
    before = shown(find(LOCAL, Query(asker=DAD, people=[DAD])))
    colleagues.pictures[DAD] = portrait(family, "mom")

    after = shown(find(LOCAL, Query(asker=DAD, people=[DAD])))

    assert before != after
    assert [name for name, _ in after] == ["identification1.jpg"]


def test_the_answer_from_a_kept_reference_is_the_same(find: FindPhotos) -> None:
    assert shown(find(LOCAL, Query(asker=DAD, people=[DAD]))) == shown(
        find(LOCAL, Query(asker=DAD, people=[DAD]))
    )


def test_how_many_faces_the_picture_showed_is_told(
    find: FindPhotos, colleagues: Colleagues, family: Path
) -> None:
    colleagues.pictures[DAD] = (family / "photos/identification1.jpg").read_bytes()

    counted = [
        find(LOCAL, Query(asker=DAD, people=[DAD])).sought[0].faces_in_picture for _ in range(2)
    ]

    assert counted == [4, 4]


def test_who_has_no_profile_picture_can_not_be_looked_for(find: FindPhotos) -> None:
    with pytest.raises(NoProfilePictureError):
        find(LOCAL, Query(asker=DAD, people=[ANN]))


def test_a_profile_picture_without_a_face_says_so(find: FindPhotos, colleagues: Colleagues) -> None:
    colleagues.pictures[DAD] = NO_FACE

    with pytest.raises(NoFaceInPictureError):
        find(LOCAL, Query(asker=DAD, people=[DAD]))


def test_a_profile_picture_that_is_none_says_why(find: FindPhotos, colleagues: Colleagues) -> None:
    colleagues.pictures[DAD] = b"<!doctype html>"

    with pytest.raises(UnreadablePhotoError, match="web page"):
        find(LOCAL, Query(asker=DAD, people=[DAD]))


def test_whose_picture_it_is_that_can_not_be_used_is_told(
    find: FindPhotos, colleagues: Colleagues
) -> None:
    colleagues.pictures[MOM] = NO_FACE

    with pytest.raises(PictureError) as faceless:
        find(LOCAL, Query(asker=DAD, people=[DAD, MOM]))
    with pytest.raises(PictureError) as missing:
        find(LOCAL, Query(asker=DAD, people=[DAD, ANN]))

    assert (faceless.value.user_id, missing.value.user_id) == (MOM, ANN)


def test_several_people_are_found_where_all_of_them_are(find: FindPhotos, party: ChannelId) -> None:
    found = find(LOCAL, Query(asker=DAD, people=[DAD, MOM]))

    assert shown(found) == [("identification1.jpg", party)]
    assert [one.user_id for one in found.sought] == [DAD, MOM]


def test_a_photo_of_several_is_a_match_of_the_askers_face(find: FindPhotos) -> None:
    alone = {
        match.face.photo_name: match.face.face_id
        for match in find(LOCAL, Query(asker=MOM, people=[MOM])).matches
    }

    (match,) = find(LOCAL, Query(asker=MOM, people=[DAD, MOM])).matches

    assert match.face.face_id == alone["identification1.jpg"]


def test_somebody_twice_is_looked_for_once(find: FindPhotos) -> None:
    once = find(LOCAL, Query(asker=DAD, people=[DAD]))

    assert shown(find(LOCAL, Query(asker=DAD, people=[DAD, DAD]))) == shown(once)


def test_in_a_channel_only_its_photos_are_found_and_told_with_their_share_there(
    find: FindPhotos, party: ChannelId, secret: ChannelId
) -> None:
    found = find(LOCAL, Query(asker=DAD, people=[DAD], channel_ids=[secret]))

    assert shown(found) == [("findsimilar.jpg", secret)]
    assert (found.channel_ids, set(found.visible_ids)) == ([secret], {party, secret})


@pytest.mark.parametrize("how", ["not in it", "not watched", "unknown"])
def test_a_channel_that_can_not_be_searched_is_refused(
    find: FindPhotos, runtime: Runtime, party: ChannelId, secret: ChannelId, how: str
) -> None:
    asked = {"not in it": secret, "not watched": party}.get(how, ChannelId("elsewhere"))
    if how == "not watched":
        runtime.workspaces.unwatch(LOCAL, party)

    with pytest.raises(ChannelNotSearchedError):
        find(LOCAL, Query(asker=MOM, people=[MOM], channel_ids=[asked]))


def post_at(runtime: Runtime, name: str, channel_id: ChannelId, when: datetime) -> None:
    values = {"name": name, "channel_id": channel_id, "when": when}
    with runtime.database.transaction() as connection:
        connection.execute(POST_AT, values)


def test_since_counts_and_until_does_not(
    find: FindPhotos, runtime: Runtime, party: ChannelId
) -> None:
    post_at(runtime, "identification1.jpg", party, NOON)

    def is_found(*, since: datetime | None = None, until: datetime | None = None) -> bool:
        query = Query(asker=MOM, people=[MOM], since=since, until=until)
        return bool(find(LOCAL, query).matches)

    assert is_found(since=NOON)
    assert not is_found(since=NOON + SECOND)
    assert not is_found(until=NOON)
    assert is_found(until=NOON + SECOND)
    assert is_found(since=NOON, until=NOON + SECOND)


def test_a_photo_is_told_with_its_earliest_share_of_those_that_were_asked_for(
    find: FindPhotos, runtime: Runtime, party: ChannelId, secret: ChannelId
) -> None:
    post_at(runtime, "findsimilar.jpg", secret, NOON)
    post_at(runtime, "findsimilar.jpg", party, NOON + SECOND)

    def where(**narrowed: Any) -> list[ChannelId]:
        found = find(LOCAL, Query(asker=DAD, people=[DAD], **narrowed))
        return [channel for name, channel in shown(found) if name == "findsimilar.jpg"]

    assert where() == [secret]
    assert where(until=NOON + 2 * SECOND) == [secret]
    assert where(since=NOON + SECOND) == [party]
    assert where(channel_ids=[party]) == [party]


def test_whatever_narrows_a_question_finds_no_photo_that_the_wide_one_does_not(
    find: FindPhotos, runtime: Runtime, party: ChannelId, secret: ChannelId
) -> None:
    post_at(runtime, "identification1.jpg", party, NOON)
    wide = facts(find(LOCAL, Query(asker=DAD, people=[DAD])))
    narrowings: list[dict[str, Any]] = [
        {"channel_ids": [party]},
        {"channel_ids": [secret]},
        {"channel_ids": [party, secret]},
        {"since": NOON, "until": NOON + SECOND},
        {"only_sure": True},
    ]

    for narrowed in narrowings:
        found = facts(find(LOCAL, Query(asker=DAD, people=[DAD], **narrowed)))
        assert found <= wide, narrowed
        assert found, narrowed
    together = find(LOCAL, Query(asker=DAD, people=[DAD, MOM]))
    assert {name for name, _ in shown(together)} <= {name for name, _ in wide}


def facts(found: Found) -> set[tuple[str, Certainty]]:
    return {(match.face.photo_name, match.certainty) for match in found.matches}


def test_a_selfie_alone_stands_for_the_asker_and_for_nobody_else(
    find: FindPhotos, runtime: Runtime, colleagues: Colleagues, family: Path
) -> None:
    selfie = runtime.add_selfie.read(LOCAL, portrait(family, "mom")).reference
    del colleagues.pictures[MOM]

    by_selfie = find(LOCAL, Query(asker=MOM, people=[MOM]), selfie=selfie)
    with_dad = find(LOCAL, Query(asker=MOM, people=[MOM, DAD]), selfie=selfie)
    of_dad = find(LOCAL, Query(asker=MOM, people=[DAD]), selfie=selfie)

    assert {name for name, _ in shown(by_selfie)} == {"identification1.jpg"}
    assert {name for name, _ in shown(with_dad)} == {"identification1.jpg"}
    assert {name for name, _ in shown(of_dad)} == {"findsimilar.jpg", "identification1.jpg"}
    with pytest.raises(NoProfilePictureError):
        find(LOCAL, Query(asker=MOM, people=[MOM]))


NOON, SECOND = datetime(2024, 5, 12, 12, tzinfo=UTC), timedelta(seconds=1)
POST_AT = """
update shares set shared_at = %(when)s from photos
where photos.photo_id = shares.photo_id and name = %(name)s and channel_id = %(channel_id)s
"""

# A grey 1x1 GIF.
NO_FACE = b"GIF89a\1\0\1\0\x80\0\0\x80\x80\x80\xff\xff\xff,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"
