"""*Share here*: what somebody chose is posted in the channel, and tells of no other."""

from __future__ import annotations

import json

import pytest

from bot.sandbox import Breakage, Channel, Message, Person, PostedPhoto, View
from bot.sandbox.inputs import Filled
from tests.acceptance.office import Office, eventually, one_way, rows, shown, snapshot
from tests.acceptance.surfaces import element, modal, pictures, words

pytestmark = pytest.mark.usefixtures("no_spinner")


def _asked(office: Office, count: int = 2) -> tuple[Person, Channel, list[PostedPhoto], Message]:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    posted = office.show(channel, *(snapshot("eileen", number) for number in range(count)))
    return eileen, channel, posted, office.ask(eileen, channel)


def _form(office: Office, who: Person, answer: Message) -> View:
    office.slack.people.click(who, answer, "share")
    return modal(office, who)


def _submit(office: Office, who: Person, form: View, *numbers: int) -> None:
    """Choose the photos with these numbers, from 1 on, and share them."""
    people = office.slack.people
    filled: Filled = {
        (block_id, "chosen"): [found["options"][0]["value"]]
        for block_id, found in people.elements(form)
        if block_id in {f"choice-{number}" for number in numbers}
    }
    assert len(filled) == len(numbers)
    outcome = people.outcome(people.submit_view(who, form.id, filled=filled))
    assert outcome.error is None


def _posted_by_bot(office: Office, channel: Channel, count: int = 2) -> Message:
    """What came after the bot's hello."""
    return eventually(lambda: office.said(channel)[count - 1 :], what="the photos in the channel")[
        0
    ]


def _told(office: Office, who: Person, channel: Channel) -> str:
    """What the person alone was told after the answer."""
    people = office.slack.people
    return eventually(lambda: people.ephemerals(who, channel)[1:], what="a sentence")[0].text


def test_the_chosen_photos_are_posted_with_who_shares_them(office: Office) -> None:
    eileen, channel, _, answer = _asked(office)
    form = _form(office, eileen, answer)
    assert f"Everybody in <#{channel.id}> will see what you choose." in words(form)
    shown_files = pictures(form)
    assert len(shown_files) == 2
    _submit(office, eileen, form, 2)
    message = _posted_by_bot(office, channel)
    assert message.visible_to is None
    assert message.text == f"<@{eileen.id}> shares 1 photo, found by Findme"
    assert pictures(message) == shown_files[1:]
    assert shown(answer)[1] in words(message)
    assert office.slack.people.modal(eileen) is None


@one_way
def test_several_photos_are_posted_in_one_message(office: Office) -> None:
    eileen, channel, _, answer = _asked(office, 3)
    form = _form(office, eileen, answer)
    _submit(office, eileen, form, 1, 3)
    message = _posted_by_bot(office, channel)
    assert message.text == f"<@{eileen.id}> shares 2 photos, found by Findme"
    assert set(pictures(message)) == {pictures(form)[0], pictures(form)[2]}


def test_nothing_chosen_is_told_in_the_form(office: Office) -> None:
    eileen, channel, _, answer = _asked(office)
    form = _form(office, eileen, answer)
    _submit(office, eileen, form)
    marked = office.slack.people.modal(eileen)
    assert marked is not None
    assert marked.errors == {"choice-1": "Choose at least one photo."}
    assert len(office.said(channel)) == 1


@one_way
def test_it_is_offered_only_in_a_channel_that_is_watched(office: Office) -> None:
    eileen, channel, _, answer = _asked(office)
    assert element(office, answer, "share") is not None
    hall = office.channel(eileen, with_bot=False)
    direct = office.slack.people.open_direct(eileen)
    for place in (hall, direct):
        answer = office.ask(eileen, place)
        assert shown(answer)
        assert element(office, answer, "share") is None
    narrowed = office.ask(eileen, office.channel(eileen), f"in #{channel.name}")
    assert element(office, narrowed, "share") is not None


def test_a_photo_of_another_channel_reveals_nothing_of_that(office: Office) -> None:
    eileen = office.person("eileen")
    secret, channel = office.channel(eileen, private=True), office.channel(eileen)
    (posted,) = office.show(secret, snapshot("eileen"))
    form = _form(office, eileen, office.ask(eileen, channel))
    _submit(office, eileen, form, 1)
    message = _posted_by_bot(office, channel)
    assert pictures(message) == [posted.file_id]
    told = json.dumps([message.text, message.blocks])
    assert not [what for what in (secret.id, secret.name, posted.permalink) if what in told]


