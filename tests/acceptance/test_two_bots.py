"""Two bots in one workspace, each hearing every other thing: everything is answered once."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from bot.wiring import Bot
from tests.acceptance.alerted import by_day, messages
from tests.acceptance.office import (
    LOOKING,
    Office,
    eventually,
    has_more,
    jobs,
    lines,
    links,
    rows,
    snapshot,
)
from tests.acceptance.surfaces import home, modal, press, told, words

pytestmark = pytest.mark.slow

COPIES = 4
SPREAD_S = 0.15


class Pair:
    """Two bots of one office, and who of them looked for photos."""

    def __init__(self, office: Office, **settings: object) -> None:
        self.office = office
        self.bots: list[Bot] = []
        self.looked: list[int] = []
        for number in range(2):
            bot = office.start_bot(**settings)
            self.bots.append(bot)
            self._count(number, bot)
            office.bot = None
        office.slack.wait_for_bot(connections=2)

    def _count(self, number: int, bot: Bot) -> None:
        page = bot.edge.answers.page

        def counted(*args: object, **kwargs: object) -> object:
            self.looked.append(number)
            return page(*args, **kwargs)  # type: ignore[arg-type]  # passed on as they came

        bot.edge.answers.page = counted  # type: ignore[method-assign,assignment]  # to count

    def stop(self, number: int) -> None:
        """End one of them."""
        self.office.bot = self.bots.pop(number)
        self.office.stop_bot()


@pytest.fixture
def pair(new_office: Office) -> Iterator[Pair]:
    made = Pair(new_office, findme_pull_every_s=3600, findme_alert_after_min=0.001)
    yield made
    while made.bots:
        made.stop(0)


def _answers(office: Office, who: object) -> int:
    found = office.slack.people.ephemerals(who)  # type: ignore[arg-type]  # a person
    return sum(message.text != LOOKING for message in found)


def test_commands_and_clicks_are_answered_by_whichever_bot_gets_them(pair: Pair) -> None:
    office = pair.office
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    hers = office.show(channel, *(snapshot("eileen", number) for number in range(11)))
    for _ in range(3):
        eventually(lambda: office.slack.delivery.is_idle, what="the end of all events")
        answer = office.ask(eileen, channel)
        assert has_more(answer)
        second = office.more(eileen, answer)
        assert {line.permalink for line in (*lines(answer), *lines(second))} == links(hers)
        # One more, so that the next question goes to the bot that gave the second page now.
        office.ask(office.organiser, channel, "help")
    assert _answers(office, eileen) == 6
    first_pages, second_pages = pair.looked[0::2], pair.looked[1::2]
    assert set(first_pages) == {0, 1}
    assert second_pages == [1 - number for number in first_pages]


def test_what_comes_four_times_to_two_bots_is_answered_once(pair: Pair) -> None:
    office = pair.office
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    posted = office.show(channel, *(snapshot("eileen", number) for number in range(11)))
    office.slack.delivery.repeat(COPIES, spread_s=SPREAD_S)
    first = office.ask(eileen, channel)
    for _ in range(3):
        office.ask(eileen, channel)
    office.more(eileen, first)
    late = office.post(channel, snapshot("eileen", 11))
    other = office.channel(eileen)
    (row,) = office.read(late)
    eventually(lambda: office.slack.delivery.is_idle, what="the last copies", timeout_s=60)
    eventually(lambda: jobs(office.conninfo) == 0, what="the end of all jobs")
    time.sleep(0.5)  # for an answer too many
    assert _answers(office, eileen) == 5
    assert len(pair.looked) == 5
    assert (row.faces, row.distinct_faces, row.shares) == (1, 1, 1)
    assert len(rows(office.conninfo)) == len(posted) + 1
    assert [len(office.said(one)) for one in (channel, other)] == [1, 1]


def test_a_selfie_that_one_bot_looked_at_is_used_by_the_other(pair: Pair) -> None:
    office = pair.office
    people = office.slack.people
    for turn in range(2):
        somebody = office.person()
        channel = office.channel(somebody)
        hers = office.show(channel, *(snapshot("eileen", number) for number in range(11)))
        if turn:
            office.ask(office.organiser, channel, "help")
        typed = people.run_command(somebody, channel, "/findme", "selfie")
        form = modal(office, somebody)
        file = people.upload(somebody, "me.jpg", snapshot("eileen", 12))
        people.submit_view(somebody, form.id, {"picture": [file.id]})
        judged = modal(office, somebody, other_than=form)
        assert "I see one face in your picture" in words(judged)
        people.submit_view(somebody, judged.id, {"use": "once"})
        answer = office.answer(typed)
        # The next page needs the face again.
        second = office.more(somebody, answer)
        third = office.more(somebody, answer)
        assert len(lines(answer)) == 10
        assert [shown.permalink for shown in lines(second)] == [
            shown.permalink for shown in lines(third)
        ]
        found = {line.permalink for line in (*lines(answer), *lines(second))}
        assert found == links(hers)


def test_new_photos_are_told_once_and_a_reindex_ends_in_one_message(pair: Pair) -> None:
    office = pair.office
    eileen = office.person("eileen", tz=by_day())
    channel = office.channel(eileen)
    office.show(channel, snapshot("eileen", 15))
    press(office, eileen, home(office, eileen), "alerts_on")
    office.show(channel, snapshot("eileen"), snapshot("eileen", 1))
    for bot in pair.bots * 2:
        bot.edge.alert_people(bot.team_id)
    assert len(told(office, eileen)) == 1

    def ended() -> bool:
        found = messages(office, office.organiser)
        assert len(found) <= 1
        return any("3 photos with 3 faces" in message.text for message in found)

    office.admin(office.organiser, channel, "reindex")
    eventually(ended, what="the end of the re-index")
    assert len(messages(office, eileen)) == 1


def test_when_the_bot_that_leads_ends_the_other_goes_on(new_office: Office) -> None:
    office = new_office
    pair = Pair(office, findme_pull_every_s=1)
    channel = office.channel()
    office.lose_events()
    for _ in range(2):
        office.read(office.post(channel, snapshot("eileen", len(pair.bots))))
        pair.stop(0)
