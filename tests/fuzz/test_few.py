"""A few of the damaged files of `make fuzz`, on every run of the tests."""

from collections import Counter

from tests.fuzz.damage import damaged, originals
from tests.fuzz.outcome import DECODED, outcome


def test_300_damaged_files_are_each_a_picture_or_unreadable_for_a_plain_reason() -> None:
    outcomes = Counter(outcome(*file).said for file in damaged(300, seed=2))

    assert outcomes.total() == 300
    assert len(outcomes) >= 4


def test_every_file_was_good_before_it_was_damaged() -> None:
    assert {outcome(*file).said for file in originals().items()} == {DECODED}


def test_the_same_seed_damages_the_same_files_in_the_same_way() -> None:
    assert list(damaged(40, seed=3)) == list(damaged(40, seed=3))
