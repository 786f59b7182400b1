"""Alerts: one direct message about new photos, gathered, by day, and ended in one click."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.demo.portraits import portrait
from tests.acceptance.alerted import NOON, by_day, linked, listening, messages, tick
from tests.acceptance.office import Office, eventually, lines, links, one_way, snapshot
from tests.acceptance.surfaces import element, kept_of, modal, pictures, told, words


def test_new_photos_come_in_one_message_with_pictures_links_and_an_end_to_it(
    office: Office,
) -> None:
    person, channel = listening(office)
    new = office.show(channel, snapshot("eileen"), snapshot("eileen", 1), snapshot("grace"))
    tick(office)
    (message,) = told(office, person)
    assert message.text == f"🔔 *2 new photos of you*, in <#{channel.id}>"
    assert linked(message) == links(new[:2])
    assert set(pictures(message)) == {photo.file_id for photo in new[:2]}
    assert element(office, message, "gallery") is not None

    click = office.slack.people.click(person, message, "alerts_off")
    (answer,) = office.slack.people.answer_to(click, timeout_s=60)
    assert "I won't tell you of new photos any more" in answer.text
    assert "alerts" not in kept_of(office.conninfo, person)

    def is_off() -> bool:
        page = office.slack.people.home(person)
        return page is not None and "🔕 *Off.*" in words(page)

    eventually(is_off, what="the Home tab without alerts")
    office.show(channel, snapshot("eileen", 2))
    tick(office, NOON + timedelta(days=1))
    assert len(messages(office, person)) == 2


@one_way
def test_the_gallery_opens_from_an_alert(office: Office) -> None:
    person, channel = listening(office)
    office.show(channel, snapshot("eileen"))
    tick(office)
    (message,) = told(office, person)
    office.slack.people.click(person, message, "gallery")
    assert len(pictures(modal(office, person))) == 2


@one_way
def test_many_new_photos_are_one_message_that_names_ten_and_counts_the_rest(
    office: Office,
) -> None:
    person, channel = listening(office)
    office.show(channel, *(snapshot("eileen", number) for number in range(12)))
    tick(office)
    (message,) = told(office, person)
    assert "*12 new photos of you*" in message.text
    assert len(lines(message)) == 10
    assert "2 more" in words(message)


@one_way
def test_who_did_not_turn_alerts_on_hears_nothing(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, snapshot("eileen"))
    tick(office)
    assert messages(office, eileen) == []


@one_way
def test_photos_are_gathered_before_anybody_is_told(office: Office) -> None:
    person, channel = listening(office, tz=by_day())
    began = datetime.now(UTC)
    (first,) = office.show(channel, snapshot("eileen"))
    tick(office, began + timedelta(minutes=30))
    assert messages(office, person) == []
    second = office.show(channel, snapshot("eileen", 1))
    tick(office, began + timedelta(minutes=31))
    (message,) = told(office, person)
    assert linked(message) == links([first, *second])


@one_way
def test_a_photo_in_a_channel_that_the_person_is_not_in_is_never_told(office: Office) -> None:
    person, _ = listening(office)
    elsewhere = office.channel(private=True)
    office.show(elsewhere, snapshot("eileen"), snapshot("eileen", 1))
    tick(office)
    assert messages(office, person) == []


@one_way
def test_a_repost_is_no_news(office: Office) -> None:
    person, channel = listening(office)
    (posted,) = office.show(channel, snapshot("eileen"))
    tick(office)
    told(office, person)
    office.slack.people.share_again(office.organiser, posted.file_id, channel)
    office.show(channel, snapshot("eileen"))
    tick(office, NOON + timedelta(days=1))
    assert len(messages(office, person)) == 1


@one_way
def test_at_night_nobody_is_told_and_in_the_morning_once(office: Office) -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    person, channel = listening(office, tz="Asia/Tokyo")
    new = office.show(channel, snapshot("eileen"))
    tomorrow = datetime.now(tokyo) + timedelta(days=1)
    for hour in (23, 24 + 3, 24 + 7):
        night = tomorrow.replace(hour=0, minute=30) + timedelta(hours=hour)
        tick(office, night)
        assert messages(office, person) == [], night
    morning = tomorrow.replace(hour=8, minute=1) + timedelta(days=1)
    tick(office, morning)
    (message,) = told(office, person)
    assert linked(message) == links(new)
    tick(office, morning + timedelta(hours=1))
    assert len(messages(office, person)) == 1


@one_way
def test_who_has_no_profile_picture_hears_by_their_selfie(office: Office) -> None:
    people = office.slack.people
    person, channel = listening(office, None)
    typed = people.run_command(person, channel, "/findme", "selfie")
    form = modal(office, person)
    file = people.upload(person, "me.jpg", portrait("eileen"))
    people.submit_view(person, form.id, {"picture": [file.id]})
    people.submit_view(person, modal(office, person, other_than=form).id, {"use": "keep"})
    office.answer(typed)
    new = office.show(channel, snapshot("eileen"))
    tick(office)
    (message,) = told(office, person)
    assert linked(message) == links(new)
