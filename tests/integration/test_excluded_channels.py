"""A channel that an admin took out stays out until somebody wants it again."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.domain.model import Channel, ChannelId, EngineId, IndexCounts, TeamId
from pipeline.ports import ChannelDirectory
from pipeline.storage.connect import Database
from pipeline.storage.jobs import JobQueue
from pipeline.storage.photos import Photos
from pipeline.storage.workspaces import Workspaces
from pipeline.usecases.watch_channels import WatchChannels
from tests.strategies import EPOCH, found_photo, share

TEAM, OTHER = TeamId("T1"), TeamId("T2")
ONE, TWO = ChannelId("C1"), ChannelId("C2")
ENGINE = EngineId("test")


class Joined(ChannelDirectory):
    """The channels that the bot is in."""

    def __init__(self, *channel_ids: ChannelId) -> None:
        self.channel_ids = list(channel_ids)

    def joined(self) -> Sequence[Channel]:
        """Each by a name."""
        return [Channel(channel_id=one, name=f"name of {one}") for one in self.channel_ids]

    def joined_one(self, channel_id: ChannelId) -> Channel | None:
        """One of them."""
        return next((one for one in self.joined() if one.channel_id == channel_id), None)


@pytest.fixture
def workspaces(database: Database) -> Workspaces:
    made = Workspaces(database)
    for team_id in (TEAM, OTHER):
        made.claim(team_id, ENGINE)
    return made


@pytest.fixture
def photos(database: Database) -> Photos:
    return Photos(database)


@pytest.fixture
def joined() -> Joined:
    return Joined(ONE, TWO)


@pytest.fixture
def tick(database: Database, workspaces: Workspaces, joined: Joined) -> WatchChannels:
    return WatchChannels(directory=joined, channels=workspaces, queue=JobQueue(database))


def names(channels: Sequence[Channel]) -> list[str]:
    return [channel.name for channel in channels]


def test_its_photos_are_gone_but_those_that_another_channel_shows(
    workspaces: Workspaces, photos: Photos
) -> None:
    for channel_id in (ONE, TWO):
        workspaces.watch(TEAM, channel_id, "party")
    alone = found_photo("alone", shares=[share("C1")])
    both = found_photo("both", shares=[share("C1"), share("C2")])
    photos.add(TEAM, [alone, both])

    workspaces.exclude(TEAM, ONE)

    assert photos.counts(TEAM) == IndexCounts(photos=1, pending=1)
    assert photos.counts(TEAM, channel_id=ONE) == IndexCounts()


def test_photos_posted_there_are_not_taken_up(workspaces: Workspaces, photos: Photos) -> None:
    workspaces.watch(TEAM, ONE, "party")
    workspaces.exclude(TEAM, ONE)

    assert photos.add(TEAM, [found_photo()], channel_id=ONE) == 0


def test_the_tick_leaves_it_out_and_lists_the_others(
    tick: WatchChannels, workspaces: Workspaces, database: Database
) -> None:
    assert names(tick(TEAM)) == ["name of C1", "name of C2"]
    with database.transaction() as connection:
        connection.execute("delete from procrastinate_jobs")
    workspaces.exclude(TEAM, ONE)

    assert [tick(TEAM), tick(TEAM)] == [[], []]

    assert names(workspaces.watched(TEAM)) == ["name of C2"]
    assert names(workspaces.excluded(TEAM)) == ["name of C1"]
    with database.transaction() as connection:
        rows = connection.execute("select args->>'channel_id' as listed from procrastinate_jobs")
        assert {row["listed"] for row in rows} == {TWO}


def test_it_is_watched_again_and_listed_anew_only_if_somebody_wants_it(
    workspaces: Workspaces,
) -> None:
    workspaces.watch(TEAM, ONE, "party")
    workspaces.set_listed(TEAM, ONE, until=EPOCH, whole=True)
    workspaces.exclude(TEAM, ONE)
    assert not workspaces.watch(TEAM, ONE, "party")
    assert workspaces.watched(TEAM) == []

    assert workspaces.watch(TEAM, ONE, "party", again=True)

    (channel,) = workspaces.watched(TEAM)
    assert (channel.listed_until, channel.compared_at) == (None, None)
    assert workspaces.excluded(TEAM) == []


def test_to_want_a_watched_channel_again_changes_nothing(workspaces: Workspaces) -> None:
    workspaces.watch(TEAM, ONE, "party")
    workspaces.set_listed(TEAM, ONE, until=EPOCH, whole=True)

    assert not workspaces.watch(TEAM, ONE, "party", again=True)

    assert [channel.listed_until for channel in workspaces.watched(TEAM)] == [EPOCH]


def test_once_the_bot_left_an_invitation_works_as_ever(workspaces: Workspaces) -> None:
    workspaces.watch(TEAM, ONE, "party")
    workspaces.exclude(TEAM, ONE)

    workspaces.unwatch(TEAM, ONE)

    assert workspaces.excluded(TEAM) == []
    assert workspaces.watch(TEAM, ONE, "party")


def test_that_the_bot_left_is_seen_by_the_tick_too(
    tick: WatchChannels, workspaces: Workspaces, joined: Joined
) -> None:
    tick(TEAM)
    workspaces.exclude(TEAM, ONE)
    joined.channel_ids.remove(ONE)
    tick(TEAM)
    joined.channel_ids.append(ONE)

    assert names(tick(TEAM)) == ["name of C1"]


def test_a_channel_that_was_not_looked_at_yet_can_be_taken_out(
    tick: WatchChannels, workspaces: Workspaces
) -> None:
    workspaces.exclude(TEAM, ONE)
    assert names(workspaces.excluded(TEAM)) == [ONE]

    tick(TEAM)

    assert names(workspaces.watched(TEAM)) == ["name of C2"]
    assert names(workspaces.excluded(TEAM)) == ["name of C1"]


def test_taking_it_out_twice_is_the_same_as_once(workspaces: Workspaces) -> None:
    workspaces.watch(TEAM, ONE, "party")
    workspaces.exclude(TEAM, ONE)
    workspaces.exclude(TEAM, ONE)

    assert names(workspaces.excluded(TEAM)) == ["party"]


def test_other_workspaces_keep_theirs(workspaces: Workspaces) -> None:
    for team_id in (TEAM, OTHER):
        workspaces.watch(team_id, ONE, "party")

    workspaces.exclude(TEAM, ONE)

    assert names(workspaces.watched(OTHER)) == ["party"]
    assert workspaces.excluded(OTHER) == []


def test_whatever_ticks_at_the_same_time_it_is_out(workspaces: Workspaces, photos: Photos) -> None:
    def tick(number: int) -> None:
        if number == 5:
            workspaces.exclude(TEAM, ONE)
        workspaces.watch(TEAM, ONE, "party")
        photos.add(TEAM, [found_photo(f"F{number}")], channel_id=ONE)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(tick, range(32)))

    assert (workspaces.watched(TEAM), photos.counts(TEAM)) == ([], IndexCounts())
