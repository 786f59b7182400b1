"""Findme as people use it, from a browser: what a newcomer clicks through."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Locator, expect

from bot.demo.album import AlbumPhoto, make_album
from bot.demo.portraits import portrait
from bot.sandbox import Channel, Person, PostedPhoto, SlackApp
from pipeline.ports import FaceReader
from tests.acceptance.office import Office, open_office, rows, snapshot
from tests.browser.conftest import Visit
from tests.browser.kitchen import HINTS
from tests.browser.visitor import Visitor


@pytest.fixture
def prompt_office(conninfo: str, engine: FaceReader) -> Iterator[Office]:
    """Findme, which gathers new photos for three seconds."""
    with open_office(conninfo, engine, app=SlackApp(hints=HINTS)) as opened:
        opened.start_bot(findme_alert_after_min=0.05)
        yield opened


@pytest.fixture(scope="module")
def album() -> dict[str, AlbumPhoto]:
    return {photo.name: photo for photo in make_album()}


def enter(visit: Visit, office: Office, who: Person, channel: Channel) -> Visitor:
    visitor = visit(office.slack)
    visitor.act_as(who.real_name)
    visitor.open_channel(channel.name)
    return visitor


def wait_until_read(office: Office, number: int) -> None:
    """Until so many photos are in the index."""
    posted = [
        PostedPhoto(file_id=file.id, channel=share.channel, ts=share.ts, permalink="")
        for file in office.slack.workspace.files.values()
        for share in file.shares
    ]
    assert len(posted) == number
    office.read(*posted)


def names(answer: Locator) -> list[str]:
    """The photos of an answer, by their names."""
    return answer.locator("a", has_text=".jpg").all_inner_texts()


def test_photos_that_are_dropped_into_the_channel_are_found_page_by_page(
    visit: Visit, office: Office
) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    organiser = enter(visit, office, office.organiser, channel)
    pictures = {f"photo {number:02}.jpg": snapshot("eileen", number) for number in range(12)}
    organiser.post_pictures(pictures, "the best of them")
    wait_until_read(office, 12)
    organiser.act_as(eileen.real_name)
    answer = organiser.ask("/findme")
    expect(answer).to_contain_text("12 photos of you in #")
    expect(answer).to_contain_text("Only visible to you")
    assert len(names(answer)) == 10
    organiser.pictures_are_shown(answer)
    organiser.fits_the_width()
    before = organiser.answers().count()
    organiser.click_button("Show 2 more of 2", answer)
    expect(organiser.answers()).to_have_count(before + 1)
    last = organiser.last_answer()
    expect(last).to_contain_text("Photos 11–12 of 12")
    assert sorted([*names(answer), *names(last)]) == sorted(pictures)


def test_a_photo_that_is_not_me_is_gone_from_the_next_answer_until_i_undo_it(
    visit: Visit, office: Office
) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, snapshot("eileen"), snapshot("eileen", 7))
    visitor = enter(visit, office, eileen, channel)
    answer = visitor.ask("/findme")
    first = names(answer)[0]
    visitor.choose(
        "Not me", answer.locator(".block", has=visitor.page.locator(".is-overflow")).first
    )
    expect(answer).to_contain_text("I won't show you that face again")
    assert first not in names(answer)
    assert first not in names(visitor.ask("/findme"))
    visitor.click_button("Undo", answer)
    expect(answer).to_contain_text("2 photos of you")
    assert first in names(visitor.ask("/findme"))


def test_who_has_no_picture_is_found_by_a_selfie_used_once(visit: Visit, office: Office) -> None:
    somebody = office.person()
    channel = office.channel(somebody)
    office.show(channel, snapshot("grace"), snapshot("grace", 3), snapshot("eileen"))
    visitor = enter(visit, office, somebody, channel)
    answer = visitor.ask("/findme")
    expect(answer).to_contain_text("You have no profile picture yet")
    visitor.click_button("Use a selfie", answer)
    visitor.drop_pictures(
        {"me.jpg": portrait("grace")}, onto=visitor.modal().locator(".file-input")
    )
    visitor.submit_modal("Look at it")
    expect(visitor.modal()).to_contain_text("I see one face in your picture")
    visitor.modal().get_by_label("Use it this once").check()
    before = visitor.answers().count()
    visitor.submit_modal("Show my photos")
    expect(visitor.answers()).to_have_count(before + 1)
    expect(visitor.last_answer()).to_contain_text("2 photos of you")
    expect(visitor.ask("/findme")).to_contain_text("You have no profile picture yet")


def test_a_selfie_without_a_face_is_asked_for_again(visit: Visit, office: Office) -> None:
    somebody = office.person()
    channel = office.channel(somebody)
    visitor = enter(visit, office, somebody, channel)
    visitor.type("/findme selfie")
    dropped = {"notes.jpg": b"these are my notes"}
    visitor.drop_pictures(dropped, onto=visitor.modal().locator(".file-input"))
    visitor.submit_modal("Look at it")
    expect(visitor.modal()).to_contain_text("I can't read that picture")
    expect(visitor.modal().locator("footer button[type=submit]")).to_have_text("Look at it")


def test_the_gallery_shows_the_pictures_large(visit: Visit, office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, snapshot("eileen"), snapshot("eileen", 4), snapshot("grace"))
    visitor = enter(visit, office, eileen, channel)
    answer = visitor.ask("/findme")
    visitor.click_button("Gallery", answer)
    gallery = visitor.modal()
    expect(gallery).to_contain_text("2 photos of you")
    expect(gallery.locator(".block img")).to_have_count(2)
    alt = gallery.locator(".block img").first.get_attribute("alt")
    assert alt is not None
    assert alt.startswith("Photo posted by Olu on ")
    assert alt.endswith(f"in #{channel.name}")
    visitor.pictures_are_shown(gallery)
    visitor.fits_the_width()
    visitor.close_modal()
    expect(visitor.modal()).to_have_count(0)


def test_all_originals_come_as_a_zip_by_direct_message(visit: Visit, office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    photos = [snapshot("eileen"), snapshot("eileen", 5)]
    office.show(channel, *photos)
    visitor = enter(visit, office, eileen, channel)
    answer = visitor.ask("/findme")
    visitor.click_button("Send me all", answer)
    expect(visitor.last_answer()).to_contain_text("They come in our direct messages")
    visitor.open_bot()
    expect(visitor.messages().last).to_contain_text("findme-")
    with visitor.page.expect_download() as download:
        visitor.messages().last.get_by_role("link", name="Download").click()
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as parcel:
        assert sorted(parcel.read(name) for name in parcel.namelist()) == sorted(photos)


def test_two_people_together(visit: Visit, office: Office, album: dict[str, AlbumPhoto]) -> None:
    eileen, grace = office.person("eileen"), office.person("grace")
    channel = office.channel(eileen, grace)
    office.post(channel, album["lunch (2).jpg"].data, "both.jpg")
    office.post(channel, snapshot("eileen"), "eileen.jpg")
    office.post(channel, snapshot("grace"), "grace.jpg")
    wait_until_read(office, 3)
    visitor = enter(visit, office, eileen, channel)
    answer = visitor.ask(f"/findme me @{grace.name} in #{channel.name} since yesterday sure")
    expect(answer).to_contain_text("1 photo of you and @")
    expect(answer).to_contain_text("together")
    assert names(answer) == ["both.jpg"]
    expect(visitor.ask("/findme sinse yesterday")).to_contain_text("/findme since yesterday")


def test_chosen_photos_are_shared_with_the_channel(visit: Visit, office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, snapshot("eileen"), snapshot("eileen", 2))
    visitor = enter(visit, office, eileen, channel)
    answer = visitor.ask("/findme")
    visitor.click_button("Share here", answer)
    expect(visitor.modal()).to_contain_text("Everybody in")
    visitor.submit_modal("Share")
    expect(visitor.modal()).to_contain_text("Choose at least one photo")
    visitor.modal().get_by_label("Share this photo").first.check()
    visitor.submit_modal("Share")
    expect(visitor.modal()).to_have_count(0)
    visitor.act_as(office.organiser.real_name)
    expect(visitor.last_answer()).to_contain_text("shares 1 photo, found by Findme")
    visitor.pictures_are_shown(visitor.last_answer())


def test_home_tells_what_is_known_and_forgets_it(visit: Visit, office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, snapshot("eileen"), snapshot("eileen", 6))
    visitor = enter(visit, office, eileen, channel)
    visitor.open_bot("Home")
    home = visitor.home()
    expect(home).to_contain_text("2 photos of you")
    expect(home).to_contain_text("The face in your profile picture: clear")
    visitor.pictures_are_shown(home.locator(".home-blocks"))
    visitor.fits_the_width()
    visitor.click_button("Delete all of it", home)
    visitor.click_button("Delete", visitor.page.get_by_role("alertdialog", name="Are you sure?"))
    expect(home).to_contain_text("I know nothing about you any more")


def test_new_photos_are_told_of_until_i_want_no_more(visit: Visit, prompt_office: Office) -> None:
    office = prompt_office
    # Somewhere where it is noon: nobody is woken at night.
    hours = 12 - datetime.now(UTC).hour
    zone = f"Etc/GMT{-hours:+d}" if hours else "UTC"
    eileen = office.slack.people.add_person("Eileen", picture=portrait("eileen"), tz=zone)
    channel = office.channel(eileen)
    visitor = enter(visit, office, eileen, channel)
    visitor.open_bot("Home")
    visitor.click_button("Turn on", visitor.home())
    expect(visitor.home()).to_contain_text("On.")
    office.show(channel, snapshot("eileen"), snapshot("eileen", 8))
    visitor.open_bot()
    alert = visitor.last_answer()
    expect(alert).to_contain_text("2 new photos of you", timeout=45_000)
    visitor.pictures_are_shown(alert)
    visitor.click_button("No more alerts", alert)
    expect(visitor.last_answer()).to_contain_text("I won't tell you of new photos any more")
    visitor.open_bot("Home")
    expect(visitor.home()).to_contain_text("Off.")


def test_an_admin_reindexes_and_sees_how_far_it_is(visit: Visit, office: Office) -> None:
    channel = office.channel()
    office.show(channel, snapshot("eileen"), snapshot("grace"))
    visitor = enter(visit, office, office.organiser, channel)
    visitor.type("/findme-admin")
    panel = visitor.modal()
    expect(panel).to_contain_text("watches 1 channel")
    expect(panel).to_contain_text("2 photos, 2 faces")
    visitor.click_button("Re-index all", panel)
    visitor.click_button("Re-index", visitor.page.get_by_role("alertdialog", name="Are you sure?"))
    expect(panel).to_contain_text("Re-indexing has begun")
    visitor.close_modal()
    visitor.open_bot()
    expect(visitor.last_answer()).to_contain_text("Re-indexed: 2 photos with 2 faces")
    assert [row.faces for row in rows(office.conninfo)] == [1, 1]
