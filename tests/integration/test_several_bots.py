"""What bots of one workspace share: one leads, one takes each delivery, and they take turns."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from pipeline.domain.model import Channel, ChannelId, EngineId, TeamId
from pipeline.errors import DatabaseUnavailableError
from pipeline.jobs.schedule import not_within
from pipeline.ports import ChannelDirectory
from pipeline.storage.connect import Database
from pipeline.storage.deliveries import LIFE_S, Deliveries
from pipeline.storage.jobs import JobQueue
from pipeline.storage.leader import Leader
from pipeline.storage.workspaces import Workspaces
from pipeline.usecases.watch_channels import WatchChannels
from tests.waiting import wait_until

TEAM, OTHER = TeamId("T1"), TeamId("T2")
CHANNEL = ChannelId("C1")


def test_of_several_at_once_one_takes_a_delivery(database: Database) -> None:
    deliveries = Deliveries(database)
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _: deliveries.take(TEAM, "1.2"), range(8)))
    assert sorted(taken) == [False] * 7 + [True]
    assert deliveries.take(OTHER, "1.2")
    assert deliveries.take(TEAM, "1.3")


def test_deliveries_are_forgotten_after_no_copy_can_come(database: Database, conninfo: str) -> None:
    deliveries = Deliveries(database)
    for team_id, key in ((TEAM, "old"), (TEAM, "new"), (OTHER, "old")):
        deliveries.take(team_id, key)
    with psycopg.connect(conninfo) as connection:
        connection.execute(
            "update deliveries set taken_at = now() - make_interval(secs => %s) "
            "where delivery_key = 'old'",
            [LIFE_S + 1],
        )
    assert deliveries.drop_old(TEAM) == 1
    assert [deliveries.take(TEAM, "old"), deliveries.take(TEAM, "new")] == [True, False]
    assert not deliveries.take(OTHER, "old")


def test_one_leads_until_it_ends_and_then_another(conninfo: str) -> None:
    first, second, elsewhere = (Leader(conninfo, team) for team in (TEAM, TEAM, OTHER))
    assert [first.is_me(), second.is_me(), first.is_me()] == [True, False, True]
    assert elsewhere.is_me()
    first.close()
    assert not first.is_me()
    _wait_until_it_leads(second)
    second.rest()
    third = Leader(conninfo, TEAM)
    _wait_until_it_leads(third)
    assert not second.is_me()
    for one in (second, third, elsewhere):
        one.close()


def test_whoever_leads_and_loses_the_database_leads_again_or_another_does(conninfo: str) -> None:
    first, second = Leader(conninfo, TEAM), Leader(conninfo, TEAM)
    assert [first.is_me(), second.is_me()] == [True, False]
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_locks "
            "where locktype = 'advisory' and granted and pid <> pg_backend_pid()"
        )
        while connection.execute("select from pg_locks where locktype = 'advisory'").rowcount:
            pass
    assert second.is_me()
    with pytest.raises(DatabaseUnavailableError):
        first.is_me()
    assert not first.is_me()
    second.close()
    _wait_until_it_leads(first)
    first.close()


def _wait_until_it_leads(one: Leader) -> None:
    """The server hears of the end of a connection a moment after it."""
    wait_until(one.is_me, timeout_s=30)


def test_a_day_is_tidied_whoever_led_when_a_bot_began(conninfo: str) -> None:
    now_h = 0.0
    tidied: list[tuple[str, float]] = []

    def bot(name: str) -> tuple[Leader, Callable[[], None]]:
        def tidy() -> None:
            tidied.append((name, now_h))

        return Leader(conninfo, TEAM), not_within(24, tidy, clock_s=lambda: now_h)

    def tick(*bots: tuple[Leader, Callable[[], None]]) -> None:
        for leader, daily in bots:
            if leader.is_me():
                daily()

    first, second = bot("first"), bot("second")
    for hour in range(49):
        now_h = float(hour)
        tick(first, second)
    assert tidied == [("first", 0.0), ("first", 24.0), ("first", 48.0)]
    first[0].close()
    _wait_until_it_leads(second[0])
    now_h = 49.0
    tick(first, second)
    assert tidied[3:] == [("second", 49.0)]
    second[0].close()


def test_what_failed_is_not_taken_for_done() -> None:
    outcomes = [ZeroDivisionError(), None]
    done: list[object] = []

    def act() -> None:
        outcome = outcomes.pop(0)
        if outcome is not None:
            raise outcome
        done.append(outcome)

    daily = not_within(24, act, clock_s=lambda: 0.0)
    with pytest.raises(ZeroDivisionError):
        daily()
    daily()
    daily()
    assert done == [None]


class Slow(ChannelDirectory):
    """Slack, which takes its time to tell of the bot's channels."""

    def __init__(self, *channel_ids: ChannelId, wait: Callable[[], object] = lambda: None) -> None:
        self.channel_ids = channel_ids
        self._wait = wait

    def joined(self) -> Sequence[Channel]:
        """What it was when it was asked."""
        told = [Channel(channel_id=one, name="party") for one in self.channel_ids]
        self._wait()
        return told

    def joined_one(self, channel_id: ChannelId) -> Channel | None:
        """As it is now."""
        return next((one for one in self.joined() if one.channel_id == channel_id), None)


def test_what_one_bot_asked_before_does_not_undo_what_another_asked_later(
    database: Database, conninfo: str
) -> None:
    asked, may_answer = threading.Event(), threading.Event()

    def wait() -> None:
        asked.set()
        assert may_answer.wait(20)

    Workspaces(database).claim(TEAM, EngineId("retail"))
    other_database = Database(conninfo)

    def bot(of: Database, directory: ChannelDirectory) -> WatchChannels:
        return WatchChannels(directory=directory, channels=Workspaces(of), queue=JobQueue(of))

    slow, quick = bot(database, Slow(wait=wait)), bot(other_database, Slow(CHANNEL))
    with ThreadPoolExecutor(2) as threads:
        # Before the invitation, and answered after it.
        old = threads.submit(slow.follow, TEAM)
        assert asked.wait(20)
        new = threads.submit(quick.follow_one, TEAM, CHANNEL, invited=True)
        threading.Event().wait(0.3)
        came_between = new.done()
        may_answer.set()
        assert old.result(20) == []
        assert new.result(20) is not None
    other_database.close()
    assert not came_between
    assert [one.channel_id for one in Workspaces(database).watched(TEAM)] == [CHANNEL]
