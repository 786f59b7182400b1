"""*That's me* and *Not me*: the word of who asks, in the answer and in the next one."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
import pytest

from bot.demo.album import AlbumPhoto
from bot.sandbox import RESPONSE_URL, Channel, Invocation, Message, NotAllowed, Person, PostedPhoto
from tests.acceptance.office import Office, eventually, lines, one_way, rows, shown, snapshot
from tests.acceptance.surfaces import element, words

THANKS = "Thanks. I won't show you that face again."
# The word on a photo holds for its copies, too, which other tests may have posted.
VERDICTS = "select count(distinct (content_hash, box)) from verdicts where user_id = %s"
GONE = "That photo, or the face in it, is not there any more; search again."


def _press(office: Office, who: Person, answer: Message, permalink: str, said: str) -> Invocation:
    """Say "me" or "not me" of a photo, by its buttons or its menu."""
    people = office.slack.people
    slot = shown(answer).index(permalink)
    (block_id, found), *_ = [
        (block_id, each)
        for block_id, each in people.elements(answer)
        if block_id.startswith(f"{slot}:")
    ]
    if found["type"] == "overflow":
        (option,) = [
            option["value"] for option in found["options"] if option["value"].startswith(f"{said} ")
        ]
        return people.click(who, answer, "verdict", value=option)
    return people.click(who, answer, said.replace(" ", "_"), block_id=block_id)


def _say(office: Office, who: Person, answer: Message, permalink: str, said: str) -> Message:
    replaced = office.answer(_press(office, who, answer, permalink, said))
    assert (replaced.channel, replaced.ts) == (answer.channel, answer.ts)
    return replaced


def _sure_and_maybe(office: Office) -> tuple[Person, Channel, PostedPhoto, PostedPhoto]:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    sure, maybe = office.show(channel, snapshot("eileen"), snapshot("eileen", blur_px=4))
    return eileen, channel, sure, maybe


def _verdicts(office: Office, who: Person) -> int:
    with psycopg.connect(office.conninfo) as connection:
        row = connection.execute(VERDICTS, [who.id]).fetchone()
    assert row is not None
    return int(row[0])


def test_not_me_on_a_maybe_takes_the_photo_away_for_good(office: Office) -> None:
    eileen, channel, sure, maybe = _sure_and_maybe(office)
    answer = office.ask(eileen, channel)
    assert [line.certainty for line in lines(answer)] == ["sure", "maybe"]
    replaced = _say(office, eileen, answer, maybe.permalink, "not me")
    assert shown(replaced) == [sure.permalink]
    assert THANKS in words(replaced)
    assert shown(office.ask(eileen, channel)) == [sure.permalink]


def test_not_me_in_the_menu_of_a_sure_photo_takes_it_away_for_good(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    (sure,) = office.show(channel, snapshot("eileen"))
    replaced = _say(office, eileen, office.ask(eileen, channel), sure.permalink, "not me")
    assert shown(replaced) == []
    assert THANKS in words(replaced)
    assert shown(office.ask(eileen, channel)) == []


def test_undo_brings_the_photo_back(office: Office) -> None:
    eileen, channel, sure, maybe = _sure_and_maybe(office)
    replaced = _say(office, eileen, office.ask(eileen, channel), maybe.permalink, "not me")
    again = office.click(eileen, replaced, "undo")
    assert again.ts == replaced.ts
    assert shown(again) == [sure.permalink, maybe.permalink]
    assert THANKS not in words(again)
    assert shown(office.ask(eileen, channel)) == [sure.permalink, maybe.permalink]
    assert _verdicts(office, eileen) == 0


def test_thats_me_makes_a_maybe_sure_and_it_stays_so(office: Office) -> None:
    eileen, channel, _, maybe = _sure_and_maybe(office)
    replaced = _say(office, eileen, office.ask(eileen, channel), maybe.permalink, "me")
    for answer in (replaced, office.ask(eileen, channel)):
        (line,) = [line for line in lines(answer) if line.permalink == maybe.permalink]
        assert (line.certainty, line.confirmed) == ("sure", True)
        assert answer.text == f"*2 photos of you in <#{channel.id}>*: 2 sure"


@one_way
def test_what_was_confirmed_can_still_be_taken_for_somebody_else(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    (sure,) = office.show(channel, snapshot("eileen"))
    confirmed = _say(office, eileen, office.ask(eileen, channel), sure.permalink, "me")
    menu = element(office, confirmed, "verdict")
    assert menu is not None
    assert [option["text"]["text"] for option in menu["options"]] == ["Not me"]
    assert shown(_say(office, eileen, confirmed, sure.permalink, "not me")) == []


def test_the_same_click_twice_is_the_same_as_once(office: Office) -> None:
    eileen, channel, sure, maybe = _sure_and_maybe(office)
    answer = office.ask(eileen, channel)
    office.slack.faults.slow(RESPONSE_URL, delay_s=0.4)
    clicks = [_press(office, eileen, answer, maybe.permalink, "not me") for _ in range(2)]
    for click in clicks:
        assert shown(office.answer(click)) == [sure.permalink]
    assert _verdicts(office, eileen) == 1


@one_way
def test_a_click_on_a_photo_that_was_deleted_meanwhile_says_so(office: Office) -> None:
    eileen, channel, sure, maybe = _sure_and_maybe(office)
    answer = office.ask(eileen, channel)
    for posted in (sure, maybe):
        office.slack.people.delete_file(office.organiser, posted.file_id)
    eventually(
        lambda: not {sure.file_id, maybe.file_id} & {row.file_id for row in rows(office.conninfo)},
        what="the deletion",
    )
    for posted, said in ((sure, "me"), (maybe, "me"), (maybe, "not me")):
        assert office.answer(_press(office, eileen, answer, posted.permalink, said)).text == GONE


@one_way
@pytest.mark.usefixtures("no_spinner")
def test_a_click_in_the_direct_messages_replaces_the_answer_there(office: Office) -> None:
    eileen, _, sure, maybe = _sure_and_maybe(office)
    direct = office.slack.people.open_direct(eileen)
    answer = office.ask(eileen, direct)
    replaced = _say(office, eileen, answer, maybe.permalink, "not me")
    assert shown(replaced) == [sure.permalink]
    assert office.slack.people.ephemerals(eileen, direct) == [replaced]


@one_way
def test_a_verdict_on_the_second_page_shows_that_page_again(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    photos = [*(snapshot("eileen", number) for number in range(11)), snapshot("eileen", blur_px=4)]
    office.show(channel, *photos)
    page = office.more(eileen, office.ask(eileen, channel))
    assert page.text == "*Photos 11–12 of 12* of you"
    kept, gone = lines(page)
    assert gone.certainty == "maybe"
    replaced = _say(office, eileen, page, gone.permalink, "not me")
    assert shown(replaced) == [kept.permalink]
    assert replaced.text == "*Photos 11–11 of 11* of you"


@one_way
def test_a_verdict_on_a_photo_of_two_is_about_the_asker_alone(
    office: Office, album: Mapping[str, AlbumPhoto]
) -> None:
    eileen, grace = office.person("eileen"), office.person("grace")
    channel = office.channel(eileen, grace)
    (both,) = office.show(channel, album["lunch (2).jpg"].data)
    answer = office.ask(eileen, channel, f"me @{grace.name}")
    assert shown(_say(office, eileen, answer, both.permalink, "not me")) == []
    assert shown(office.ask(eileen, channel)) == []
    assert shown(office.ask(grace, channel)) == [both.permalink]


@one_way
def test_of_a_colleagues_photos_nobody_else_has_a_word(office: Office) -> None:
    eileen, somebody = office.person("eileen"), office.person()
    channel = office.channel(eileen, somebody)
    office.show(channel, snapshot("eileen"), snapshot("eileen", blur_px=4))
    answer = office.ask(somebody, channel, f"@{eileen.name}")
    assert [line.certainty for line in lines(answer)] == ["sure", "maybe"]
    assert not any(element(office, answer, each) for each in ("me", "not_me", "verdict"))


@one_way
def test_nobody_else_can_click_in_the_answer(office: Office) -> None:
    eileen, channel, _, maybe = _sure_and_maybe(office)
    answer = office.ask(eileen, channel)
    with pytest.raises(NotAllowed, match="for somebody else"):
        _press(office, office.organiser, answer, maybe.permalink, "not me")
