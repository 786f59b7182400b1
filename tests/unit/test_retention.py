"""A photo is as old as the last time that somebody posted it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.model import FoundPhoto
from pipeline.domain.retention import still_kept
from tests.strategies import EPOCH, found_photo, share

DAYS = st.integers(-5, 5)


def posted(*days: int, day: int = 0) -> FoundPhoto:
    """A photo of that `day`, with a share on each of these."""
    return replace(found_photo(day=day), shares=[share(day=one) for one in days])


def kept(*photos: FoundPhoto, after: datetime | None = EPOCH) -> Sequence[FoundPhoto]:
    return still_kept(photos, after=after)


def test_what_was_posted_before_is_not_kept() -> None:
    assert kept(posted(-1, day=-1)) == []


def test_what_was_posted_since_is_kept() -> None:
    assert kept(posted(0), posted(1)) == [posted(0), posted(1)]


def test_a_photo_is_kept_for_its_last_share_without_the_earlier_ones() -> None:
    assert kept(posted(-9, 1, -2, day=-9)) == [posted(1, day=-9)]


def test_a_new_file_that_was_only_shared_long_ago_is_not_kept() -> None:
    assert kept(posted(-1, day=1)) == []


def test_a_photo_whose_shares_are_not_known_counts_by_its_own_age() -> None:
    just, before = EPOCH, EPOCH - timedelta(microseconds=1)
    unknown = posted()

    assert kept(replace(unknown, posted_at=just)) == [replace(unknown, posted_at=just)]
    assert kept(replace(unknown, posted_at=before)) == []


def test_where_nothing_expires_everything_is_kept() -> None:
    photos = [posted(-999, day=-999), posted(day=-999)]

    assert kept(*photos, after=None) == photos


@given(st.lists(st.builds(lambda day, days: posted(*days, day=day), DAYS, st.lists(DAYS))))
def test_what_is_kept_once_is_kept_again(photos: list[FoundPhoto]) -> None:
    once = kept(*photos)

    assert kept(*once) == once
    assert all(one.shared_at >= EPOCH for photo in once for one in photo.shares)
