"""*Send me all*: the originals, zipped, in the direct messages of who clicked, nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from bot.demo.album import AlbumPhoto
from bot.sandbox import DOWNLOAD, Person, SharedFile
from tests.acceptance.office import Office, eventually, one_way, snapshot
from tests.acceptance.shelf import unzipped
from tests.acceptance.surfaces import home, told, words


@pytest.fixture(autouse=True)
def _no_faults_left(office: Office) -> Iterator[None]:
    yield
    office.slack.faults.clear()


def _zips(office: Office, who: Person) -> list[SharedFile]:
    people = office.slack.people
    files = [file for message in people.direct_messages(who) for file in message.files]
    return [people.file(file_id) for file_id in files]


def _sent(office: Office, who: Person, count: int = 1) -> list[SharedFile]:
    """The zips, once they are there and the line above them says so."""

    def done() -> list[SharedFile]:
        told = [message.text for message in office.slack.people.direct_messages(who)]
        found = _zips(office, who)
        is_told = sum(text.startswith("✅") for text in told) >= count
        return found if is_told and len(found) >= count else []

    return eventually(done, what="the zip")


def test_the_originals_come_into_the_direct_messages_and_nowhere_else(
    office: Office, album: Mapping[str, AlbumPhoto]
) -> None:
    grace = office.person("grace")
    channel, other = office.channel(grace), office.channel(grace, private=True)
    photos = {"a.jpg": snapshot("grace"), "IMG_3007.HEIC": album["IMG_3007.HEIC"].data}
    office.read(*(office.post(channel, data, name) for name, data in photos.items()))
    office.read(office.post(other, snapshot("grace", blur_px=3), "b.jpg"))
    answer = office.ask(grace, channel)
    clicked = office.click(grace, answer, "send_all")
    assert clicked.text == ("📦 I'm packing 3 photos for you. They come in our direct messages.")
    (file,) = _sent(office, grace)
    assert unzipped(file) == photos | {"b.jpg": snapshot("grace", blur_px=3)}
    (share,) = file.shares
    direct = office.slack.people.channel(share.channel)
    assert set(direct.members) == {grace.id, office.slack.bot_user_id}
    for place in (channel, other):
        assert len(office.said(place)) == 1


@one_way
def test_all_means_all_of_the_question_not_only_the_page(office: Office) -> None:
    eileen = office.person("eileen")
    channel, other = office.channel(eileen), office.channel(eileen)
    office.show(channel, *(snapshot("eileen", number) for number in range(12)))
    office.show(other, snapshot("eileen", 13))
    office.click(eileen, office.ask(eileen, channel, f"in #{channel.name}"), "send_all")
    (file,) = _sent(office, eileen)
    assert len(unzipped(file)) == 12
    assert channel.name in file.name


@one_way
def test_a_second_click_while_it_is_packed_says_so(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, snapshot("eileen"))
    answer = office.ask(eileen, channel)
    office.slack.faults.slow(DOWNLOAD, delay_s=4.0)
    office.click(eileen, answer, "send_all")
    second = office.click(eileen, answer, "send_all")
    assert second.text == "I'm packing your photos already; they come into our direct messages."
    assert len(_sent(office, eileen)) == 1


@one_way
def test_it_works_from_the_home_tab(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, snapshot("eileen"))
    office.slack.people.click(eileen, home(office, eileen), "send_all")
    (file,) = _sent(office, eileen)
    assert len(unzipped(file)) == 1
    assert [message.text for message in told(office, eileen) if not message.files] == [
        "✅ 1 photo, in 1 zip."
    ]
    packing = "✅ I'm packing 1 photo for you. They come in our direct messages."

    def is_told() -> bool:
        view = office.slack.people.home(eileen)
        return view is not None and packing in words(view)

    eventually(is_told, what="a word in Home")


@one_way
def test_who_left_the_channel_gets_none_of_its_photos(office: Office) -> None:
    eileen = office.person("eileen")
    channel, hall = office.channel(eileen), office.channel(eileen, with_bot=False)
    office.show(channel, snapshot("eileen"))
    answer = office.ask(eileen, hall)
    office.slack.people.leave(eileen, channel)
    clicked = office.click(eileen, answer, "send_all")
    assert clicked.text.startswith("There are no photos now that you could see.")
    assert _zips(office, eileen) == []


@one_way
def test_who_has_no_profile_picture_by_now_is_told_what_helps(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, snapshot("eileen"))
    answer = office.ask(eileen, channel)
    office.slack.people.set_picture(eileen, None)
    clicked = office.click(eileen, answer, "send_all")
    assert clicked.text.startswith("You have no profile picture yet")
    assert clicked.blocks
