"""A person is found by themselves, and by a colleague only after they agreed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from bot.blocks.consent import FIRST
from bot.listeners.consent import SENT
from bot.sandbox import Channel, Message, Person
from pipeline.ports import FaceReader
from tests.acceptance.office import (
    LOOKING,
    Office,
    eventually,
    execute,
    lines,
    links,
    open_office,
    rows,
    shown,
    snapshot,
)
from tests.acceptance.surfaces import element, home, press, words
from tests.conftest import TEMPLATE, _new_database


@pytest.fixture(scope="module")
def office(server: str, engine: FaceReader) -> Iterator[Office]:
    """An office where colleagues have to agree."""
    with (
        contextmanager(_new_database)(server, TEMPLATE) as conninfo,
        open_office(conninfo, engine) as opened,
    ):
        opened.start_bot(colleague_search="ask", findme_pull_every_s=4)
        yield opened


@pytest.fixture
def own_office(new_office: Office) -> Office:
    """The same, for a test that keeps somebody's face out: others have that face, too."""
    new_office.start_bot(colleague_search="ask")
    return new_office


def _is_told(office: Office, who: Person) -> None:
    """Wait until it is known that they read it: after the answer, or it would be lost with that."""

    def told() -> bool:
        with psycopg.connect(office.conninfo) as connection:
            query = "select count(*) from people where user_id = %s and told_at is not null"
            return connection.execute(query, [who.id]).fetchone() == (1,)

    eventually(told, what="the note that they were told")


def _wish(office: Office, who: Person, count: int = 1) -> Message:
    def come() -> Message | None:
        found = [m for m in office.slack.people.direct_messages(who) if "May I?" in m.text]
        return found[-1] if len(found) >= count else None

    return office.slack.people.wait_for(come, timeout_s=60)


def _answers(office: Office, who: Person) -> list[Message]:
    return [m for m in office.slack.people.direct_messages(who) if lines(m)]


def _answer(office: Office, who: Person) -> Message:
    """The answer that reaches somebody by itself."""
    (message, *_) = office.slack.people.wait_for(lambda: _answers(office, who), timeout_s=60)
    return message


def _says(office: Office, who: Person, wish: Message, action_id: str) -> Message:
    """Click, and the message as it is then."""
    people = office.slack.people
    people.click(who, wish, action_id)

    def replaced() -> Message | None:
        now = next(m for m in people.direct_messages(who) if m.ts == wish.ts)
        return now if now.text != wish.text else None

    return people.wait_for(replaced, timeout_s=60)


@pytest.fixture
def pair(office: Office) -> tuple[Person, Person, Channel]:
    """Somebody who asks, somebody who is in one photo, and the channel of both."""
    asker, eileen = office.person("grace"), office.person("eileen")
    channel = office.channel(asker, eileen)
    office.show(channel, snapshot("eileen"))
    return asker, eileen, channel


def test_the_first_answer_says_in_two_sentences_what_happens_and_how_to_end_it(
    office: Office,
) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, snapshot("eileen"))
    first = office.ask(eileen, channel)
    _is_told(office, eileen)
    second = office.ask(eileen, channel)
    assert FIRST in words(first)
    assert FIRST.count(". ") + FIRST.endswith(".") == 2
    assert FIRST not in words(second)
    assert shown(first) == shown(second) != []


def test_who_has_no_picture_is_told_with_the_first_refusal(office: Office) -> None:
    somebody = office.person()
    channel = office.channel(somebody)
    assert FIRST in words(office.ask(somebody, channel))
    _is_told(office, somebody)
    assert FIRST not in words(office.ask(somebody, channel))


def test_a_colleague_is_asked_first_and_on_a_yes_the_answer_comes_by_itself(
    office: Office, pair: tuple[Person, Person, Channel]
) -> None:
    asker, eileen, channel = pair
    told = office.ask(asker, channel, f"@{eileen.name}")
    assert f"I show photos of <@{eileen.id}> only if they agree" in told.text
    assert lines(told) == []
    wish = _wish(office, eileen)
    assert wish.text.startswith(f"<@{asker.id}> would like me to find photos of you")
    done = _says(office, eileen, wish, "consent_allow")
    assert "Colleagues find photos of you now" in done.text
    assert len(lines(_answer(office, asker))) == 1
    assert len(lines(office.ask(asker, channel, f"@{eileen.name}"))) == 1


def test_just_this_once_lets_that_colleague_alone_turn_the_pages(office: Office) -> None:
    asker, eileen, other = office.person("grace"), office.person("eileen"), office.person()
    channel = office.channel(asker, eileen, other)
    office.show(channel, *(snapshot("eileen", number) for number in range(12)))
    office.ask(asker, channel, f"@{eileen.name}")
    _says(office, eileen, _wish(office, eileen), "consent_once")
    answer = _answer(office, asker)
    assert len(lines(answer)) == 10
    assert len(lines(office.more(asker, answer))) == 2
    assert lines(office.ask(other, channel, f"@{eileen.name}")) == []


