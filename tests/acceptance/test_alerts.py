"""Alerts: one direct message about new photos, gathered, by day, and ended in one click."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.alerting import Alerting
from bot.demo.portraits import Who, portrait
from bot.sandbox import Channel, Message, Person, PostedPhoto
from pipeline.usecases.alert_people import AlertPeople
from tests.acceptance.office import Office, eventually, jobs, lines, links, rows, snapshot
from tests.acceptance.surfaces import element, home, kept_of, modal, pictures, press, told, words

# What is behind both ways of hearing Slack need not be looked at twice.
one_way = pytest.mark.parametrize("office", ["socket"], indirect=True)

NOON = (datetime.now(UTC) + timedelta(days=1)).replace(hour=12, minute=0)
"""Long after whatever a test posts was gathered, and not at night in UTC."""


def _tick(office: Office, now: datetime = NOON) -> int:
    """What the bot does every 20 s, as if it were `now`; how many were told."""
    edge = office.running.edge
    alert_people = AlertPeople(
        find_photos=edge.find_photos,
        alerts=edge.runtime.alerts,
        people=edge.names,
        tell=Alerting(edge.workspace.client, edge.answers),
        clock=lambda: now,
    )
    return alert_people(office.running.team_id)


def _listening(
    office: Office, who: Who | None = "eileen", tz: str = "UTC"
) -> tuple[Person, Channel]:
    """Somebody who turned alerts on, and a channel with an older photo of them."""
    person = office.person(who, tz=tz)
    channel = office.channel(person)
    office.show(channel, snapshot(who or "eileen", 15))
    press(office, person, home(office, person), "alerts_on")
    return person, channel


def _alerts(office: Office, who: Person) -> list[Message]:
    return office.slack.people.direct_messages(who)


def _linked(message: Message) -> set[str]:
    return {line.permalink for line in lines(message)}


def test_new_photos_come_in_one_message_with_pictures_links_and_an_end_to_it(
    office: Office,
) -> None:
    person, channel = _listening(office)
    new = office.show(channel, snapshot("eileen"), snapshot("eileen", 1), snapshot("grace"))
    _tick(office)
    (message,) = told(office, person)
    assert message.text == f"🔔 *2 new photos of you*, in <#{channel.id}>"
    assert _linked(message) == links(new[:2])
    assert set(pictures(message)) == {photo.file_id for photo in new[:2]}
    assert element(office, message, "gallery") is not None

    click = office.slack.people.click(person, message, "alerts_off")
    (answer,) = office.slack.people.answer_to(click, timeout_s=15)
    assert "I won't tell you of new photos any more" in answer.text
    assert "alerts" not in kept_of(office.conninfo, person)

    def is_off() -> bool:
        page = office.slack.people.home(person)
        return page is not None and "🔕 *Off.*" in words(page)

    eventually(is_off, what="the Home tab without alerts")
    office.show(channel, snapshot("eileen", 2))
    _tick(office, NOON + timedelta(days=1))
    assert len(_alerts(office, person)) == 2


@one_way
def test_the_gallery_opens_from_an_alert(office: Office) -> None:
    person, channel = _listening(office)
    office.show(channel, snapshot("eileen"))
    _tick(office)
    (message,) = told(office, person)
    office.slack.people.click(person, message, "gallery")
    assert len(pictures(modal(office, person))) == 2


@one_way
def test_many_new_photos_are_one_message_that_names_ten_and_counts_the_rest(
    office: Office,
) -> None:
    person, channel = _listening(office)
    office.show(channel, *(snapshot("eileen", number) for number in range(12)))
    _tick(office)
    (message,) = told(office, person)
    assert "*12 new photos of you*" in message.text
    assert len(lines(message)) == 10
    assert "2 more" in words(message)


@one_way
def test_who_did_not_turn_alerts_on_hears_nothing(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, snapshot("eileen"))
    _tick(office)
    assert _alerts(office, eileen) == []


@one_way
def test_photos_are_gathered_before_anybody_is_told(office: Office) -> None:
    person, channel = _listening(office, tz=_by_day())
    began = datetime.now(UTC)
    (first,) = office.show(channel, snapshot("eileen"))
    _tick(office, began + timedelta(minutes=30))
    assert _alerts(office, person) == []
    second = office.show(channel, snapshot("eileen", 1))
    _tick(office, began + timedelta(minutes=31))
    (message,) = told(office, person)
    assert _linked(message) == links([first, *second])


@one_way
def test_a_photo_in_a_channel_that_the_person_is_not_in_is_never_told(office: Office) -> None:
    person, _ = _listening(office)
    elsewhere = office.channel(private=True)
    office.show(elsewhere, snapshot("eileen"), snapshot("eileen", 1))
    _tick(office)
    assert _alerts(office, person) == []


@one_way
def test_a_repost_is_no_news(office: Office) -> None:
    person, channel = _listening(office)
    (posted,) = office.show(channel, snapshot("eileen"))
    _tick(office)
    told(office, person)
    office.slack.people.share_again(office.organiser, posted.file_id, channel)
    office.show(channel, snapshot("eileen"))
    _tick(office, NOON + timedelta(days=1))
    assert len(_alerts(office, person)) == 1


@one_way
def test_at_night_nobody_is_told_and_in_the_morning_once(office: Office) -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    person, channel = _listening(office, tz="Asia/Tokyo")
    new = office.show(channel, snapshot("eileen"))
    tomorrow = datetime.now(tokyo) + timedelta(days=1)
    for hour in (23, 24 + 3, 24 + 7):
        night = tomorrow.replace(hour=0, minute=30) + timedelta(hours=hour)
        _tick(office, night)
        assert _alerts(office, person) == [], night
    morning = tomorrow.replace(hour=8, minute=1) + timedelta(days=1)
    _tick(office, morning)
    (message,) = told(office, person)
    assert _linked(message) == links(new)
    _tick(office, morning + timedelta(hours=1))
    assert len(_alerts(office, person)) == 1


@one_way
def test_whoever_left_the_workspace_is_written_to_no_more(office: Office) -> None:
    person, channel = _listening(office)
    office.show(channel, snapshot("eileen"))
    office.slack.people.deactivate(person)
    office.running.workspace._profiles.clear()  # ten minutes later
    _tick(office)
    assert "alerts" not in kept_of(office.conninfo, person)
    assert _alerts(office, person) == []


@one_way
def test_when_slack_refuses_the_message_alerts_are_turned_off(office: Office) -> None:
    person, channel = _listening(office)
    office.show(channel, snapshot("eileen"))
    office.slack.faults.fail("chat.postMessage", error="user_disabled")
    _tick(office)
    assert "alerts" not in kept_of(office.conninfo, person)


@one_way
def test_when_slack_is_away_it_is_told_at_the_next_tick(office: Office) -> None:
    person, channel = _listening(office)
    new = office.show(channel, snapshot("eileen"))
    office.slack.faults.fail("chat.postMessage", error="internal_error")
    _tick(office)
    assert _alerts(office, person) == []
    _tick(office, NOON + timedelta(minutes=1))
    (message,) = told(office, person)
    assert _linked(message) == links(new)


@one_way
def test_a_picture_that_slack_refuses_leaves_the_links(office: Office) -> None:
    person, channel = _listening(office)
    new = office.show(channel, snapshot("eileen"))
    office.slack.faults.fail("chat.postMessage", error="invalid_blocks")
    _tick(office)
    (message,) = told(office, person)
    assert _linked(message) == links(new)
    assert pictures(message) == []


@one_way
def test_who_has_no_profile_picture_hears_by_their_selfie(office: Office) -> None:
    people = office.slack.people
    person, channel = _listening(office, None)
    typed = people.run_command(person, channel, "/findme", "selfie")
    form = modal(office, person)
    file = people.upload(person, "me.jpg", portrait("eileen"))
    people.submit_view(person, form.id, {"picture": [file.id]})
    people.submit_view(person, modal(office, person, other_than=form).id, {"use": "keep"})
    office.answer(typed)
    new = office.show(channel, snapshot("eileen"))
    _tick(office)
    (message,) = told(office, person)
    assert _linked(message) == links(new)


def test_the_bot_itself_tells_once_in_spite_of_a_re_index_and_a_restart(
    new_office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = new_office
    monkeypatch.setattr("bot.wiring.ALERT_EVERY_S", 0.3)
    monkeypatch.setattr("bot.wiring.NOTICE_EVERY_S", 0.3)
    office.start_bot(findme_alert_after_min=0.02)
    person, channel = _listening(office, tz=_by_day())
    posted = office.show(channel, snapshot("eileen"), snapshot("eileen", 1))
    messages = told(office, person)
    eventually(lambda: jobs(office.conninfo) == 0, what="the end of all jobs")
    seen = {one for message in messages for one in _linked(message)}
    assert seen <= links(posted)

    _reindexed(office, channel)
    office.stop_bot()
    office.start_bot(findme_alert_after_min=0.02)
    last = office.show(channel, snapshot("eileen", 2))
    eventually(_has_told(office, person, last), what="the message about the last photo")
    told_of = [line.permalink for m in _alerts(office, person) for line in lines(m)]
    assert sorted(told_of) == sorted(links([*posted, *last]))


def _by_day() -> str:
    """A time zone in which it is noon, more or less."""
    offset = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-offset:+d}" if offset else "Etc/GMT"


def _reindexed(office: Office, channel: Channel) -> None:
    office.admin(office.organiser, channel, "reindex")
    eventually(
        lambda: any(m.text.startswith("✅") for m in _alerts(office, office.organiser)),
        what="the end of the re-index",
    )
    assert {row.state for row in rows(office.conninfo)} == {"indexed"}


def _has_told(office: Office, who: Person, posted: list[PostedPhoto]) -> Callable[[], bool]:
    return lambda: any(links(posted) <= _linked(message) for message in _alerts(office, who))
