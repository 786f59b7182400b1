"""Pictures of photos that Slack doesn't show, made before anybody asks for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping

import pytest
from structlog.testing import capture_logs

from bot.demo.album import AlbumPhoto
from bot.files.thumbnails import MOST_AHEAD, Thumbnails
from bot.sandbox import DOWNLOAD, SharedFile
from pipeline.domain.model import FileId, Match, Photo, PhotoId
from pipeline.storage.thumbnails import Thumbnails as Store
from tests.acceptance.office import Office, eventually
from tests.acceptance.shelf import Shelf, open_shelf
from tests.acceptance.thumbnails import DAMAGED, ask, indexed, made, open_thumbnails, webp


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


def prepared(shelf: Shelf, store: Store, *matches: Match) -> dict[PhotoId, FileId]:
    """The thumbnails that those photos have by now."""
    photo_ids = [match.face.photo_id for match in matches]
    return dict(store.get(shelf.workspace.team_id, photo_ids))


def test_what_is_made_ahead_is_there_when_somebody_asks(
    shelf: Shelf, thumbnails: Thumbnails, store: Store
) -> None:
    matches = indexed(shelf, *(f"{n}.webp" for n in range(4)))
    thumbnails.prepare(shelf.workspace.team_id)
    eventually(lambda: len(prepared(shelf, store, *matches)) == 4, what="four thumbnails")
    assert ask(thumbnails, shelf, *matches, patience_s=0.0) == prepared(shelf, store, *matches)


def test_a_tick_makes_no_more_than_slack_takes_and_the_next_one_goes_on(
    shelf: Shelf, thumbnails: Thumbnails, store: Store
) -> None:
    matches = indexed(shelf, *(f"{n}.webp" for n in range(MOST_AHEAD + 2)))
    team_id = shelf.workspace.team_id
    thumbnails.prepare(team_id)
    newest = matches[2:]
    eventually(lambda: len(prepared(shelf, store, *newest)) == MOST_AHEAD, what="the newest")
    time.sleep(0.3)
    assert len(shelf.own_files()) == MOST_AHEAD
    thumbnails.prepare(team_id)
    eventually(lambda: len(prepared(shelf, store, *matches)) == len(matches), what="all of them")
    thumbnails.prepare(team_id)
    time.sleep(0.3)
    assert shelf.slack.faults.calls["files.completeUploadExternal"] == len(matches)


def test_ticks_that_come_while_all_is_slow_pile_up_nothing(
    shelf: Shelf, thumbnails: Thumbnails, store: Store
) -> None:
    matches = indexed(shelf, *(f"{n}.webp" for n in range(MOST_AHEAD + 6)))
    calls, team_id = shelf.slack.faults.calls, shelf.workspace.team_id
    shelf.slack.faults.slow(DOWNLOAD, delay_s=1.5, times=2)
    thumbnails.prepare(team_id)
    eventually(lambda: calls[DOWNLOAD] == 2, what="two that hang")
    for _ in range(5):
        thumbnails.prepare(team_id)
    most = MOST_AHEAD + 2
    eventually(lambda: len(prepared(shelf, store, *matches)) == most, what="those that waited")
    time.sleep(0.3)
    assert calls["files.completeUploadExternal"] == most


def test_an_answer_waits_for_nothing_that_is_made_ahead(shelf: Shelf) -> None:
    oldest, *_ = indexed(shelf, *(f"{n}.webp" for n in range(MOST_AHEAD)))
    # Both threads that work ahead hang.
    hangs = iter([True, True])
    begun, end = threading.Semaphore(0), threading.Event()

    def download(photo: Photo) -> bytes:
        if next(hangs, False):
            begun.release()
            assert end.wait(60)
        return shelf.workspace.download(photo)

    with open_thumbnails(shelf, download=download) as thumbnails:
        thumbnails.prepare(shelf.workspace.team_id)
        for _ in range(2):
            assert begun.acquire(timeout=60)
        asked = webp(shelf, "asked.webp")
        found = ask(thumbnails, shelf, asked, oldest, patience_s=30.0)
        end.set()
    assert set(found) == {asked.face.photo_id, oldest.face.photo_id}


def test_nothing_is_begun_ahead_while_an_answer_waits(
    shelf: Shelf, thumbnails: Thumbnails, store: Store
) -> None:
    ahead = indexed(shelf, "a.webp", "b.webp", "c.webp")
    asked = webp(shelf, "asked.webp")
    team_id, calls = shelf.workspace.team_id, shelf.slack.faults.calls
    shelf.slack.faults.slow(DOWNLOAD, delay_s=1.0)
    assert ask(thumbnails, shelf, asked, patience_s=0.0) == {}
    thumbnails.prepare(team_id)
    assert not thumbnails.is_ready(team_id, [asked])
    eventually(lambda: thumbnails.is_ready(team_id, [asked]), what="the answer's own")
    assert calls[DOWNLOAD] == 1
    thumbnails.prepare(team_id)
    eventually(lambda: len(prepared(shelf, store, *ahead)) == 3, what="the others")


def test_one_that_is_under_way_ahead_is_waited_for_and_not_made_twice(
    shelf: Shelf, thumbnails: Thumbnails
) -> None:
    (match,) = indexed(shelf, "a.webp")
    shelf.slack.faults.slow(DOWNLOAD, delay_s=0.5)
    thumbnails.prepare(shelf.workspace.team_id)
    eventually(lambda: shelf.slack.faults.calls[DOWNLOAD] == 1, what="the download")
    assert ask(thumbnails, shelf, match) == {match.face.photo_id: FileId(made(shelf).id)}
    assert shelf.slack.faults.calls["files.completeUploadExternal"] == 1


def test_what_failed_ahead_gives_way_to_others_and_is_tried_again_later(
    shelf: Shelf, store: Store
) -> None:
    (good,) = indexed(shelf, "good.webp")
    bad = [f"{n}.webp" for n in range(MOST_AHEAD)]
    indexed(shelf, *bad, data=DAMAGED)
    team_id, downloads = shelf.workspace.team_id, shelf.slack.faults.downloads
    with open_thumbnails(shelf) as thumbnails:
        thumbnails.prepare(team_id)
        eventually(lambda: downloads.total() == MOST_AHEAD, what="the newest")
        time.sleep(0.3)
        thumbnails.prepare(team_id)
        eventually(lambda: prepared(shelf, store, good), what="the one that is left")
        thumbnails.prepare(team_id)
        time.sleep(0.3)
        assert downloads.total() == MOST_AHEAD + 1
    with open_thumbnails(shelf, failed_for_s=0.0) as impatient:
        impatient.prepare(team_id)
        eventually(lambda: downloads.total() == 2 * MOST_AHEAD + 1, what="another try")


def test_where_slack_takes_no_files_it_says_so_once_and_tries_again_much_later(
    shelf: Shelf, store: Store
) -> None:
    matches = indexed(shelf, *(f"{n}.webp" for n in range(6)))
    team_id, faults = shelf.workspace.team_id, shelf.slack.faults
    upload = "files.getUploadURLExternal"
    faults.fail(upload, error="storage_limit_reached", times=999)
    with (
        capture_logs() as log,
        open_thumbnails(shelf, failed_for_s=0.0, refused_for_s=3.0) as thumbnails,
    ):

        def refused_again(more_than: int) -> bool:
            thumbnails.prepare(team_id)
            return faults.calls[upload] > more_than

        thumbnails.prepare(team_id)
        eventually(lambda: faults.calls[upload] > 0, what="the first refusal")
        time.sleep(0.3)
        first = faults.calls[upload]
        # As many as were under way together, and none of those that waited.
        assert first <= 2
        assert ask(thumbnails, shelf, *matches, patience_s=0.3) == {}
        thumbnails.prepare(team_id)
        time.sleep(0.2)
        assert faults.calls[upload] == first
        eventually(lambda: refused_again(first), what="another try")
        faults.clear()

        def all_made() -> bool:
            thumbnails.prepare(team_id)
            return len(prepared(shelf, store, *matches)) == len(matches)

        eventually(all_made, what="all of them, once there is room")
    told = [entry for entry in log if entry["event"] == "thumbnails.refused"]
    assert [entry["log_level"] for entry in told] == ["warning"]
    assert "storage_limit_reached" in told[0]["reason"]


def test_a_stop_ends_what_is_made_ahead_too(shelf: Shelf) -> None:
    indexed(shelf, *(f"{n}.webp" for n in range(6)))
    unread = {"ok": True, "file": {"id": "F1", "mimetype": ""}}
    shelf.slack.faults.fail("files.info", body=unread, times=999)
    with open_thumbnails(shelf) as thumbnails:
        thumbnails.prepare(shelf.workspace.team_id)
        eventually(lambda: len(shelf.own_files()) == 2, what="two that Slack looks through")
        started_s = time.monotonic()
        thumbnails.stop()
        assert time.monotonic() - started_s < 5
        thumbnails.prepare(shelf.workspace.team_id)
    assert shelf.own_files() == []


def test_a_bot_makes_them_unasked_and_deletes_them_after_their_photos(
    new_office: Office, album: Mapping[str, AlbumPhoto], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.wiring.TICK_EVERY_S", 0.3)
    office = new_office
    office.start_bot()
    posted = office.post(office.channel(), album["IMG_3007.HEIC"].data, "IMG_3007.HEIC")

    def own() -> list[SharedFile]:
        files, bot = office.slack.workspace.files.values(), office.slack.bot_user_id
        return [file for file in files if file.uploader == bot and not file.is_deleted]

    eventually(own, what="the thumbnail")
    office.slack.people.delete_file(office.organiser, posted.file_id)
    eventually(lambda: not own(), what="its end")