def test_a_no_a_silence_and_being_off_look_the_same_to_who_asks(own_office: Office) -> None:
    office = own_office
    asker = office.person("grace")
    silent, refusing, away = (office.person("eileen") for _ in range(3))
    channel = office.channel(asker, silent, refusing, away)
    office.show(channel, snapshot("grace"))
    office.ask(asker, channel, f"@{refusing.name}")
    _says(office, refusing, _wish(office, refusing), "consent_refuse")
    office.ask(away, channel, "off")
    told = [
        office.ask(asker, channel, f"@{who.name}").text.replace(who.id, "them")
        for who in (silent, refusing, away)
    ]
    assert len(set(told)) == 1
    assert _answers(office, asker) == []
    assert [m for m in office.slack.people.direct_messages(away) if "May I?" in m.text] == []


def test_after_a_no_nobody_asks_again_for_30_days(
    office: Office, pair: tuple[Person, Person, Channel]
) -> None:
    asker, eileen, channel = pair
    other = office.person()
    office.slack.people.invite(other, channel, by=office.organiser)
    office.ask(asker, channel, f"@{eileen.name}")
    _says(office, eileen, _wish(office, eileen), "consent_refuse")
    office.ask(asker, channel, f"@{eileen.name}")
    office.ask(other, channel, f"@{eileen.name}")
    before = len(office.slack.people.direct_messages(eileen))
    execute(
        office.conninfo,
        "update people set colleagues_at = now() - interval '31 days' where user_id = %s",
        eileen.id,
    )
    execute(office.conninfo, "update consent_requests set told_at = told_at - interval '31 days'")
    office.ask(other, channel, f"@{eileen.name}")
    _wish(office, eileen)
    assert len(office.slack.people.direct_messages(eileen)) == before + 1


def test_of_several_people_together_each_has_to_agree(office: Office) -> None:
    asker, eileen, grace = office.person(), office.person("eileen"), office.person("grace")
    channel = office.channel(asker, eileen, grace)
    office.ask(asker, channel, f"@{eileen.name} @{grace.name}")
    wish = _wish(office, eileen)
    assert f"you together with <@{grace.id}>" in wish.text
    _says(office, eileen, wish, "consent_allow")
    assert office.slack.people.direct_messages(asker) == []
    _says(office, grace, _wish(office, grace), "consent_once")
    (answer,) = eventually(
        lambda: office.slack.people.direct_messages(asker), what="the answer that both agreed to"
    )
    assert "I found no photos of" in answer.text
    assert "together" in answer.text


def test_a_yes_while_slack_takes_no_messages_is_answered_later(
    office: Office, pair: tuple[Person, Person, Channel]
) -> None:
    asker, eileen, channel = pair
    office.ask(asker, channel, f"@{eileen.name}")
    wish = _wish(office, eileen)
    office.slack.faults.fail("chat.postMessage", error="service_unavailable", times=2)
    _says(office, eileen, wish, "consent_allow")
    assert len(lines(_answer(office, asker))) == 1
    assert len(_answers(office, asker)) == 1


def test_who_takes_their_consent_back_is_found_no_more_not_even_by_old_buttons(
    office: Office,
) -> None:
    asker, eileen = office.person("grace"), office.person("eileen")
    channel = office.channel(asker, eileen)
    office.show(channel, *(snapshot("eileen", number) for number in range(11)))
    page = home(office, eileen)
    page = press(office, eileen, page, "colleagues_allow")
    answer = office.ask(asker, channel, f"@{eileen.name}")
    assert len(lines(answer)) == 10
    press(office, eileen, page, "colleagues_refuse")
    refused = office.more(asker, answer)
    assert lines(refused) == []
    assert "only if they agree" in refused.text


def test_where_colleague_search_is_off_nobody_finds_anybody_else(new_office: Office) -> None:
    office = new_office
    office.start_bot(colleague_search="off")
    asker, eileen = office.person("grace"), office.person("eileen")
    channel = office.channel(asker, eileen)
    office.show(channel, snapshot("eileen"))
    answer = office.ask(asker, channel, f"@{eileen.name}")
    assert "everybody finds their own photos only" in answer.text
    assert office.slack.people.direct_messages(eileen) == []
    assert len(lines(office.ask(eileen, channel))) == 1


def test_forget_me_answers_with_a_receipt_and_leaves_nothing(office: Office) -> None:
    asker, eileen = office.person("grace"), office.person("eileen")
    channel = office.channel(asker, eileen)
    office.show(channel, snapshot("eileen"))
    answer = office.ask(eileen, channel)
    office.click(eileen, answer, "verdict", value=_me(office, answer))
    office.ask(asker, channel, f"@{eileen.name}")
    _says(office, eileen, _wish(office, eileen), "consent_allow")
    _answer(office, asker)
    receipt = office.ask(eileen, channel, "forget me").text
    assert "1 template of your face, 1 word of yours on a face and 2 consents and wishes" in receipt
    assert _left(office, eileen) == 0
    assert "I knew nothing about you" in office.ask(eileen, channel, "forget me").text


