"""Nobody gets a photo that they can't open in Slack at this moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.demo.portraits import portrait
from bot.sandbox import Channel, Message, Person, PostedPhoto
from pipeline.domain.model import ChannelId
from tests.acceptance.office import (
    Office,
    eventually,
    has_more,
    lines,
    links,
    one_way,
    rows,
    snapshot,
)
from tests.acceptance.surfaces import element, home, words

STRANGERS = (
    "I show photos to people of this workspace alone: not to those of another one, nor to apps."
)


def shown(message: Message) -> set[str]:
    return {line.permalink for line in lines(message)}


def _hall(office: Office, *people: Person) -> Channel:
    """A channel without the bot, to ask in."""
    return office.channel(*people, with_bot=False)


def test_who_is_not_in_a_private_channel_never_gets_its_photos(office: Office) -> None:
    eileen, outsider = office.person("eileen"), office.person("eileen")
    private = office.channel(eileen, private=True)
    hall = _hall(office, eileen, outsider)
    posted = office.show(private, snapshot("eileen"))
    assert shown(office.ask(eileen, hall)) == links(posted)
    assert shown(office.ask(outsider, hall)) == set()
    assert shown(office.ask(outsider, hall, f"@{eileen.name}")) == set()


def test_a_full_member_gets_the_photos_of_a_public_channel_without_being_in_it(
    new_office: Office,
) -> None:
    office = new_office
    office.start_bot()
    eileen = office.person("eileen", member=True)
    hall = _hall(office, eileen)
    posted = office.show(office.channel(), snapshot("eileen"))
    answer = office.ask(eileen, hall)
    assert shown(answer) == links(posted)
    # "Share here" is for where both are: see test_sharing.
    assert element(office, answer, "share") is None


def test_a_full_member_does_not_get_the_photos_of_a_private_channel_they_are_not_in(
    new_office: Office,
) -> None:
    office = new_office
    office.start_bot()
    eileen, colleague = (office.person("eileen", member=True) for _ in range(2))
    private = office.channel(colleague, private=True)
    posted = office.show(private, snapshot("eileen"))
    hall = _hall(office, eileen, colleague)
    assert shown(office.ask(eileen, hall)) == set()
    assert shown(office.ask(eileen, hall, f"@{colleague.name}")) == set()
    assert shown(office.ask(colleague, hall)) == links(posted)


def test_a_guest_gets_only_photos_of_channels_that_they_are_in(office: Office) -> None:
    guest = office.person("eileen")
    public, private = office.channel(guest), office.channel(guest, private=True)
    mine = [*office.show(public, snapshot("eileen")), *office.show(private, snapshot("eileen", 1))]
    office.show(office.channel(), snapshot("eileen", 2))
    office.show(office.channel(private=True), snapshot("eileen", 3))
    assert shown(office.ask(guest, _hall(office, guest))) == links(mine)


@one_way
def test_a_stranger_of_slack_connect_gets_nothing_and_a_sentence_says_so(office: Office) -> None:
    people = office.slack.people
    stranger, channel, posted = _stranger(office)
    answer = office.ask(stranger, channel)
    assert (answer.text, shown(answer)) == (STRANGERS, set())
    assert office.ask(stranger, channel, f"in #{channel.name}").text == STRANGERS
    assert STRANGERS in words(home(office, stranger))
    # Whoever is of this workspace finds them there.
    eileen = office.person("eileen")
    people.invite(eileen, channel, by=office.organiser)
    found = shown(office.ask(eileen, channel))
    assert found == links(posted) == shown(office.ask(eileen, channel, f"@{stranger.name}"))


@one_way
def test_a_stranger_is_no_admin_here_whatever_they_are_at_home(office: Office) -> None:
    stranger, channel, _ = _stranger(office, admin=True)
    answer = office.admin(stranger, channel, "status")
    assert "is for the workspace's admins" in answer.text


def _stranger(office: Office, *, admin: bool = False) -> tuple[Person, Channel, list[PostedPhoto]]:
    """Of another workspace, in a public channel that is shared with it and shows their face."""
    people = office.slack.people
    name = f"Sue {len(office.slack.workspace.people)}"
    stranger = people.add_person(name, picture=portrait("eileen"), foreign=True, admin=admin)
    channel = office.channel()
    people.connect(channel, by=office.organiser)
    people.invite(stranger, channel, by=office.organiser)
    return stranger, channel, office.show(channel, snapshot("eileen"))


def test_who_joins_a_channel_gets_its_photos_at_once(office: Office) -> None:
    eileen = office.person("eileen")
    channel, hall = office.channel(), _hall(office, eileen)
    posted = office.show(channel, snapshot("eileen"))
    office.slack.people.invite(eileen, channel, by=office.organiser)
    assert shown(office.ask(eileen, hall)) == links(posted)


def test_after_leaving_a_channel_its_photos_are_gone_from_the_answer(office: Office) -> None:
    eileen = office.person("eileen")
    left, kept = office.channel(eileen, private=True), office.channel(eileen)
    office.show(left, snapshot("eileen"))
    staying = office.show(kept, snapshot("eileen", 1))
    office.slack.people.leave(eileen, left)
    assert shown(office.ask(eileen, kept)) == links(staying)


def test_after_leaving_a_channel_its_photos_are_gone_from_the_next_page(office: Office) -> None:
    eileen = office.person("eileen")
    left, kept = office.channel(eileen, private=True), office.channel(eileen)
    secret = office.show(left, *(snapshot("eileen", number) for number in range(6)))
    office.show(kept, *(snapshot("eileen", number) for number in range(6, 18)))
    page = office.ask(eileen, kept)
    assert has_more(page)
    office.slack.people.leave(eileen, left)
    assert shown(office.more(eileen, page)) & links(secret) == set()


def test_a_next_page_that_is_empty_by_now_says_so_in_a_sentence(office: Office) -> None:
    eileen = office.person("eileen")
    left, hall = office.channel(eileen), _hall(office, eileen)
    office.show(left, *(snapshot("eileen", number) for number in range(11)))
    page = office.ask(eileen, hall)
    office.slack.people.leave(eileen, left)
    answer = office.more(eileen, page)
    assert shown(answer) == set()
    assert "of 0" not in answer.text


def test_once_the_bot_was_removed_from_a_channel_its_photos_are_gone(
    any_new_office: Office,
) -> None:
    office = any_new_office
    office.start_bot()
    eileen = office.person("eileen")
    channel, private = office.channel(eileen), office.channel(eileen, private=True)
    hall = _hall(office, eileen)
    posted = [*office.show(channel, snapshot("eileen")), *office.show(private, snapshot("eileen"))]
    assert len(shown(office.ask(eileen, hall))) == 1
    office.slack.people.kick_bot(channel, by=office.organiser)
    office.slack.people.kick_bot(private, by=office.organiser)
    eventually(lambda: not rows(office.conninfo), what="the end of the photos")
    assert shown(office.ask(eileen, hall)) & links(posted) == set()


@pytest.mark.slow
def test_a_bot_that_is_removed_in_the_middle_of_a_listing_forgets_the_channel(
    new_office: Office,
) -> None:
    office = new_office
    bot = office.start_bot()
    channel = office.channel()
    posted = office.post_all(channel, [b"no picture"] * 40)
    office.read(*posted)
    list_channel, team_id, channel_id = bot.runtime.list_channel, bot.team_id, ChannelId(channel.id)
    with ThreadPoolExecutor(1) as other:
        for _ in range(15):
            bot.runtime.workspaces.watch(team_id, channel_id, channel.name)
            list_channel(team_id, channel_id)
            listing = other.submit(list_channel, team_id, channel_id)
            bot.runtime.workspaces.unwatch(team_id, channel_id)
            listing.result()
    assert rows(office.conninfo) == []


def test_a_bot_that_was_removed_while_it_was_off_serves_nothing_of_the_channel(
    any_new_office: Office,
) -> None:
    office = any_new_office
    office.start_bot()
    eileen = office.person("eileen")
    channel, hall = office.channel(eileen), _hall(office, eileen)
    office.show(channel, snapshot("eileen"))
    office.stop_bot()
    office.slack.people.kick_bot(channel, by=office.organiser)
    office.wait_for_slack_to_give_up("channel_left")
    office.start_bot()
    eventually(lambda: not rows(office.conninfo), what="the end of the photos")
    assert shown(office.ask(eileen, hall)) == set()


def test_a_bot_that_is_invited_again_finds_the_photos_again(new_office: Office) -> None:
    office = new_office
    office.start_bot()
    eileen = office.person("eileen")
    channel, hall = office.channel(eileen), _hall(office, eileen)
    posted = office.show(channel, snapshot("eileen"))
    office.slack.people.kick_bot(channel, by=office.organiser)
    eventually(lambda: not rows(office.conninfo), what="the end of the photos")
    office.slack.people.invite_bot(channel, by=office.organiser)
    office.read(*posted)
    assert shown(office.ask(eileen, hall)) == links(posted)


def test_a_photo_in_two_channels_is_told_with_the_one_that_the_asker_is_in(
    office: Office,
) -> None:
    eileen = office.person("eileen")
    private, channel = office.channel(private=True), office.channel(eileen)
    (first,) = office.show(private, snapshot("eileen"))
    again = office.slack.people.share_again(office.organiser, first.file_id, channel)
    eventually(
        lambda: shown(office.ask(eileen, channel)) == {again.permalink},
        what="the share that she can open",
    )
