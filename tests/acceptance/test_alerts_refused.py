"""Alerts that fail: told once all the same, or later, or never again; and bots that stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus

import pytest

from bot.sandbox import Channel, Person, PostedPhoto
from tests.acceptance.alerted import NOON, by_day, linked, listening, messages, tick
from tests.acceptance.office import (
    Office,
    eventually,
    jobs,
    lines,
    links,
    one_way,
    rows,
    snapshot,
)
from tests.acceptance.surfaces import home, kept_of, pictures, press, told

pytestmark = pytest.mark.slow


@one_way
def test_whoever_left_the_workspace_is_written_to_no_more(office: Office) -> None:
    person, channel = listening(office)
    office.show(channel, snapshot("eileen"))
    office.slack.people.deactivate(person)
    office.running.workspace._profiles.clear()  # ten minutes later
    tick(office)
    assert "alerts" not in kept_of(office.conninfo, person)
    assert messages(office, person) == []


@one_way
@pytest.mark.parametrize("code", ["user_disabled", "user_not_found", "channel_not_found"])
def test_when_slack_knows_nobody_like_that_alerts_are_turned_off(office: Office, code: str) -> None:
    person, channel = listening(office)
    office.show(channel, snapshot("eileen"))
    office.slack.faults.fail("chat.postMessage", error=code)
    tick(office)
    assert "alerts" not in kept_of(office.conninfo, person)


@one_way
@pytest.mark.parametrize(
    ("status", "code", "wait_min"),
    [(429, "ratelimited", 2), (200, "service_unavailable", 1), (200, "restricted_action", 60)],
)
def test_what_slack_refused_is_told_after_a_while(
    office: Office, status: int, code: str, wait_min: int
) -> None:
    person, channel = listening(office)
    new = office.show(channel, snapshot("eileen"))
    headers = {"Retry-After": "120"} if status == HTTPStatus.TOO_MANY_REQUESTS else {}
    office.slack.faults.fail("chat.postMessage", status=status, error=code, headers=headers)
    before = office.slack.faults.calls["chat.postMessage"]
    tick(office)
    tick(office, NOON + timedelta(minutes=wait_min - 1))
    assert office.slack.faults.calls["chat.postMessage"] == before + 1
    assert messages(office, person) == []
    # The minutes pass in the alerts' own clock alone.
    office.running.workspace.client.waits._until_s.clear()
    tick(office, NOON + timedelta(minutes=wait_min + 1))
    (message,) = told(office, person)
    assert linked(message) == links(new)


@one_way
def test_a_closed_account_of_the_bot_is_no_fault_of_the_persons(office: Office) -> None:
    person, channel = listening(office)
    office.show(channel, snapshot("eileen"))
    office.slack.faults.fail("chat.postMessage", error="account_inactive")
    tick(office)
    assert "alerts" in kept_of(office.conninfo, person)
    tick(office, NOON + timedelta(hours=2))
    told(office, person)


@one_way
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, "<html>busy</html>"),
        (500, {"ok": False, "error": "some_error"}),
        (200, {"ok": False, "error": "internal_error"}),
        (200, {"ok": False, "error": "fatal_error"}),
    ],
)
def test_what_slack_may_have_got_is_not_sent_again(
    office: Office, status: int, body: dict[str, object] | str
) -> None:
    person, channel = listening(office)
    office.show(channel, snapshot("eileen"))
    before = office.slack.faults.calls["chat.postMessage"]
    office.slack.faults.fail("chat.postMessage", status=status, body=body)
    tick(office)
    tick(office, NOON + timedelta(days=1))
    assert office.slack.faults.calls["chat.postMessage"] == before + 1
    assert "alerts" in kept_of(office.conninfo, person)


@one_way
def test_a_message_whose_answer_came_too_late_is_there_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, channel = listening(office)
    new = office.show(channel, snapshot("eileen"))
    alerting = office.running.edge.alerting
    monkeypatch.setattr(alerting._client, "timeout", 1)
    before = office.slack.faults.calls["chat.postMessage"]
    office.slack.faults.slow("chat.postMessage", delay_s=2)
    tick(office)
    tick(office, NOON + timedelta(days=1))
    assert office.slack.faults.calls["chat.postMessage"] == before + 1
    (message,) = told(office, person)
    assert linked(message) == links(new)


@one_way
def test_nobody_is_told_at_an_hour_that_slack_does_not_say(office: Office) -> None:
    person, channel = listening(office)
    new = office.show(channel, snapshot("eileen"))
    office.running.workspace._profiles.clear()
    office.slack.faults.fail("users.info", error="internal_error", times=99)
    tick(office)
    assert messages(office, person) == []
    office.slack.faults.clear()
    tick(office, NOON + timedelta(minutes=2))
    (message,) = told(office, person)
    assert linked(message) == links(new)


@one_way
def test_a_picture_that_slack_refuses_leaves_the_links(office: Office) -> None:
    person, channel = listening(office)
    new = office.show(channel, snapshot("eileen"))
    office.slack.faults.fail("chat.postMessage", error="invalid_blocks")
    tick(office)
    (message,) = told(office, person)
    assert linked(message) == links(new)
    assert pictures(message) == []


def test_the_bot_itself_tells_once_in_spite_of_a_re_index_and_a_restart(
    new_office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = new_office
    monkeypatch.setattr("bot.wiring.ALERT_EVERY_S", 0.3)
    monkeypatch.setattr("bot.wiring.NOTICE_EVERY_S", 0.3)
    office.start_bot(findme_alert_after_min=0.02)
    person, channel = listening(office, tz=by_day())
    posted = office.show(channel, snapshot("eileen"), snapshot("eileen", 1))
    first = told(office, person)
    eventually(lambda: jobs(office.conninfo) == 0, what="the end of all jobs")
    seen = {one for message in first for one in linked(message)}
    assert seen <= links(posted)

    _reindexed(office, channel)
    office.stop_bot()
    office.start_bot(findme_alert_after_min=0.02)
    last = office.show(channel, snapshot("eileen", 2))
    eventually(_has_told(office, person, last), what="the message about the last photo")
    told_of = [line.permalink for m in messages(office, person) for line in lines(m)]
    assert sorted(told_of) == sorted(links([*posted, *last]))


def _reindexed(office: Office, channel: Channel) -> None:
    office.admin(office.organiser, channel, "reindex")
    eventually(
        lambda: any(m.text.startswith("✅") for m in messages(office, office.organiser)),
        what="the end of the re-index",
    )
    assert {row.state for row in rows(office.conninfo)} == {"indexed"}


def _has_told(office: Office, who: Person, posted: list[PostedPhoto]) -> Callable[[], bool]:
    return lambda: any(links(posted) <= linked(message) for message in messages(office, who))


def test_the_bot_stops_without_waiting_for_everybodys_alert(
    new_office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = new_office
    monkeypatch.setattr("bot.wiring.ALERT_EVERY_S", 0.3)
    office.start_bot(findme_alert_after_min=0.001)
    people = [office.person("eileen", tz=by_day()) for _ in range(12)]
    channel = office.channel(*people)
    for person in people:
        press(office, person, home(office, person), "alerts_on")
    faults = office.slack.faults
    before = faults.calls["chat.postMessage"]
    faults.slow("chat.postMessage", delay_s=1.5, times=len(people))
    office.show(channel, snapshot("eileen"))
    eventually(lambda: faults.calls["chat.postMessage"] > before, what="the first message")

    began_s = time.monotonic()
    office.stop_bot()

    assert time.monotonic() - began_s < 9  # s: all twelve would take eighteen
    assert faults.calls["chat.postMessage"] <= before + 2
