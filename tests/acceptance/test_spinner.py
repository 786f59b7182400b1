"""What takes longer than a second says "Looking…" meanwhile; what doesn't, says nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from bot.replies import SPINNER_AFTER_S
from bot.sandbox import RESPONSE_URL, Channel, Invocation, Message, Person
from tests.acceptance.office import (
    LOOKING,
    WAIT_S,
    Office,
    eventually,
    lines,
    one_way,
    snapshot,
)

SLOW_S = 2.5


@pytest.fixture(autouse=True)
def _no_faults_left(office: Office) -> Iterator[None]:
    yield
    office.slack.faults.clear()


def _found(office: Office) -> tuple[Person, Channel]:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, snapshot("eileen"))
    return eileen, channel


def _slow(office: Office, method: str) -> None:
    # Several: the bot looks for new channels now and then, and takes its share.
    office.slack.faults.slow(method, delay_s=SLOW_S, times=3)


def _all(office: Office, invocation: Invocation, count: int) -> list[Message]:
    return office.slack.people.answer_to(invocation, timeout_s=WAIT_S, at_least=count)


def test_a_slow_answer_is_preceded_by_a_word(office: Office) -> None:
    eileen, channel = _found(office)
    _slow(office, "users.conversations")
    asked = office.slack.people.run_command(eileen, channel, "/findme")
    looking, answer = _all(office, asked, 2)
    assert (looking.text, looking.visible_to) == (LOOKING, eileen.id)
    assert len(lines(answer)) == 1


@one_way
def test_a_fast_answer_comes_alone(office: Office) -> None:
    eileen, channel = _found(office)
    people = office.slack.people

    def fast() -> list[Invocation]:
        began_s = time.monotonic()
        asked = people.run_command(eileen, channel, "/findme")
        assert len(lines(office.answer(asked))) == 1
        return [asked] if time.monotonic() - began_s < SPINNER_AFTER_S else []

    # The first one is none, and others on a busy machine.
    (asked,) = eventually(fast, what="an answer within a second")
    time.sleep(SPINNER_AFTER_S + 0.2)
    assert LOOKING not in [each.text for each in people.answers_so_far(asked)]


@one_way
def test_who_the_bot_has_to_get_to_know_first_is_told_that_it_looks(office: Office) -> None:
    eileen, channel = _found(office)
    office.slack.faults.slow("users.info", delay_s=SLOW_S)
    asked = office.slack.people.run_command(eileen, channel, "/findme", "since 2024-05-12")
    looking, answer = _all(office, asked, 2)
    assert looking.text == LOOKING
    assert len(lines(answer)) == 1


@one_way
def test_the_word_is_said_once_however_much_is_slow(office: Office) -> None:
    eileen, channel = _found(office)
    office.slack.faults.slow("users.info", delay_s=SLOW_S)
    _slow(office, "users.conversations")
    asked = office.slack.people.run_command(eileen, channel, "/findme", "since 2024-05-12")
    looking, answer = _all(office, asked, 2)
    assert looking.text == LOOKING
    assert len(lines(answer)) == 1
    assert len(office.slack.people.ephemerals(eileen)) == 2


@one_way
def test_the_word_never_comes_after_the_answer(office: Office) -> None:
    eileen, channel = _found(office)
    office.ask(eileen, channel)
    _slow(office, "users.conversations")
    office.slack.faults.slow(RESPONSE_URL, delay_s=SLOW_S)
    asked = office.slack.people.run_command(eileen, channel, "/findme")
    texts = [message.text for message in _all(office, asked, 2)]
    assert texts[0] == LOOKING
    assert len(texts) == 2


@one_way
def test_after_the_word_a_verdict_still_replaces_its_answer(office: Office) -> None:
    eileen, channel = _found(office)
    answer = office.ask(eileen, channel)
    (option,) = [
        option["value"]
        for _, element in office.slack.people.elements(answer)
        if element["action_id"] == "verdict"
        for option in element["options"]
        if option["text"]["text"] == "Not me"
    ]
    _slow(office, "users.conversations")
    click = office.slack.people.click(eileen, answer, "verdict", value=option)
    replaced, looking = _all(office, click, 2)
    assert looking.text == LOOKING
    replaced = office.answer(click)
    assert replaced.ts == answer.ts
    assert lines(replaced) == []


@one_way
def test_a_slow_refusal_is_preceded_by_the_word_too(office: Office) -> None:
    somebody = office.person()
    channel = office.channel(somebody)
    _slow(office, "users.conversations")
    asked = office.slack.people.run_command(somebody, channel, "/findme")
    looking, refusal = _all(office, asked, 2)
    assert looking.text == LOOKING
    assert "no profile picture yet" in refusal.text


@one_way
@pytest.mark.parametrize("text", ["status", "audit", "channels add #{channel}"])
def test_what_an_admin_waits_for_is_preceded_by_the_word_too(office: Office, text: str) -> None:
    channel = office.channel()
    for method in ("users.info", "users.conversations"):
        _slow(office, method)
    typed = text.format(channel=channel.name)
    asked = office.slack.people.run_command(office.organiser, channel, "/findme-admin", typed)
    looking, answer = _all(office, asked, 2)
    assert (looking.text, looking.visible_to) == (LOOKING, office.organiser.id)
    assert answer.text != LOOKING
    assert len(office.slack.people.answers_so_far(asked)) == 2
