"""Every event delivered four times, out of order: one row, one answer."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable

import psycopg
import pytest

from bot.sandbox import Channel, PostedPhoto
from bot.sandbox.model import ChannelKind
from pipeline.ports import FaceReader
from tests.acceptance.office import (
    LOOKING,
    POLL_EVERY_S,
    WAIT_S,
    Office,
    Transport,
    eventually,
    jobs,
    lines,
    open_office,
    snapshot,
)
from tests.acceptance.surfaces import modal

pytestmark = pytest.mark.slow

COPIES = 4
SPREAD_S = 0.15
STEPS = 30
PHOTOS = [snapshot("eileen", number) for number in range(6)]

Place = tuple[str, str, str]


def _rows(office: Office) -> list[Place]:
    """Which message of which watched channel shows which photo, and photos that none shows."""
    with psycopg.connect(office.conninfo) as connection:
        return connection.execute(
            "select p.file_id, coalesce(s.channel_id, ''), coalesce(s.ts, '') from photos p "
            "left join (shares s join channels c using (team_id, channel_id)) "
            "on s.photo_id = p.photo_id and c.watched order by 1, 2, 3"
        ).fetchall()


def _of_slack(office: Office) -> list[Place]:
    """The same, as the workspace has it."""
    ws = office.slack.workspace
    return sorted(
        (file.id, share.channel, share.ts)
        for file in ws.files.values()
        for share in file.shares
        if ws.bot_is_in(share.channel)
        and not ws.channels[share.channel].is_archived
        and ws.channels[share.channel].kind is not ChannelKind.DIRECT
    )


def _comes_to_what_slack_has(office: Office) -> None:
    until = time.monotonic() + WAIT_S
    while _rows(office) != _of_slack(office) and time.monotonic() < until:
        time.sleep(POLL_EVERY_S)
    assert _rows(office) == _of_slack(office)


class Programme:
    """Things that happen at random, one upon the other; and commands among them."""

    def __init__(self, office: Office, seed: int) -> None:
        self._office = office
        self._people = office.slack.people
        self._chance = random.Random(seed)  # noqa: S311 - not secret, but the same each time
        self._eileen = office.person("eileen")
        self._channels = [office.channel(self._eileen, private=i == 2) for i in range(3)]
        self._posted: list[PostedPhoto] = []
        self.asked = 0

    def run(self) -> None:
        """All of it."""
        steps: list[Callable[[], object]] = [
            self._post, self._post, self._post, self._share_again, self._delete_file,
            self._delete_message, self._delete_message, self._come_or_go, self._ask,
        ]  # fmt: skip
        for _ in range(STEPS):
            self._chance.choice(steps)()

    def _open(self) -> list[Channel]:
        return [self._people.channel(channel) for channel in self._channels]

    def _post(self) -> None:
        photo, channel = self._chance.choice(PHOTOS), self._chance.choice(self._open())
        self._posted.append(self._office.post(channel, photo))

    def _one(self) -> PostedPhoto | None:
        ws = self._office.slack.workspace
        left = [one for one in self._posted if (one.channel, one.ts) in ws.messages]
        return self._chance.choice(left) if left else None

    def _share_again(self) -> None:
        if one := self._one():
            where, by = self._chance.choice(self._open()), self._office.organiser
            self._posted.append(self._people.share_again(by, one.file_id, where))

    def _delete_file(self) -> None:
        if one := self._one():
            self._people.delete_file(self._office.organiser, one.file_id)

    def _delete_message(self) -> None:
        if one := self._one():
            self._people.delete_message(self._office.organiser, one)

    def _come_or_go(self) -> None:
        channel, by = self._chance.choice(self._open()), self._office.organiser
        if self._office.slack.bot_user_id in channel.members:
            self._people.kick_bot(channel, by=by)
        else:
            self._people.invite_bot(channel, by=by)

    def _ask(self) -> None:
        self._people.run_command(self._eileen, self._chance.choice(self._open()), "/findme")
        self.asked += 1

    def answers(self) -> int:
        """How many answers came."""
        found = self._people.ephemerals(self._eileen)
        return sum(message.text != LOOKING for message in found)


@pytest.mark.parametrize(("transport", "seed"), [("socket", 1), ("socket", 12), ("http", 2)])
def test_whatever_happens_four_times_and_out_of_order_ends_in_what_slack_has_and_one_answer(
    conninfo: str, engine: FaceReader, transport: Transport, seed: int
) -> None:
    with open_office(conninfo, engine, transport) as office:
        office.start_bot(findme_pull_every_s=3600)
        programme = Programme(office, seed)
        delivery = office.slack.delivery
        eventually(lambda: delivery.is_idle, what="the end of what was before")
        delivery.repeat(COPIES, spread_s=SPREAD_S, seed=seed)
        mark = len(delivery.log)
        programme.run()
        eventually(lambda: delivery.is_idle, what="the end of all deliveries", timeout_s=60)
        # The bot goes on after its acknowledgements.
        eventually(lambda: jobs(conninfo) == 0, what="the end of all jobs", timeout_s=60)
        _comes_to_what_slack_has(office)
        eventually(lambda: programme.answers() >= programme.asked, what="the answers")
        assert programme.answers() == programme.asked

        def each_came_four_times() -> bool:
            # What the bot said comes as an event, too, and some copies a little later.
            copies = Counter(one.envelope_id for one in delivery.log[mark:])
            return min(copies.values()) >= COPIES

        eventually(each_came_four_times, what="all copies")


def test_a_command_a_click_and_a_form_that_come_four_times_are_answered_once(
    any_new_office: Office,
) -> None:
    office = any_new_office
    office.start_bot()
    people = office.slack.people
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, *(snapshot("eileen", number) for number in range(11)))
    office.slack.delivery.repeat(COPIES, spread_s=SPREAD_S)
    answer = office.ask(eileen, channel)
    assert len(lines(answer)) == 10
    assert len(lines(office.more(eileen, answer))) == 1
    people.run_command(eileen, channel, "/findme", "selfie")
    eventually(lambda: office.slack.delivery.is_idle, what="the last copies")
    form = modal(office, eileen)
    file = people.upload(eileen, "me.jpg", snapshot("eileen", 12))
    assert form is not None
    people.submit_view(eileen, form.id, {"picture": [file.id]})
    eventually(lambda: office.slack.delivery.is_idle, what="the last copies of the form")
    # The copies were acknowledged as the first was: the form stayed, to show what was seen.
    assert people.modal(eileen) is not None
    assert len([one for one in people.ephemerals(eileen) if one.text != LOOKING]) == 2


def test_what_slack_sends_again_after_a_restart_changes_nothing(any_new_office: Office) -> None:
    office = any_new_office
    office.start_bot()
    channel = office.channel()
    told: list[dict[str, object]] = []
    office.slack.workspace.listeners.append(lambda event, _: told.append(event))
    kept, gone = office.show(channel, snapshot("eileen"), snapshot("eileen", 1))
    office.slack.people.delete_file(office.organiser, gone.file_id)
    eventually(lambda: _rows(office) == _of_slack(office), what="the end of a photo")
    office.stop_bot()
    office.start_bot()
    for event in reversed(told):
        for _ in range(2):
            office.slack.delivery.hear(event, channel.id)
    eventually(lambda: office.slack.delivery.is_idle, what="the end of all deliveries")
    eventually(lambda: jobs(office.conninfo) == 0, what="the end of all jobs")
    assert _rows(office) == [(kept.file_id, kept.channel, kept.ts)]
    assert len(office.said(channel)) == 1
