"""*Send me all*: what a person finds in the direct messages, and what stays behind (nothing)."""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.files.packing import ParcelStoppedError
from bot.files.parcels import (
    AT_ONCE,
    MOST_WAITING,
    NothingToSendError,
    Parcels,
    ParcelUnderWayError,
    TooManyParcelsError,
)
from bot.sandbox import DOWNLOAD, UPLOAD, FileId, Person
from pipeline.domain.model import Certainty, Match, Photo, PhotoId, UserId
from pipeline.errors import DatabaseUnavailableError
from tests.acceptance.office import eventually
from tests.acceptance.shelf import Shelf, open_shelf, unzipped

TODAY = datetime(2026, 5, 12, 9, tzinfo=UTC)
NAME = "findme-offsite-2026-05-12"


@pytest.fixture
def shelf(conninfo: str) -> Iterator[Shelf]:
    with open_shelf(conninfo) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where zips grow."""
    made = tmp_path / "parcels"
    made.mkdir()
    return made


@contextmanager
def open_parcels(shelf: Shelf, folder: Path, **settings: Any) -> Iterator[Parcels]:
    given: dict[str, Any] = {"download": shelf.workspace.download, "every_s": 0.0} | settings
    parcels = Parcels(
        shelf.workspace.client,
        team_id=shelf.workspace.team_id,
        photos=shelf.photos,
        uploads=shelf.uploads,
        folder=folder,
        now=lambda: TODAY,
        **given,
    )
    try:
        yield parcels
    finally:
        parcels.stop()


@pytest.fixture
def parcels(shelf: Shelf, folder: Path) -> Iterator[Parcels]:
    with open_parcels(shelf, folder) as opened:
        yield opened


def me(person: Person) -> UserId:
    return UserId(person.id)


def begin(
    parcels: Parcels,
    person: Person,
    matches: list[Match],
    *,
    still: Callable[[], Collection[PhotoId]] | None = None,
) -> None:
    """All of them may be seen to the end, if no other `still` is given."""
    photo_ids = ids(matches)
    parcels.send(me(person), matches, title="offsite", still=still or (lambda: photo_ids))


def ids(matches: list[Match]) -> set[PhotoId]:
    return {match.face.photo_id for match in matches}


def send(parcels: Parcels, shelf: Shelf, matches: list[Match]) -> str:
    """Send them to Ann and wait for the end; the last state of the line."""
    begin(parcels, shelf.ann, matches)
    wait_for(parcels, shelf.ann)
    (line,) = shelf.told(shelf.ann)
    return line.text


def wait_for(parcels: Parcels, person: Person) -> None:
    eventually(lambda: not parcels.is_busy(me(person)), what="the end of the parcel", timeout_s=60)


def some(shelf: Shelf, count: int, *, size_bytes: int = 2000) -> list[Match]:
    return [shelf.post(f"IMG_{n}.jpg", bytes([n]) * size_bytes) for n in range(count)]


class Gate:
    """A download that waits until it is let through."""

    def __init__(self, shelf: Shelf) -> None:
        self._download = shelf.workspace.download
        self.asked = threading.Semaphore(0)
        self.open = threading.Event()

    def __call__(self, photo: Photo) -> bytes:
        self.asked.release()
        assert self.open.wait(30)
        return self._download(photo)


def test_the_originals_come_byte_for_byte_maybes_in_a_folder(
    shelf: Shelf, parcels: Parcels
) -> None:
    maybe = shelf.post("IMG_1.jpg", b"maybe", certainty=Certainty.MAYBE)
    sure = shelf.post("IMG_1.jpg", b"sure")
    twin = shelf.post("img_1.JPG", b"twin")
    other = shelf.post("Fête: Zoë.heic", b"other")
    assert send(parcels, shelf, [maybe, sure, twin, other]) == "✅ 4 photos, in 1 zip."
    (zip_file,) = shelf.sent(shelf.ann)
    assert zip_file.name == f"{NAME}.zip"
    assert unzipped(zip_file) == {
        "IMG_1.jpg": b"sure",
        "img_1 (2).JPG": b"twin",
        "Fête_ Zoë.heic": b"other",
        "maybe/IMG_1.jpg": b"maybe",
    }


def test_the_zips_go_to_that_person_alone(shelf: Shelf, parcels: Parcels) -> None:
    send(parcels, shelf, some(shelf, 2))
    (zip_file,) = shelf.sent(shelf.ann)
    (share,) = zip_file.shares
    where = shelf.slack.people.channel(share.channel)
    assert set(where.members) == {shelf.ann.id, shelf.slack.bot_user_id}


def test_each_zip_stays_below_the_limit_and_together_they_hold_everything(
    shelf: Shelf, folder: Path
) -> None:
    limit_bytes = 10_000
    matches = some(shelf, 12, size_bytes=2400)
    with open_parcels(shelf, folder, limit_bytes=limit_bytes) as parcels:
        assert send(parcels, shelf, matches) == "✅ 12 photos, in 4 zips."
    zips = shelf.sent(shelf.ann)
    assert [file.name for file in zips] == [f"{NAME} (part {n}).zip" for n in range(1, 5)]
    assert all(len(file.data) <= limit_bytes for file in zips)
    everything = {name: data for file in zips for name, data in unzipped(file).items()}
    assert everything == {f"IMG_{n}.jpg": bytes([n]) * 2400 for n in range(12)}


def test_a_part_that_fits_to_the_byte_is_not_split(shelf: Shelf, folder: Path) -> None:
    matches = some(shelf, 3)
    with open_parcels(shelf, folder) as parcels:
        send(parcels, shelf, matches)
    whole_bytes = len(shelf.sent(shelf.ann)[0].data)
    with open_parcels(shelf, folder, limit_bytes=whole_bytes) as parcels:
        begin(parcels, shelf.ann, matches)
        wait_for(parcels, shelf.ann)
    with open_parcels(shelf, folder, limit_bytes=whole_bytes - 1) as parcels:
        begin(parcels, shelf.ann, matches)
        wait_for(parcels, shelf.ann)
    assert [len(unzipped(file)) for file in shelf.sent(shelf.ann)] == [3, 3, 2, 1]


def test_a_photo_larger_than_the_limit_has_a_zip_of_its_own(shelf: Shelf, folder: Path) -> None:
    matches = [*some(shelf, 1), shelf.post("huge.jpg", b"x" * 50_000), *some(shelf, 1)]
    with open_parcels(shelf, folder, limit_bytes=5000) as parcels:
        assert send(parcels, shelf, matches) == "✅ 3 photos, in 3 zips."
    assert [list(unzipped(file)) for file in shelf.sent(shelf.ann)] == [
        ["IMG_0.jpg"],
        ["huge.jpg"],
        ["IMG_0 (2).jpg"],
    ]


def test_the_line_tells_how_far_it_is(shelf: Shelf, folder: Path) -> None:
    gate = Gate(shelf)
    with open_parcels(shelf, folder, download=gate) as parcels:
        begin(parcels, shelf.ann, some(shelf, 5))
        assert gate.asked.acquire(timeout=60)
        (line,) = shelf.told(shelf.ann)
        assert line.text == "📦 Packing 5 photos… ▱▱▱▱▱ 0 of 5"
        gate.open.set()
        wait_for(parcels, shelf.ann)
    # 1 to 4 of 5, "sending", the end
    assert shelf.slack.faults.calls["chat.update"] == 6
    assert shelf.slack.faults.calls["chat.postMessage"] == 1


def test_the_line_is_not_edited_more_often_than_slack_likes(shelf: Shelf, folder: Path) -> None:
    with open_parcels(shelf, folder, every_s=60.0) as parcels:
        assert send(parcels, shelf, some(shelf, 5)) == "✅ 5 photos, in 1 zip."
    assert shelf.slack.faults.calls["chat.update"] == 1


def test_a_photo_that_is_gone_is_left_out_and_named(shelf: Shelf, parcels: Parcels) -> None:
    matches = [*some(shelf, 3), shelf.post("*party*.jpg", b"p")]
    shelf.delete(matches[1])
    shelf.photos.delete(shelf.workspace.team_id, matches[3].face.file_id)
    assert send(parcels, shelf, matches) == (
        "✅ 2 photos, in 1 zip. 2 could not be fetched: IMG_1.jpg (deleted), ∗party∗.jpg (deleted)."
    )
    (zip_file,) = shelf.sent(shelf.ann)
    assert list(unzipped(zip_file)) == ["IMG_0.jpg", "IMG_2.jpg"]


def test_a_download_that_slack_refuses_for_now_is_tried_again(
    shelf: Shelf, parcels: Parcels
) -> None:
    matches = some(shelf, 2)
    shelf.slack.faults.fail(DOWNLOAD, status=429, headers={"Retry-After": "0.2"})
    shelf.slack.faults.fail(DOWNLOAD, status=500)
    assert send(parcels, shelf, matches) == "✅ 2 photos, in 1 zip."


def test_if_nothing_can_be_fetched_the_line_says_so(shelf: Shelf, parcels: Parcels) -> None:
    matches = some(shelf, 7)
    headers = {"Retry-After": "0.01"}
    shelf.slack.faults.fail(DOWNLOAD, status=503, headers=headers, times=99)
    text = send(parcels, shelf, matches)
    assert text.startswith("❌ I could not get any of your photos. 7 could not be fetched: IMG_0")
    assert text.endswith("(Slack didn't deliver it) and 2 more. Please try again later.")
    assert shelf.sent(shelf.ann) == []


def test_an_upload_that_slack_refuses_is_told_in_words(shelf: Shelf, folder: Path) -> None:
    matches = some(shelf, 6)
    with open_parcels(shelf, folder, limit_bytes=5000) as parcels:
        begin(parcels, shelf.ann, matches[:2])
        wait_for(parcels, shelf.ann)
        shelf.slack.faults.fail("files.getUploadURLExternal", error="file_uploads_disabled")
        begin(parcels, shelf.ann, matches)
        wait_for(parcels, shelf.ann)
    assert shelf.told(shelf.ann)[-1].text == (
        "❌ This workspace lets nobody upload files; please ask an admin of the workspace to "
        "allow it."
    )
    assert len(shelf.sent(shelf.ann)) == 1


def test_an_upload_that_is_cut_off_is_sent_again(shelf: Shelf, parcels: Parcels) -> None:
    shelf.slack.faults.fail(UPLOAD, status=500, headers={"Retry-After": "0.1"})
    assert send(parcels, shelf, some(shelf, 2)) == "✅ 2 photos, in 1 zip."
    assert len(shelf.sent(shelf.ann)) == 1


def test_a_second_click_learns_that_it_is_under_way(shelf: Shelf, folder: Path) -> None:
    gate, matches = Gate(shelf), some(shelf, 1)
    with open_parcels(shelf, folder, download=gate) as parcels:
        # The gate is shut until the end of this block: neither call waits for the files.
        begin(parcels, shelf.ann, matches)
        assert parcels.is_busy(me(shelf.ann))
        with pytest.raises(ParcelUnderWayError, match="already"):
            begin(parcels, shelf.ann, matches)
        gate.open.set()
        wait_for(parcels, shelf.ann)
        begin(parcels, shelf.ann, matches)
        wait_for(parcels, shelf.ann)
    assert len(shelf.sent(shelf.ann)) == 2


def test_only_so_many_people_are_served_at_once(shelf: Shelf, folder: Path) -> None:
    gate, matches = Gate(shelf), some(shelf, 1)
    people = [shelf.slack.people.add_person(f"Person {n}") for n in range(AT_ONCE + MOST_WAITING)]
    with open_parcels(shelf, folder, download=gate) as parcels:
        for person in people:
            begin(parcels, person, matches)
        with pytest.raises(TooManyParcelsError, match="several people"):
            begin(parcels, shelf.ann, matches)
        gate.open.set()
        for person in people:
            wait_for(parcels, person)
        assert all(len(shelf.sent(person)) == 1 for person in people)


def test_no_photos_are_no_parcel(shelf: Shelf, parcels: Parcels) -> None:
    with pytest.raises(NothingToSendError, match="no photos"):
        begin(parcels, shelf.ann, [])


def test_a_stop_tells_everybody_to_click_again(shelf: Shelf, folder: Path) -> None:
    gate, matches = Gate(shelf), some(shelf, 3)
    people = [shelf.slack.people.add_person(f"Person {n}") for n in range(AT_ONCE + 1)]
    with open_parcels(shelf, folder, download=gate) as parcels:
        for person in people:
            begin(parcels, person, matches)
        for _ in range(AT_ONCE):
            assert gate.asked.acquire(timeout=60)
        stopping = threading.Thread(target=parcels.stop)
        stopping.start()
        eventually(parcels._stopped.is_set, what="the stop")
        gate.open.set()
        stopping.join(10)
        assert not stopping.is_alive()
        with pytest.raises(ParcelStoppedError):
            begin(parcels, shelf.ann, matches)
    for person in people:
        (line,) = shelf.told(person)
        assert line.text == (
            "📦 I was restarted while I was packing your photos; please click *Send me all* again."
        )
        assert shelf.sent(person) == []
    assert list(folder.iterdir()) == []


def test_a_stop_does_not_wait_for_an_upload(shelf: Shelf, folder: Path) -> None:
    shelf.slack.faults.fail(UPLOAD, status=429, headers={"Retry-After": "50"})
    with open_parcels(shelf, folder) as parcels:
        begin(parcels, shelf.ann, some(shelf, 1))
        eventually(lambda: shelf.slack.faults.calls[UPLOAD], what="the upload")
        started_s = time.monotonic()
        parcels.stop()
        assert time.monotonic() - started_s < 5
    assert "restarted" in shelf.told(shelf.ann)[0].text


def test_nothing_is_on_the_disk_under_any_name(shelf: Shelf, folder: Path) -> None:
    seen: list[Path] = []

    def looking(photo: Photo) -> bytes:
        seen.extend(folder.iterdir())
        return shelf.workspace.download(photo)

    with open_parcels(shelf, folder, download=looking, limit_bytes=5000) as parcels:
        send(parcels, shelf, some(shelf, 6))
    assert seen == []
    assert list(folder.iterdir()) == []


def test_a_full_disk_is_told_in_a_sentence(shelf: Shelf, parcels: Parcels, folder: Path) -> None:
    matches = some(shelf, 3, size_bytes=200_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # No file may grow beyond this: the second photo doesn't fit any more.
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        text = send(parcels, shelf, matches)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert text == "❌ I have no room left to pack your photos; please tell whoever runs Findme."
    assert shelf.sent(shelf.ann) == []
    assert list(folder.iterdir()) == []
    assert send_again(parcels, shelf, matches) == "✅ 3 photos, in 1 zip."


def send_again(parcels: Parcels, shelf: Shelf, matches: list[Match]) -> str:
    begin(parcels, shelf.ann, matches)
    wait_for(parcels, shelf.ann)
    return shelf.told(shelf.ann)[-1].text


def test_a_folder_that_is_not_there_is_no_silence(shelf: Shelf, tmp_path: Path) -> None:
    with open_parcels(shelf, tmp_path / "nowhere") as parcels:
        assert "Something went wrong on my side" in send(parcels, shelf, some(shelf, 1))


def test_a_line_that_can_not_be_edited_ends_in_another(shelf: Shelf, parcels: Parcels) -> None:
    shelf.slack.faults.fail("chat.update", error="edit_window_closed", times=99)
    begin(parcels, shelf.ann, some(shelf, 1))
    wait_for(parcels, shelf.ann)
    assert shelf.told(shelf.ann)[-1].text == "✅ 1 photo, in 1 zip."


def test_what_may_not_be_seen_any_more_when_the_turn_comes_is_not_even_fetched(
    shelf: Shelf, parcels: Parcels
) -> None:
    matches = some(shelf, 3)
    begin(parcels, shelf.ann, matches, still=lambda: ids(matches[1:]))
    wait_for(parcels, shelf.ann)
    (line,) = shelf.told(shelf.ann)
    assert line.text == "✅ 2 photos, in 1 zip. Left out: 1 photo that you can't see any more."
    (zip_file,) = shelf.sent(shelf.ann)
    assert list(unzipped(zip_file)) == ["IMG_1.jpg", "IMG_2.jpg"]
    assert shelf.slack.faults.downloads[FileId(matches[0].face.file_id)] == 0


def test_a_part_is_packed_again_without_what_may_not_be_seen_any_more(
    shelf: Shelf, folder: Path
) -> None:
    matches = some(shelf, 4)
    seen = ids(matches)

    def losing(photo: Photo) -> bytes:
        if photo.photo_id == matches[2].face.photo_id:
            seen.difference_update(ids(matches[:2]))
        return shelf.workspace.download(photo)

    with open_parcels(shelf, folder, download=losing) as parcels:
        begin(parcels, shelf.ann, matches, still=lambda: {*seen})
        wait_for(parcels, shelf.ann)
    (line,) = shelf.told(shelf.ann)
    assert line.text == "✅ 2 photos, in 1 zip. Left out: 2 photos that you can't see any more."
    (zip_file,) = shelf.sent(shelf.ann)
    assert unzipped(zip_file) == {f"IMG_{n}.jpg": bytes([n]) * 2000 for n in (2, 3)}
    assert list(folder.iterdir()) == []


def test_a_loss_on_the_way_ends_the_parcel_after_what_was_sent_before(
    shelf: Shelf, folder: Path
) -> None:
    matches = some(shelf, 6)
    looks = iter([ids(matches), ids(matches)])
    with open_parcels(shelf, folder, limit_bytes=5000) as parcels:
        begin(parcels, shelf.ann, matches, still=lambda: next(looks, set()))
        wait_for(parcels, shelf.ann)
    (line,) = shelf.told(shelf.ann)
    assert line.text == "✅ 2 photos, in 1 zip. Left out: 4 photos that you can't see any more."
    (zip_file,) = shelf.sent(shelf.ann)
    assert list(unzipped(zip_file)) == ["IMG_0.jpg", "IMG_1.jpg"]


@pytest.mark.parametrize("looks_before", [0, 1])
def test_if_nothing_may_be_seen_any_more_nothing_is_sent_and_that_is_said(
    shelf: Shelf, parcels: Parcels, looks_before: int
) -> None:
    matches = some(shelf, 2)
    looks = iter([ids(matches)] * looks_before)
    begin(parcels, shelf.ann, matches, still=lambda: next(looks, set()))
    wait_for(parcels, shelf.ann)
    (line,) = shelf.told(shelf.ann)
    assert line.text == "❌ You can't see these photos any more; type `/findme` to look again."
    assert shelf.sent(shelf.ann) == []


def test_if_it_can_not_be_asked_what_may_be_seen_the_parcel_ends_with_the_reason(
    shelf: Shelf, folder: Path
) -> None:
    matches = some(shelf, 6)
    looks = iter([ids(matches), ids(matches)])

    def still() -> Collection[PhotoId]:
        for seen in looks:
            return seen
        raise DatabaseUnavailableError

    with open_parcels(shelf, folder, limit_bytes=5000) as parcels:
        begin(parcels, shelf.ann, matches, still=still)
        wait_for(parcels, shelf.ann)
    (line,) = shelf.told(shelf.ann)
    assert line.text == (
        "❌ The database can't be reached just now; please try again in a minute. "
        "Until then I sent 2 photos, in 1 zip."
    )
    assert len(shelf.sent(shelf.ann)) == 1
    assert list(folder.iterdir()) == []


def test_a_person_who_takes_no_message_holds_nobody_up(shelf: Shelf, parcels: Parcels) -> None:
    matches = some(shelf, 1)
    shelf.slack.faults.fail("chat.postMessage", error="messages_tab_disabled")
    begin(parcels, shelf.ann, matches)
    wait_for(parcels, shelf.ann)
    assert shelf.told(shelf.ann) == []
    assert send(parcels, shelf, matches) == "✅ 1 photo, in 1 zip."
