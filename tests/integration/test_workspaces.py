"""Workspaces keep their engine; channels are watched, left and watched again."""

from datetime import timedelta

import pytest

from pipeline.domain.model import ChannelId, EngineId, IndexCounts, TeamId
from pipeline.storage.connect import Database
from pipeline.storage.photos import Photos
from pipeline.storage.workspaces import Workspaces
from tests.strategies import EPOCH, found_photo, share

TEAM = TeamId("T1")
ONE, TWO = ChannelId("C1"), ChannelId("C2")
RETAIL, DLIB = EngineId("retail"), EngineId("dlib")


@pytest.fixture
def workspaces(database: Database) -> Workspaces:
    made = Workspaces(database)
    made.claim(TEAM, RETAIL)
    return made


@pytest.fixture
def photos(database: Database) -> Photos:
    return Photos(database)


def test_the_first_claim_decides_the_engine(workspaces: Workspaces) -> None:
    assert workspaces.claim(TEAM, DLIB) == RETAIL


def test_the_engine_can_be_asked_for_without_claiming_it(workspaces: Workspaces) -> None:
    assert workspaces.engine(TEAM) == RETAIL


def test_an_unknown_workspace_has_no_engine_and_gets_none_by_asking(
    workspaces: Workspaces,
) -> None:
    assert workspaces.engine(TeamId("T9")) is None
    assert workspaces.all() == [TEAM]


def test_every_workspace_is_known(workspaces: Workspaces) -> None:
    workspaces.claim(TeamId("T0"), DLIB)

    assert workspaces.all() == ["T0", "T1"]


def test_a_channel_is_new_the_first_time_it_is_watched(workspaces: Workspaces) -> None:
    assert workspaces.watch(TEAM, ONE, "party")
    assert not workspaces.watch(TEAM, ONE, "party")


def test_a_renamed_channel_goes_by_its_new_name(workspaces: Workspaces) -> None:
    workspaces.watch(TEAM, ONE, "party")
    workspaces.watch(TEAM, ONE, "summer")

    assert [channel.name for channel in workspaces.watched(TEAM)] == ["summer"]


def test_a_channel_that_was_left_is_new_again_and_listed_anew(workspaces: Workspaces) -> None:
    workspaces.watch(TEAM, ONE, "party")
    workspaces.set_listed(TEAM, ONE, until=EPOCH, whole=True)
    workspaces.unwatch(TEAM, ONE)
    assert workspaces.watched(TEAM) == []

    assert workspaces.watch(TEAM, ONE, "party")

    assert [channel.listed_until for channel in workspaces.watched(TEAM)] == [None]


def test_a_watched_channel_remembers_how_far_it_was_listed(workspaces: Workspaces) -> None:
    workspaces.watch(TEAM, ONE, "party")
    workspaces.set_listed(TEAM, ONE, until=EPOCH, whole=True)
    workspaces.watch(TEAM, ONE, "party")

    assert [channel.listed_until for channel in workspaces.watched(TEAM)] == [EPOCH]


def test_an_older_listing_that_ends_later_sets_nothing_back(workspaces: Workspaces) -> None:
    workspaces.watch(TEAM, ONE, "party")
    workspaces.set_listed(TEAM, ONE, until=EPOCH, whole=True)
    workspaces.set_listed(TEAM, ONE, until=EPOCH - timedelta(hours=1), whole=True)

    assert [channel.listed_until for channel in workspaces.watched(TEAM)] == [EPOCH]


def test_leaving_a_channel_forgets_only_what_no_other_watched_channel_shows(
    workspaces: Workspaces, photos: Photos
) -> None:
    workspaces.watch(TEAM, ONE, "party")
    workspaces.watch(TEAM, TWO, "summer")
    workspaces.watch(TEAM, ChannelId("C9"), "left long ago")
    workspaces.unwatch(TEAM, ChannelId("C9"))
    photos.add(
        TEAM,
        [
            found_photo("alone", shares=[share("C1")]),
            found_photo("both", shares=[share("C1"), share("C2")]),
            found_photo("elsewhere", shares=[share("C2")]),
            found_photo("unwatched too", shares=[share("C1"), share("C9")]),
        ],
    )

    workspaces.unwatch(TEAM, ONE)

    assert photos.counts(TEAM) == IndexCounts(photos=2, pending=2)
    assert photos.counts(TEAM, channel_id=ONE) == IndexCounts()
    assert photos.counts(TEAM, channel_id=TWO).photos == 2


def test_leaving_twice_is_the_same_as_once(workspaces: Workspaces, photos: Photos) -> None:
    workspaces.watch(TEAM, ONE, "party")
    photos.add(TEAM, [found_photo()])

    workspaces.unwatch(TEAM, ONE)
    workspaces.unwatch(TEAM, ONE)

    assert photos.counts(TEAM) == IndexCounts()


def test_leaving_a_channel_leaves_other_workspaces_alone(
    workspaces: Workspaces, photos: Photos
) -> None:
    other = TeamId("T2")
    workspaces.claim(other, RETAIL)
    for team_id in (TEAM, other):
        workspaces.watch(team_id, ONE, "party")
        photos.add(team_id, [found_photo()])

    workspaces.unwatch(TEAM, ONE)

    assert photos.counts(other).photos == 1