@one_way
def test_a_photo_is_shared_although_newer_ones_moved_it_to_another_page(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    sure = [snapshot("eileen", number) for number in range(10)]
    *_, maybe = office.show(channel, *sure[1:], snapshot("eileen", blur_px=4))
    form = _form(office, eileen, office.ask(eileen, channel))
    assert pictures(form)[9] == maybe.file_id
    office.show(channel, sure[0])
    assert maybe.permalink not in shown(office.ask(eileen, channel))
    _submit(office, eileen, form, 10)
    assert pictures(_posted_by_bot(office, channel)) == [maybe.file_id]


@one_way
def test_who_left_the_channel_meanwhile_posts_nothing_there(office: Office) -> None:
    eileen, channel, _, answer = _asked(office)
    other = office.channel(eileen)
    office.show(other, snapshot("eileen", 5))
    form = _form(office, eileen, answer)
    office.slack.people.leave(eileen, channel)
    _submit(office, eileen, form, 1)
    assert _told(office, eileen, channel) == (
        "Nothing was shared. You and I are not both in that channel any more."
    )
    assert len(office.said(channel)) == 1


@one_way
def test_where_the_bot_was_removed_nothing_is_posted(office: Office) -> None:
    eileen, channel, posted, answer = _asked(office)
    form = _form(office, eileen, answer)
    office.slack.people.kick_bot(channel, by=office.organiser)
    _submit(office, eileen, form, 1)
    assert _told(office, eileen, channel).startswith("Nothing was shared. ")
    assert len(office.said(channel)) == 1
    files = {each.file_id for each in posted}
    eventually(lambda: not files & {row.file_id for row in rows(office.conninfo)}, what="their end")


@one_way
def test_photos_that_are_gone_meanwhile_are_not_shared(office: Office) -> None:
    eileen, channel, posted, answer = _asked(office)
    form = _form(office, eileen, answer)
    for each in posted:
        office.slack.people.delete_file(office.organiser, each.file_id)
    files = {each.file_id for each in posted}
    eventually(lambda: not files & {row.file_id for row in rows(office.conninfo)}, what="their end")
    _submit(office, eileen, form, 1)
    assert _told(office, eileen, channel) == (
        "Nothing was shared. You can't see these photos any more; type `/findme` again."
    )


def test_a_photo_deleted_a_moment_ago_is_not_shared_and_that_is_said(new_office: Office) -> None:
    office = new_office
    office.start_bot()
    eileen, channel, posted, answer = _asked(office, 1)
    form = _form(office, eileen, answer)
    office.lose_events()
    office.slack.people.delete_file(office.organiser, posted[0].file_id)
    _submit(office, eileen, form, 1)
    assert _told(office, eileen, channel) == (
        "Nothing was shared. One of the photos was deleted a moment ago; choose again."
    )
    assert len(office.said(channel)) == 1


@one_way
@pytest.mark.parametrize("lost", ["a reset", "internal_error", "fatal_error"])
def test_what_slack_may_have_posted_is_not_said_not_to_be_shared(office: Office, lost: str) -> None:
    eileen, channel, _, answer = _asked(office, 1)
    form = _form(office, eileen, answer)
    faults = office.slack.faults
    if lost == "a reset":
        faults.break_off("chat.postMessage", Breakage.RESET, is_taken=True)
    else:
        faults.fail("chat.postMessage", error=lost, is_taken=True)
    _submit(office, eileen, form, 1)
    assert _told(office, eileen, channel) == (
        "Slack didn't tell me whether it was posted; look in the channel before you share again."
    )
    assert _posted_by_bot(office, channel).text == f"<@{eileen.id}> shares 1 photo, found by Findme"
    assert len(office.said(channel)) == 2


@one_way
def test_what_slack_refuses_to_post_is_said_not_to_be_shared(office: Office) -> None:
    eileen, channel, _, answer = _asked(office, 1)
    form = _form(office, eileen, answer)
    office.slack.faults.fail("chat.postMessage", error="restricted_action")
    _submit(office, eileen, form, 1)
    assert _told(office, eileen, channel).startswith("Nothing was shared. Slack refused that")
    assert len(office.said(channel)) == 1
