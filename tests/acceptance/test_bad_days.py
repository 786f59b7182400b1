"""What people meet on a bad day: a busy Slack, a busy database, a slip of the finger."""

from __future__ import annotations

import threading
import time

import psycopg
import pytest

from bot.demo.portraits import portrait
from bot.latest import Latest
from bot.sandbox import RESPONSE_URL, Message
from pipeline.domain.model import UserId
from tests.acceptance.office import Office, lines, notes, one_way, shown, snapshot
from tests.acceptance.surfaces import element, home, modal, press, told, words

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_spinner")]

LOCK = "select pg_advisory_xact_lock(hashtextextended('shares/' || %s, 0))"


def _menu(office: Office, answer: Message) -> str:
    menu = element(office, answer, "verdict")
    assert menu is not None
    return str(next(o["value"] for o in menu["options"] if o["value"].startswith("not")))


@one_way
def test_an_answer_waits_as_a_busy_slack_asks_and_keeps_its_pictures(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, snapshot("eileen"))
    office.slack.faults.fail(RESPONSE_URL, status=429, headers={"Retry-After": "1"}, times=2)
    (line,) = lines(office.ask(eileen, channel))
    assert line.shown is not None


@one_way
def test_an_answer_that_slack_goes_on_refusing_comes_by_direct_message(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, snapshot("eileen"))
    office.slack.faults.fail(RESPONSE_URL, status=503, times=20)
    office.slack.people.run_command(eileen, channel, "/findme")
    (message,) = told(office, eileen)
    office.slack.faults.clear()
    assert message.text.startswith("*1 photo of you")
    assert [line.shown for line in lines(message)] != [None]


@one_way
def test_while_photos_are_being_sorted_a_verdict_says_so_and_answers_go_on(office: Office) -> None:
    eileen, grace = office.person("eileen"), office.person("grace")
    channel = office.channel(eileen, grace)
    office.show(channel, snapshot("eileen"), snapshot("grace"))
    answer = office.ask(eileen, channel)
    option = _menu(office, answer)
    people = office.slack.people
    with psycopg.connect(office.conninfo) as holding:
        holding.execute(LOCK, (office.slack.team_id,))
        clicks = [people.click(eileen, answer, "verdict", value=option) for _ in range(20)]
        started_s = time.monotonic()
        assert len(lines(office.ask(grace, channel))) == 1
        assert time.monotonic() - started_s < 4
        replies = [office.answer(click).text for click in clicks]
        holding.rollback()
    assert set(replies) == {
        "Many photos are being read just now; please click once more in a moment."
    }


@one_way
def test_not_me_says_how_many_photos_went_along_and_undo_brings_all_back(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, *(snapshot("eileen", number) for number in range(12)))
    second = office.more(eileen, office.ask(eileen, channel))
    assert second.text.startswith("*Photos 11–12 of 12*")
    rejected = office.click(eileen, second, "verdict", value=_menu(office, second))
    assert "nor 11 photos more in which it looks just the same" in words(rejected)
    assert rejected.text.startswith("I found no photos of you")
    back = office.click(eileen, rejected, "undo")
    assert back.text.startswith("*12 photos of you")


@one_way
def test_a_selfie_answers_what_was_asked_before_it(office: Office) -> None:
    somebody, grace = office.person(), office.person("grace")
    one, other = office.channel(somebody, grace), office.channel(somebody, grace)
    office.show(one, snapshot("eileen"))
    office.show(other, snapshot("eileen", 4))
    people = office.slack.people
    refused = office.ask(somebody, one, f"in #{other.name}")
    clicked = people.click(somebody, refused, "selfie")
    file = people.upload(somebody, "me.jpg", portrait("eileen"))
    form = modal(office, somebody)
    people.submit_view(somebody, form.id, {"picture": [file.id]})
    people.submit_view(somebody, modal(office, somebody, other_than=form).id, {"use": "once"})
    answer = office.answer(clicked)
    assert answer.text == f"*1 photo of you in <#{other.id}>*: 1 sure"
    assert element(office, answer, "share") is not None


@one_way
def test_admins_are_told_no_names_of_photos_in_channels_they_are_not_in(office: Office) -> None:
    eileen = office.person("eileen")
    secret = office.channel(eileen, private=True)
    posted = office.post(secret, b"plans", "layoffs.jpg")
    office.read(posted)
    assert "layoffs.jpg" in words(office.admin(office.organiser, secret, "status"))
    office.slack.people.leave(office.organiser, secret)
    elsewhere = office.channel()
    status = words(office.admin(office.organiser, elsewhere, "status"))
    assert "layoffs" not in status
    assert "in channels that you can't open: " in status
    assert "layoffs" not in words(home(office, office.organiser))


@one_way
def test_the_bot_itself_is_in_no_photo(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    answer = office.ask(eileen, channel, f"<@{office.slack.bot_user_id}>")
    assert answer.text.startswith("I'm an app, and in no photos.")


@one_way
def test_somebody_who_is_not_there_is_told_of_in_a_sentence(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    answer = office.ask(eileen, channel, "<@U0NOBODY>")
    assert answer.text == "I can't see that person's profile in Slack."


@one_way
def test_a_home_tab_that_can_not_be_filled_says_so_and_is_filled_on_demand(
    office: Office,
) -> None:
    eileen = office.person("eileen")
    office.channel(eileen)
    office.slack.faults.fail("users.info", error="fatal_error", times=30)
    page = home(office, eileen)
    office.slack.faults.clear()
    assert "Slack refused that just now" in words(page)
    assert element(office, page, "home_again") is not None
    page = press(office, eileen, page, "home_again")
    assert "What I know about you" in words(page)


@one_way
def test_an_answer_emptied_by_its_dates_is_not_blamed_on_the_picture(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, snapshot("eileen"))
    answer = office.ask(eileen, channel, "until 2020-01-01")
    assert "Other dates may have some." in notes(answer)
    assert not answer.text.endswith("yet.")
    assert shown(answer) == []


def test_what_was_begun_last_is_what_is_seen() -> None:
    latest, ann, seen = Latest(), UserId("ANN"), []
    first, second = latest.begin(ann), latest.begin(ann)
    assert latest.show(ann, second, lambda: seen.append("second"))
    assert not latest.show(ann, first, lambda: seen.append("first"))
    assert seen == ["second"]


def test_of_two_that_are_shown_at_once_the_later_one_stays() -> None:
    latest, ann, seen = Latest(), UserId("ANN"), []
    entered, go_on = threading.Event(), threading.Event()

    def slowly() -> None:
        entered.set()
        go_on.wait(5)
        seen.append("first")

    first = latest.begin(ann)
    thread = threading.Thread(target=lambda: latest.show(ann, first, slowly))
    thread.start()
    entered.wait(5)
    second = latest.begin(ann)
    other = threading.Thread(target=lambda: latest.show(ann, second, lambda: seen.append("second")))
    other.start()
    go_on.set()
    thread.join(5)
    other.join(5)
    assert seen == ["first", "second"]
