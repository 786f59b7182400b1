"""Pictures of photos in formats that Slack doesn't show: real files, database and decoder."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator

import pytest
from PIL import Image
from slack_sdk.models.blocks import ImageBlock
from slack_sdk.models.blocks.basic_components import SlackFile

from bot.files.thumbnails import MOST_AT_A_SWEEP, SIDE_PX, Thumbnails
from bot.sandbox import DOWNLOAD
from pipeline.domain.model import FileId, FoundPhoto, Photo, PhotoId
from pipeline.storage.thumbnails import Thumbnails as Store
from tests.acceptance.office import eventually
from tests.acceptance.shelf import Shelf, open_shelf
from tests.acceptance.thumbnails import DAMAGED, ask, made, open_thumbnails, webp
from tests.made_pictures import BLUE, GREEN, KINDS, RED, WHITE, corners, saved

GPS_IFD, LATITUDE, ORIENTATION = 0x8825, 2, 0x0112


@pytest.fixture
def shelf(conninfo: str) -> Iterator[Shelf]:
    with open_shelf(conninfo) as opened:
        yield opened


@pytest.fixture
def store(shelf: Shelf) -> Store:
    return Store(shelf.database)


@pytest.fixture
def thumbnails(shelf: Shelf) -> Iterator[Thumbnails]:
    with open_thumbnails(shelf) as opened:
        yield opened


@pytest.mark.parametrize(
    ("kind", "name"),
    [("heic", "a.heic"), ("webp", "a.webp"), ("tiff", "a.tif"), ("bmp", "a.bmp")],
)
def test_a_photo_that_slack_does_not_show_gets_a_jpeg_that_it_does(
    shelf: Shelf, thumbnails: Thumbnails, kind: str, name: str
) -> None:
    match = shelf.post(name, KINDS[kind]())
    file_id = ask(thumbnails, shelf, match)[match.face.photo_id]
    file = made(shelf)
    assert FileId(file.id) == file_id
    assert file.shares == ()
    with Image.open(io.BytesIO(file.data)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (96, 64))
        seen = [picture.getpixel((x, y)) for y in (16, 48) for x in (24, 72)]
    for pixel, colour in zip(seen, (RED, GREEN, BLUE, WHITE), strict=True):
        assert isinstance(pixel, tuple)
        assert max(abs(a - b) for a, b in zip(pixel, colour, strict=True)) < 25
    # The bot may post it: the workspace checks its blocks as Slack does.
    block = ImageBlock(slack_file=SlackFile(id=file_id), alt_text="a photo")
    shelf.workspace.client.chat_postMessage(
        channel=shelf.channel.id, text="look", blocks=[block.to_dict()]
    )


def test_what_slack_shows_by_itself_needs_none(shelf: Shelf, thumbnails: Thumbnails) -> None:
    matches = [
        shelf.post(f"a.{ending}", KINDS[kind]())
        for kind, ending in (("jpeg", "jpg"), ("png", "png"), ("gif", "gif"))
    ]
    assert ask(thumbnails, shelf, *matches) == {}
    assert shelf.own_files() == []
    assert not shelf.slack.faults.downloads


def test_a_large_photo_is_made_small_upright_and_tells_no_place(
    shelf: Shelf, thumbnails: Thumbnails
) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif.get_ifd(GPS_IFD)[LATITUDE] = (52.0, 31.0, 12.0)
    data = saved(corners(2400, 1600), "WEBP", quality=80, exif=exif.tobytes())
    assert b"EXIF" in data
    match = shelf.post("large.webp", data)
    assert ask(thumbnails, shelf, match)
    with Image.open(io.BytesIO(made(shelf).data)) as picture:
        assert max(picture.size) == SIDE_PX == picture.size[1]
        assert not picture.getexif()
        assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        # turned by a quarter, clockwise: blue came from below
        assert picture.getpixel((100, 100)) == pytest.approx(BLUE, abs=25)


def test_a_thumbnail_is_made_once(shelf: Shelf) -> None:
    match = webp(shelf)
    with open_thumbnails(shelf) as thumbnails:
        first = ask(thumbnails, shelf, match)
        assert ask(thumbnails, shelf, match) == first
    with open_thumbnails(shelf) as another:
        assert ask(another, shelf, match) == first
    assert shelf.slack.faults.calls["files.completeUploadExternal"] == 1


def test_two_who_ask_at_once_wait_for_the_same_one(shelf: Shelf, thumbnails: Thumbnails) -> None:
    match = webp(shelf)
    shelf.slack.faults.slow(DOWNLOAD, delay_s=0.5)
    answers: list[dict[PhotoId, FileId]] = []
    askers = [
        threading.Thread(target=lambda: answers.append(ask(thumbnails, shelf, match)))
        for _ in range(3)
    ]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert answers == [{match.face.photo_id: FileId(made(shelf).id)}] * 3


def test_an_answer_waits_no_longer_than_it_may_and_the_next_one_has_it(
    shelf: Shelf, thumbnails: Thumbnails, store: Store
) -> None:
    slow, quick = webp(shelf, "slow.webp"), webp(shelf, "quick.webp")
    ask(thumbnails, shelf, quick)
    shelf.slack.faults.slow(DOWNLOAD, delay_s=4.0)
    started_s = time.monotonic()
    found = ask(thumbnails, shelf, slow, quick, patience_s=0.2)
    assert time.monotonic() - started_s < 3
    assert list(found) == [quick.face.photo_id]
    team_id, photo_id = shelf.workspace.team_id, slow.face.photo_id
    eventually(lambda: store.get(team_id, [photo_id]), what="the thumbnail")
    assert set(ask(thumbnails, shelf, slow, quick)) == {photo_id, quick.face.photo_id}


def test_a_thumbnail_is_shown_only_once_slack_has_looked_through_it(
    shelf: Shelf, thumbnails: Thumbnails
) -> None:
    match = webp(shelf)
    known = shelf.slack.faults.calls["files.info"]
    unread = {"ok": True, "file": {"id": "F1", "mimetype": ""}}
    shelf.slack.faults.fail("files.info", body=unread, times=2)
    assert ask(thumbnails, shelf, match)
    assert shelf.slack.faults.calls["files.info"] == known + 3


def test_what_failed_is_left_out_and_not_tried_again_for_a_while(
    shelf: Shelf, thumbnails: Thumbnails
) -> None:
    bad = shelf.post("bad.webp", DAMAGED)
    good = webp(shelf)
    assert set(ask(thumbnails, shelf, bad, good)) == {good.face.photo_id}
    assert ask(thumbnails, shelf, bad) == {}
    assert sum(shelf.slack.faults.downloads.values()) == 2
    with open_thumbnails(shelf, failed_for_s=0.0) as impatient:
        ask(impatient, shelf, bad)
        ask(impatient, shelf, bad)
    assert sum(shelf.slack.faults.downloads.values()) == 4


@pytest.mark.parametrize(
    ("method", "error"),
    [(DOWNLOAD, None), ("files.getUploadURLExternal", "file_uploads_disabled")],
)
def test_no_fault_of_slacks_spoils_an_answer(
    shelf: Shelf, thumbnails: Thumbnails, method: str, error: str | None
) -> None:
    match = webp(shelf)
    shelf.slack.faults.fail(method, status=200 if error else 404, error=error)
    assert ask(thumbnails, shelf, match) == {}
    assert shelf.own_files() == []


def test_a_photo_deleted_meanwhile_leaves_no_thumbnail(shelf: Shelf) -> None:
    match = webp(shelf)

    def late(photo: Photo) -> bytes:
        data = shelf.workspace.download(photo)
        shelf.photos.delete(photo.team_id, photo.file_id)
        return data

    with open_thumbnails(shelf, download=late) as thumbnails:
        assert ask(thumbnails, shelf, match) == {}
    assert shelf.slack.faults.calls["files.completeUploadExternal"] == 1
    assert shelf.own_files() == []


def test_a_sweep_deletes_the_thumbnails_of_photos_that_are_gone(
    shelf: Shelf, thumbnails: Thumbnails, store: Store
) -> None:
    gone, stays = webp(shelf, "gone.webp"), webp(shelf, "stays.webp")
    kept = ask(thumbnails, shelf, gone, stays)
    team_id = shelf.workspace.team_id
    shelf.photos.delete(team_id, gone.face.file_id)
    thumbnails.sweep(team_id)
    assert [FileId(file.id) for file in shelf.own_files()] == [kept[stays.face.photo_id]]
    assert store.orphans(team_id) == []


def test_a_sweep_that_slack_refuses_is_made_up_for_later(shelf: Shelf, store: Store) -> None:
    gone = webp(shelf)
    team_id = shelf.workspace.team_id
    shelf.slack.faults.fail("files.delete", error="access_denied")
    with open_thumbnails(shelf, failed_for_s=0.0) as thumbnails:
        ask(thumbnails, shelf, gone)
        shelf.photos.delete(team_id, gone.face.file_id)
        thumbnails.sweep(team_id)
        assert len(store.orphans(team_id)) == len(shelf.own_files()) == 1
        thumbnails.sweep(team_id)
    assert not store.orphans(team_id)
    assert not shelf.own_files()


def test_what_slack_never_deletes_keeps_no_other_from_being_deleted(
    shelf: Shelf, thumbnails: Thumbnails, store: Store
) -> None:
    stuck = [webp(shelf, f"{n}.webp") for n in range(MOST_AT_A_SWEEP)]
    other = webp(shelf, "other.webp")
    kept = ask(thumbnails, shelf, *stuck, other)
    team_id = shelf.workspace.team_id
    for match in (*stuck, other):
        shelf.photos.delete(team_id, match.face.file_id)
    shelf.slack.faults.fail("files.delete", error="cant_delete_file", times=len(stuck))
    thumbnails.sweep(team_id)
    thumbnails.sweep(team_id)
    assert set(store.orphans(team_id)) == {kept[match.face.photo_id] for match in stuck}


def test_a_sweep_goes_on_where_the_last_one_stopped(
    shelf: Shelf, thumbnails: Thumbnails, store: Store
) -> None:
    matches = [webp(shelf, f"{n}.webp") for n in range(MOST_AT_A_SWEEP + 2)]
    ask(thumbnails, shelf, *matches)
    team_id = shelf.workspace.team_id
    for match in matches:
        shelf.photos.delete(team_id, match.face.file_id)
    left = []
    for _ in range(3):
        thumbnails.sweep(team_id)
        left.append(len(store.orphans(team_id)))
    assert left == [2, 0, 0]
    assert shelf.slack.faults.calls["files.delete"] == len(matches)


def test_a_changed_photo_gets_another_thumbnail(
    shelf: Shelf, thumbnails: Thumbnails, store: Store
) -> None:
    match = webp(shelf)
    before = ask(thumbnails, shelf, match)
    team_id, face = shelf.workspace.team_id, match.face
    described = shelf.workspace.describe(face.file_id)
    changed = FoundPhoto(
        file_id=described.file_id,
        name=described.name,
        media_type=described.media_type,
        url=described.url,
        version="2",
        posted_by=described.posted_by,
        posted_at=described.posted_at,
        shares=described.shares,
    )
    shelf.photos.add(team_id, [changed])
    after = ask(thumbnails, shelf, match)
    assert after.keys() == before.keys()
    assert after != before
    assert store.orphans(team_id) == list(before.values())


def test_a_thumbnail_that_somebody_deleted_is_made_anew(
    shelf: Shelf, thumbnails: Thumbnails
) -> None:
    match = webp(shelf)
    first = ask(thumbnails, shelf, match)[match.face.photo_id]
    shelf.uploads.delete(first)
    thumbnails.forget(shelf.workspace.team_id, first)
    second = ask(thumbnails, shelf, match)[match.face.photo_id]
    assert first != second


def test_a_stop_begins_nothing_and_leaves_nothing_half_done(shelf: Shelf) -> None:
    matches = [webp(shelf, f"{n}.webp") for n in range(6)]
    unread = {"ok": True, "file": {"id": "F1", "mimetype": ""}}
    shelf.slack.faults.fail("files.info", body=unread, times=999)
    with open_thumbnails(shelf) as thumbnails:
        assert ask(thumbnails, shelf, *matches, patience_s=1.0) == {}
        started_s = time.monotonic()
        thumbnails.stop()
        assert time.monotonic() - started_s < 5
        assert ask(thumbnails, shelf, *matches, patience_s=1.0) == {}
    assert shelf.own_files() == []


def test_ready_means_that_asking_again_tells_all_there_will_be(
    shelf: Shelf, thumbnails: Thumbnails
) -> None:
    good, bad = webp(shelf), shelf.post("bad.webp", DAMAGED)
    shown = shelf.post("a.jpg", KINDS["jpeg"]())
    team_id = shelf.workspace.team_id
    shelf.slack.faults.slow(DOWNLOAD, delay_s=0.5, times=2)
    assert ask(thumbnails, shelf, good, bad, shown, patience_s=0.0) == {}
    assert not thumbnails.is_ready(team_id, [good, bad, shown])
    assert thumbnails.is_ready(team_id, [shown])
    eventually(lambda: thumbnails.is_ready(team_id, [good, bad, shown]), what="both")
    assert set(ask(thumbnails, shelf, good, bad, patience_s=0.0)) == {good.face.photo_id}
