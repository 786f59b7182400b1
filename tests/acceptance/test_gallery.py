"""*Gallery*: the photos, large, in a modal that opens at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from bot.demo.album import AlbumPhoto
from bot.sandbox import Channel, FileId, Message, Person, View
from pipeline.ports import FaceReader
from tests.acceptance.office import (
    FAST,
    Office,
    eventually,
    execute,
    one_way,
    open_office,
    snapshot,
)
from tests.acceptance.surfaces import element, home, modal, pictures, words

pytestmark = pytest.mark.usefixtures("no_spinner")

PHOTOS = 43


@pytest.fixture(autouse=True)
def _no_faults_left(office: Office) -> Iterator[None]:
    yield
    office.slack.faults.clear()


@pytest.fixture(scope="module")
def crowd(office: Office) -> tuple[Person, Message]:
    """Somebody with more photos than a page of the gallery holds, and the answer about them."""
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, *(snapshot("eileen", number) for number in range(PHOTOS)))
    return eileen, office.ask(eileen, channel)


def _open(office: Office, who: Person, answer: Message) -> View:
    office.slack.people.click(who, answer, "gallery")
    return modal(office, who)


def _images(view: View) -> list[dict[str, str]]:
    return [block for block in view.blocks if block["type"] == "image"]


@one_way
def test_it_shows_forty_photos_a_page_and_leads_on_and_back(
    office: Office, crowd: tuple[Person, Message]
) -> None:
    eileen, answer = crowd
    first = _open(office, eileen, answer)
    assert len(pictures(first)) == 40
    assert f"*{PHOTOS} photos of you" in words(first)
    assert element(office, first, "gallery_page_back") is None
    office.slack.people.click(eileen, first, "gallery_page")
    second = modal(office, eileen, other_than=first)
    assert second.id == first.id
    assert f"*41–{PHOTOS} of {PHOTOS}*: you" in words(second)
    assert len({*pictures(first), *pictures(second)}) == PHOTOS
    assert element(office, second, "gallery_page") is None
    office.slack.people.click(eileen, second, "gallery_page_back")
    assert pictures(modal(office, eileen, other_than=second)) == pictures(first)


@one_way
def test_it_begins_with_the_first_photo_on_whatever_page_it_was_opened(
    office: Office, crowd: tuple[Person, Message]
) -> None:
    eileen, answer = crowd
    from_first = _open(office, eileen, answer)
    from_second = _open(office, eileen, office.more(eileen, answer))
    assert pictures(from_second) == pictures(from_first)


def test_each_photo_is_told_in_its_caption_and_its_alt_text(office: Office) -> None:
    eileen, poster = office.person("eileen"), office.person()
    channel = office.channel(eileen, poster)
    posted = office.post(channel, snapshot("eileen"), "lift-off.jpg", by=poster)
    office.read(posted)
    view = _open(office, eileen, office.ask(eileen, channel))
    (image,) = _images(view)
    assert image["alt_text"].startswith(f"Photo posted by {poster.real_name} on ")
    assert image["alt_text"].endswith(f" in #{channel.name}")
    assert f"*<{posted.permalink}|lift-off.jpg>*" in words(view)
    assert f"by <@{poster.id}>" in words(view)


@one_way
def test_a_photo_that_slack_can_not_show_is_shown_by_its_converted_thumbnail(
    office: Office, album: Mapping[str, AlbumPhoto]
) -> None:
    grace = office.person("grace")
    channel = office.channel(grace)
    posted = office.post(channel, album["IMG_3007.HEIC"].data, "IMG_3007.HEIC")
    office.read(posted)
    answer = office.ask(grace, channel)
    (file_id,) = eventually(lambda: pictures(_open(office, grace, answer)), what="the thumbnail")
    assert file_id != posted.file_id
    assert office.slack.people.file(FileId(file_id)).uploader == office.slack.bot_user_id


@one_way
def test_it_opens_from_the_home_tab_too(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    posted = office.show(channel, snapshot("eileen"))
    office.slack.people.click(eileen, home(office, eileen), "gallery")
    assert pictures(modal(office, eileen)) == [posted[0].file_id]


def _asked(office: Office) -> tuple[Person, Channel, Message]:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, snapshot("eileen"))
    return eileen, channel, office.ask(eileen, channel)


def test_a_search_that_fails_is_told_in_the_modal(office: Office) -> None:
    eileen, _, answer = _asked(office)
    office.slack.faults.fail("users.conversations", error="fatal_error", times=99)
    view = _open(office, eileen, answer)
    assert words(view).startswith("Slack refused that just now; please try again.")


@one_way
def test_somebody_without_a_picture_by_now_is_told_so_in_the_modal(office: Office) -> None:
    eileen, _, answer = _asked(office)
    office.slack.people.set_picture(eileen, None)
    assert "You have no profile picture yet" in words(_open(office, eileen, answer))


@one_way
def test_who_left_the_channel_gets_no_photos_of_it(office: Office) -> None:
    eileen, channel, answer = _asked(office)
    hall = office.channel(eileen, with_bot=False)
    answer = office.ask(eileen, hall)
    office.slack.people.leave(eileen, channel)
    view = _open(office, eileen, answer)
    assert pictures(view) == []
    assert channel.id not in str(view.content)


@one_way
def test_a_modal_that_was_closed_while_it_was_filled_is_no_error(office: Office) -> None:
    eileen, channel, answer = _asked(office)
    office.slack.faults.slow("users.conversations", delay_s=2.0, times=3)
    calls = office.slack.faults.calls["views.update"]
    office.slack.people.click(eileen, answer, "gallery")
    view = eventually(lambda: office.slack.people.modal(eileen), what="the modal")
    assert view is not None
    office.slack.people.close_view(eileen, view.id)
    eventually(lambda: office.slack.faults.calls["views.update"] > calls, what="the update")
    office.slack.faults.clear()
    assert office.ask(eileen, channel).text  # what was said of the modal would have come before
    assert len(office.slack.people.ephemerals(eileen)) == 2
    assert office.slack.people.direct_messages(eileen) == []


@one_way
def test_it_opens_in_time_although_the_search_is_slow(conninfo: str, engine: FaceReader) -> None:
    times = replace(FAST, trigger_life_s=3.0)
    with open_office(conninfo, engine, times=times) as office:
        office.start_bot()
        eileen, _, answer = _asked(office)
        office.slack.faults.slow("users.conversations", delay_s=4.0)
        office.slack.people.click(eileen, answer, "gallery")
        waiting = eventually(lambda: office.slack.people.modal(eileen), what="the modal")
        assert waiting is not None
        assert "Looking…" in words(waiting)
        filled = modal(office, eileen)
        assert filled.id == waiting.id
        assert len(pictures(filled)) == 1


@one_way
def test_a_photo_deleted_in_between_stands_there_in_words(new_office: Office) -> None:
    office = new_office
    office.start_bot()
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    gone, kept = office.show(channel, snapshot("eileen"), snapshot("eileen", 1))
    answer = office.ask(eileen, channel)
    office.lose_events()
    office.slack.people.delete_file(office.organiser, gone.file_id)
    view = _open(office, eileen, answer)
    assert pictures(view) == []
    assert f"<{gone.permalink}|" in words(view)
    assert f"<{kept.permalink}|" in words(view)


@one_way
def test_what_nobody_expected_is_told_in_the_modal_and_with_a_number(new_office: Office) -> None:
    office = new_office
    office.start_bot()
    eileen, channel, answer = _asked(office)
    execute(office.conninfo, "drop table shares cascade")
    assert "Something went wrong on my side" in words(_open(office, eileen, answer))
    people = office.slack.people
    told = eventually(lambda: people.ephemerals(eileen, channel)[1:], what="the number")
    assert "the number `" in told[0].text