def _me(office: Office, answer: Message) -> str:
    menu = element(office, answer, "verdict")
    assert menu is not None
    return str(menu["options"][0]["value"])


def _left(office: Office, who: Person) -> int:
    with psycopg.connect(office.conninfo) as connection:
        row = connection.execute(
            """
            select (select count(*) from person_references where user_id = w.id)
                + (select count(*) from verdicts where user_id = w.id)
                + (select count(*) from people where user_id = w.id)
                + (select count(*) from consent_requests where w.id in (asker_id, person_id))
            from (values (%s)) as w (id)
            """,
            [who.id],
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_who_turns_findme_off_is_found_by_nobody_and_new_photos_of_them_are_not_taken_in(
    own_office: Office,
) -> None:
    office = own_office
    eileen, asker = office.person("eileen"), office.person("eileen")
    channel = office.channel(eileen, asker)
    (before,) = office.show(channel, snapshot("eileen"))
    receipt = office.ask(eileen, channel, "off").text
    assert "Findme is off for you" in receipt
    assert "I keep one template of your face" in receipt
    (after, other) = office.show(channel, snapshot("eileen", 3), snapshot("grace"))
    faces = {row.file_id: row.faces for row in rows(office.conninfo)}
    assert [faces[one.file_id] for one in (before, after, other)] == [0, 0, 1]
    assert "`/findme on`" in office.ask(eileen, channel).text
    # Not even by the same face on somebody else's profile.
    assert lines(office.ask(asker, channel)) == []
    assert "on for you again" in office.ask(eileen, channel, "on").text
    (again,) = office.show(channel, snapshot("eileen", 5))
    assert shown(office.ask(eileen, channel)) == [*links([again])]


def test_my_data_comes_as_a_file_with_all_that_is_kept_and_no_template(
    office: Office, pair: tuple[Person, Person, Channel]
) -> None:
    asker, eileen, channel = pair
    office.ask(eileen, channel)
    office.ask(asker, channel, f"@{eileen.name}")
    _wish(office, eileen)
    assert "direct messages" in office.ask(eileen, channel, "my data").text
    people = office.slack.people
    (message,) = people.wait_for(
        lambda: [m for m in people.direct_messages(eileen) if m.files], timeout_s=60
    )
    file = people.file(message.files[0])
    data = json.loads(file.data)
    assert [one["kind"] for one in data["references"]] == ["profile"]
    assert [(one["asker_id"], one["person_id"]) for one in data["requests"]] == [
        (asker.id, eileen.id)
    ]
    assert "asked for consent" in [one["entry"]["act"] for one in data["audit"]]
    assert set(data["explanation"]) >= set(data) - {"explanation", "colleagues_at"}
    assert "embedding" not in file.data.decode()


def test_the_home_tab_turns_findme_off_and_on_and_sends_my_data(own_office: Office) -> None:
    office = own_office
    eileen = office.person("eileen")
    office.show(office.channel(eileen), snapshot("eileen"))
    page = home(office, eileen)
    assert "a colleague only after you agreed" in words(page)
    off = press(office, eileen, page, "turn_off")
    assert "Findme is off for you" in words(off)
    assert "I keep one template of your face" in words(off)
    assert element(office, off, "alerts_on") is element(office, off, "selfie") is None
    on = press(office, eileen, off, "turn_on")
    assert "on for you again" in words(on)
    press(office, eileen, on, "my_data")
    people = office.slack.people
    assert people.wait_for(
        lambda: [m for m in people.direct_messages(eileen) if m.files], timeout_s=60
    )


def test_admins_see_who_searched_for_whom(
    office: Office, pair: tuple[Person, Person, Channel]
) -> None:
    asker, eileen, channel = pair
    office.ask(asker, channel, f"@{eileen.name}")
    _says(office, eileen, _wish(office, eileen), "consent_allow")
    _answer(office, asker)
    seen = words(office.admin(office.organiser, channel, "audit"))
    assert f"<@{asker.id}> asked for consent: <@{eileen.id}>" in seen
    assert f"<@{eileen.id}> allowed colleagues" in seen
    assert f"<@{asker.id}> searched for a colleague: <@{eileen.id}>" in seen
    assert f"<@{office.organiser.id}> read the audit" in words(
        office.admin(office.organiser, channel, "audit")
    )
    assert "admins" in office.admin(eileen, channel, "audit").text


def test_what_takes_long_is_preceded_by_a_word(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    people = office.slack.people
    office.slack.faults.slow("users.conversations", delay_s=2.5, times=3)
    asked = people.run_command(eileen, channel, "/findme", "my data")
    looking, answer = people.answer_to(asked, at_least=2)
    office.slack.faults.clear()
    assert (looking.text, answer.text) == (LOOKING, SENT)
