"""Who asks sees photos of the channels they are in, and of no other."""

import shutil
from pathlib import Path

import pytest

from pipeline.domain.model import Certainty, ChannelId, UserId
from pipeline.errors import NoFaceInPictureError, NoProfilePictureError, UnreadablePhotoError
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

    assert (shown(found), found.channel_ids) == ([], [])


def test_who_left_a_channel_sees_it_no_more(find: FindPhotos, colleagues: Colleagues) -> None:
    find(LOCAL, Query(asker=MOM, people=[MOM]))
    colleagues.channels[MOM] = []

    assert shown(find(LOCAL, Query(asker=MOM, people=[MOM]))) == []


def test_a_channel_that_is_no_longer_watched_is_not_searched(
    find: FindPhotos, runtime: Runtime, party: ChannelId
) -> None:
    runtime.workspaces.unwatch(LOCAL, party)

    found = find(LOCAL, Query(asker=MOM, people=[DAD]))

    assert (shown(found), found.channel_ids) == ([], [])


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


# A grey 1x1 GIF.
NO_FACE = b"GIF89a\1\0\1\0\x80\0\0\x80\x80\x80\xff\xff\xff,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"
