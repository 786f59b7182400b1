"""A listing of a whole channel that is broken off goes on where it was, and deletes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.domain.model import ChannelId, EngineId, FileId, FoundPhoto, Share, TeamId
from pipeline.errors import SourceUnavailableError
from pipeline.storage.connect import Database
from pipeline.storage.jobs import JobQueue
from pipeline.storage.photos import Photos
from pipeline.storage.runs import Runs
from pipeline.storage.workspaces import Workspaces
from pipeline.usecases.index_photos import ListChannel
from tests.fakes import FlakySource

TEAM, ONE = TeamId("T1"), ChannelId("C1")
# A doubt is noted by the database's own clock: it comes between these.
NOW = datetime.now(UTC) - timedelta(hours=1)
LATER = NOW + timedelta(days=1)


def photo(number: int, *, posted_at: datetime | None = None) -> FoundPhoto:
    """The higher the number the older the photo."""
    when = posted_at or NOW - timedelta(minutes=1 + number)
    share = Share(channel_id=ONE, ts=f"{number}.0", permalink="", shared_by=None, shared_at=when)
    return FoundPhoto(
        file_id=FileId(f"F{number}"),
        name=f"{number}.jpg",
        media_type="image/jpeg",
        url="https://files.slack.com/x",
        version="1",
        posted_by=None,
        posted_at=when,
        shares=[share],
    )


class Shelf(FlakySource):
    """Photos, newest first; a listing breaks off after `breaks_after` of them."""

    def __init__(self, photos: Sequence[FoundPhoto]) -> None:
        super().__init__()
        self.photos = list(photos)
        self.breaks_after: int | None = None
        self.asked: list[tuple[datetime | None, datetime | None]] = []

    @property
    def newest_first(self) -> bool:
        return True

    def list_new(
        self, channel_id: ChannelId, *, since: datetime | None, until: datetime | None = None
    ) -> Iterator[FoundPhoto]:
        del channel_id
        self.asked.append((since, until))
        wanted = [
            each
            for each in self.photos
            if (since is None or each.posted_at >= since)
            and (until is None or each.posted_at <= until)
        ]
        for number, each in enumerate(wanted):
            if number == self.breaks_after:
                raise SourceUnavailableError
            yield each


@dataclass(frozen=True, kw_only=True)
class Index:
    photos: Photos
    channels: Workspaces
    runs: Runs
    queue: JobQueue

    def list(self, shelf: Shelf, *, now: datetime = NOW) -> int:
        listing = ListChannel(
            sources={TEAM: shelf},
            channels=self.channels,
            photos=self.photos,
            runs=self.runs,
            queue=self.queue,
            clock=lambda: now,
        )
        return listing(TEAM, ONE)

    def broken_off(self, shelf: Shelf, after: int, *, now: datetime = NOW) -> None:
        shelf.breaks_after = after
        with pytest.raises(SourceUnavailableError):
            self.list(shelf, now=now)
        shelf.breaks_after = None

    def count(self) -> int:
        return self.photos.counts(TEAM).photos


@pytest.fixture
def index(database: Database) -> Index:
    channels = Workspaces(database)
    channels.claim(TEAM, EngineId("e"))
    channels.watch(TEAM, ONE, "party")
    return Index(
        photos=Photos(database), channels=channels, runs=Runs(database), queue=JobQueue(database)
    )


def test_a_whole_listing_that_broke_off_goes_on_where_it_was(index: Index) -> None:
    shelf = Shelf([photo(n) for n in range(9)])
    index.broken_off(shelf, 4)
    assert index.count() == 4
    index.broken_off(shelf, 3)
    assert index.count() == 6
    index.list(shelf)
    assert index.count() == 9
    assert [until for _, until in shelf.asked] == [
        None,
        shelf.photos[3].posted_at,
        shelf.photos[5].posted_at,
    ]


def test_after_a_listing_in_parts_only_news_are_listed(index: Index) -> None:
    shelf = Shelf([photo(n) for n in range(9)])
    index.broken_off(shelf, 4)
    index.list(shelf, now=NOW + timedelta(hours=1))
    index.list(shelf, now=NOW + timedelta(hours=1))
    since, until = shelf.asked[-1]
    # From the time at which the listing began, not from that at which it ended.
    assert since is not None
    assert since < NOW
    assert until is None


def test_a_listing_in_parts_deletes_nothing_that_is_there(index: Index) -> None:
    # Three of one second, across the place where it breaks off.
    same = NOW - timedelta(minutes=30)
    photos = [photo(0), photo(1), *(photo(n, posted_at=same) for n in (2, 3, 4)), photo(60)]
    shelf = Shelf(photos)
    index.list(shelf)
    index.channels.compare_anew(TEAM)
    index.broken_off(shelf, 3)
    index.list(shelf)
    assert index.count() == 6


@pytest.mark.parametrize("deleted", [0, 1, 3, 4, 5])
def test_a_listing_in_parts_forgets_what_was_deleted_before_it(index: Index, deleted: int) -> None:
    photos = [photo(n) for n in range(6)]
    index.list(Shelf(photos))
    index.channels.compare_anew(TEAM)
    shelf = Shelf([each for n, each in enumerate(photos) if n != deleted])
    index.broken_off(shelf, 3, now=LATER)
    index.list(shelf, now=LATER)
    assert index.count() == 5
    (channel,) = index.channels.watched(TEAM)
    assert channel.compared_at == LATER


def test_what_was_deleted_while_the_bot_was_off_in_the_middle_goes_with_the_next_listing(
    index: Index,
) -> None:
    photos = [photo(n) for n in range(6)]
    shelf = Shelf(photos)
    index.broken_off(shelf, 3)
    del shelf.photos[0]
    # As the bot does when it starts.
    index.channels.compare_anew(TEAM)
    index.list(shelf)
    (channel,) = index.channels.watched(TEAM)
    assert (index.count(), channel.compared_at) == (6, None)
    index.list(shelf, now=LATER)
    (channel,) = index.channels.watched(TEAM)
    assert (index.count(), channel.compared_at) == (5, LATER)


def test_a_reindex_begins_at_the_top(index: Index) -> None:
    shelf = Shelf([photo(n) for n in range(6)])
    index.broken_off(shelf, 3)
    index.runs.start(TEAM, [ONE], requested_by=None)
    index.list(shelf)
    assert shelf.asked[-1] == (None, None)


def test_a_channel_that_was_left_and_entered_again_is_listed_from_the_top(index: Index) -> None:
    shelf = Shelf([photo(n) for n in range(6)])
    index.broken_off(shelf, 3)
    index.channels.unwatch(TEAM, ONE)
    index.channels.watch(TEAM, ONE, "party")
    index.list(shelf)
    assert shelf.asked[-1] == (None, None)


def test_a_source_that_is_out_of_order_loses_nothing(index: Index) -> None:
    photos = [photo(n) for n in (0, 3, 1, 2, 4)]
    index.list(Shelf(photos))
    index.channels.compare_anew(TEAM)
    index.list(Shelf(photos))
    assert index.count() == 5
    index.channels.compare_anew(TEAM)
    index.list(Shelf(photos[1:]))
    assert index.count() == 4


def test_a_reindex_that_was_asked_for_while_a_channel_was_listed_lists_it_again(
    index: Index,
) -> None:
    class Meanwhile(Shelf):
        def list_new(
            self, channel_id: ChannelId, *, since: datetime | None, until: datetime | None = None
        ) -> Iterator[FoundPhoto]:
            yield from super().list_new(channel_id, since=since, until=until)
            if len(self.asked) == 1:
                index.runs.start(TEAM, [ONE], requested_by=None)

    shelf = Meanwhile([photo(n) for n in range(3)])
    index.list(shelf)
    assert shelf.asked == [(None, None), (None, None)]
    assert [run.listed for run in index.runs.open(TEAM)] == [True]
