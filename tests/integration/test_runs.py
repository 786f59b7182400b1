"""A re-index from its start to its end."""

import pytest

from pipeline.domain.model import ChannelId, EngineId, IndexCounts, PhotoId, TeamId, UserId
from pipeline.storage.connect import Database
from pipeline.storage.photos import Photos
from pipeline.storage.runs import Runs
from pipeline.storage.workspaces import Workspaces
from tests.strategies import found_photo, photo_faces, random_units, share

TEAM, OTHER = TeamId("T1"), TeamId("T2")
ONE, TWO = ChannelId("C1"), ChannelId("C2")
ENGINE = EngineId("test")
FACES = photo_faces(*random_units(1, 8, seed=1))


@pytest.fixture
def photos(database: Database) -> Photos:
    """Two indexed photos, one in each channel."""
    Workspaces(database).claim(TEAM, ENGINE)
    made = Photos(database)
    made.add(
        TEAM, [found_photo("F1", shares=[share("C1")]), found_photo("F2", shares=[share("C2")])]
    )
    for photo_id in (1, 2):
        made.put_faces(
            TEAM, PhotoId(photo_id), engine_id=ENGINE, version="1", content_hash=b"#", faces=FACES
        )
    return made


@pytest.fixture
def runs(database: Database, photos: Photos) -> Runs:
    del photos  # they only have to be there
    return Runs(database)


def test_a_run_makes_every_photo_of_its_channels_pending(runs: Runs, photos: Photos) -> None:
    runs.start(TEAM, [ONE], requested_by=UserId("U1"))

    assert photos.counts(TEAM, channel_id=ONE).pending == 1
    assert photos.counts(TEAM, channel_id=TWO).pending == 0


def test_faces_stay_while_a_run_goes_on(runs: Runs, photos: Photos) -> None:
    runs.start(TEAM, [ONE, TWO], requested_by=None)

    assert photos.counts(TEAM) == IndexCounts(photos=2, pending=2, faces=2)


def test_a_run_counts_its_own_photos(runs: Runs, photos: Photos) -> None:
    run_id = runs.start(TEAM, [ONE], requested_by=None)
    photos.put_faces(
        TEAM, PhotoId(1), engine_id=ENGINE, version="1", content_hash=b"#", faces=FACES
    )

    assert photos.counts(TEAM, run_id=run_id) == IndexCounts(photos=1, indexed=1, faces=1)


def test_a_photo_that_a_run_lists_for_the_first_time_counts_as_its_own(
    runs: Runs, photos: Photos
) -> None:
    run_id = runs.start(TEAM, [ONE], requested_by=None)

    photos.add(TEAM, [found_photo("F3", shares=[share("C1")])], run_id=run_id)

    assert photos.counts(TEAM, run_id=run_id).photos == 2


def test_a_run_waits_for_each_of_its_channels_to_be_listed(runs: Runs) -> None:
    run_id = runs.start(TEAM, [ONE, TWO], requested_by=None)
    assert [runs.listing(TEAM, channel_id) for channel_id in (ONE, TWO)] == [[run_id]] * 2

    runs.listed(TEAM, ONE, [run_id])

    assert [runs.listing(TEAM, channel_id) for channel_id in (ONE, TWO)] == [[], [run_id]]
    assert [run.listed for run in runs.open(TEAM)] == [False]


def test_a_run_is_listed_once_all_its_channels_are(runs: Runs) -> None:
    run_id = runs.start(TEAM, [ONE, TWO], requested_by=None)
    for channel_id in (ONE, TWO):
        runs.listed(TEAM, channel_id, [run_id])

    assert [run.listed for run in runs.open(TEAM)] == [True]


def test_a_run_remembers_the_message_that_shows_it(runs: Runs) -> None:
    run_id = runs.start(TEAM, [ONE], requested_by=None)

    runs.set_notice(TEAM, run_id, "C9", "177.1")

    (run,) = runs.open(TEAM)
    assert (run.notice_channel, run.notice_ts) == ("C9", "177.1")


def test_a_finished_run_is_open_no_more(runs: Runs) -> None:
    run_id = runs.start(TEAM, [ONE], requested_by=None)

    runs.finish(TEAM, run_id)

    assert runs.open(TEAM) == []


def test_runs_belong_to_their_workspace(runs: Runs, database: Database) -> None:
    Workspaces(database).claim(OTHER, ENGINE)
    run_id = runs.start(TEAM, [ONE], requested_by=None)

    runs.finish(OTHER, run_id)

    assert runs.open(OTHER) == []
    assert [run.run_id for run in runs.open(TEAM)] == [run_id]
