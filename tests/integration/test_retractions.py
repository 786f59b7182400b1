"""An answer that Slack gave before something was gone doesn't bring it back."""

from __future__ import annotations

import psycopg
import pytest

from pipeline.domain.model import ChannelId, EngineId, FileId, TeamId
from pipeline.storage.connect import Database
from pipeline.storage.photos import Photos
from pipeline.storage.workspaces import Workspaces
from tests.strategies import found_photo, share

TEAM = TeamId("T1")
ONE, TWO = ChannelId("C1"), ChannelId("C2")
FILE = FileId("F1")


@pytest.fixture
def photos(database: Database) -> Photos:
    workspaces = Workspaces(database)
    workspaces.claim(TEAM, EngineId("test"))
    for channel_id in (ONE, TWO):
        workspaces.watch(TEAM, channel_id, channel_id)
    return Photos(database)


def shares(photos: Photos) -> list[tuple[str, str]]:
    with psycopg.connect(photos._database.conninfo) as connection:
        rows = connection.execute("select channel_id, ts from shares order by channel_id, ts")
        return [(channel_id, ts) for channel_id, ts in rows]


def test_a_deleted_file_is_not_added_by_an_older_answer(photos: Photos) -> None:
    as_of = photos.now()
    photos.retract(TEAM, FILE)
    photos.add(TEAM, [found_photo(FILE, shares=[share(ONE)])], channel_id=ONE, as_of=as_of)
    assert photos.counts(TEAM).photos == 0


def test_a_deleted_message_shows_nothing_whenever_it_is_named(photos: Photos) -> None:
    as_of = photos.now()
    photos.drop_share(TEAM, ONE, "177.1")
    both = found_photo(FILE, shares=[share(ONE, ts="177.1"), share(TWO, ts="177.2")])
    photos.add(TEAM, [both], channel_id=ONE, as_of=as_of)
    assert photos.counts(TEAM).photos == 0
    photos.add(TEAM, [both], channel_id=TWO, as_of=as_of)
    assert shares(photos) == [(TWO, "177.2")]


def test_an_unshared_photo_is_not_added_by_an_older_answer_but_by_a_newer_one(
    photos: Photos,
) -> None:
    older = photos.now()
    photos.unshare(TEAM, FILE, channel_id=ONE, found=None, as_of=photos.now())
    again = found_photo(FILE, shares=[share(ONE, ts="177.3")])
    photos.add(TEAM, [again], channel_id=ONE, as_of=older)
    assert shares(photos) == []
    photos.add(TEAM, [again], channel_id=ONE, as_of=photos.now())
    assert shares(photos) == [(ONE, "177.3")]


def test_a_late_event_does_not_stand_for_a_message_that_is_gone(photos: Photos) -> None:
    elsewhere = found_photo(FILE, shares=[share(TWO, ts="177.2")])
    photos.unshare(TEAM, FILE, channel_id=ONE, found=elsewhere, as_of=photos.now())
    guessed = found_photo(FILE, shares=[share(TWO, ts="177.2"), share(ONE, ts="")])
    photos.add(TEAM, [guessed], channel_id=TWO, as_of=photos.now())
    assert shares(photos) == [(TWO, "177.2")]


def test_what_was_unshared_in_one_channel_stays_in_the_other(photos: Photos) -> None:
    photos.add(TEAM, [found_photo(FILE, shares=[share(ONE), share(TWO)])])
    found = found_photo(FILE, shares=[share(TWO)])
    gone = photos.unshare(TEAM, FILE, channel_id=ONE, found=found, as_of=photos.now())
    assert (gone, [channel for channel, _ in shares(photos)]) == (1, [TWO])


def test_a_channel_that_is_doubted_while_it_is_listed_is_compared_once_more(
    photos: Photos,
) -> None:
    workspaces = Workspaces(photos._database)
    began = photos.now()
    workspaces.compare_anew(TEAM, ONE)
    workspaces.set_listed(TEAM, ONE, until=began, whole=True)
    workspaces.set_listed(TEAM, TWO, until=began, whole=True)
    compared = {one.channel_id: one.compared_at for one in workspaces.watched(TEAM)}
    assert (compared[ONE], compared[TWO]) == (None, began)
