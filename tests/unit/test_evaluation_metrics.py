"""Figures over scores: against what they must be, and against naive implementations."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.arrays import unit
from pipeline.evaluation.all_pairs import compare_all
from pipeline.evaluation.metrics import (
    BINS,
    NO_FACE,
    Histogram,
    Scores,
    best_threshold,
    counted,
    fold_accuracy,
    mean_share_accepted,
    share_accepted,
    threshold_at_far,
)

# Few values, so that many scores are equal.
SCORES = st.one_of(st.sampled_from([-1.0, -0.5, 0.0, 0.25, 0.5, 1.0]), st.floats(-1, 1))
SOME_SCORES = st.lists(SCORES, min_size=1, max_size=40).map(lambda each: np.array(each, np.float64))
FARS = st.sampled_from([0.0, 1e-3, 0.01, 0.1, 1 / 3, 0.5, 1.0])


def labelled(seed: int, count: int) -> tuple[Scores, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    random = np.random.default_rng(seed)
    return random.uniform(-1, 1, count), np.arange(count) % 2 == 0


def right_decisions(scores: Scores, same: list[bool], threshold: float) -> int:
    return sum((score >= threshold) == is_same for score, is_same in zip(scores, same, strict=True))


@given(
    genuine=st.lists(st.floats(0.8, 1), min_size=4, max_size=30),
    impostor=st.lists(st.floats(0, 0.2), min_size=4, max_size=30),
)
def test_scores_that_are_far_apart_are_told_apart_in_every_fold(
    genuine: list[float], impostor: list[float]
) -> None:
    scores = np.array(genuine + impostor)
    same = np.array([True] * len(genuine) + [False] * len(impostor))
    # each fold has some of both
    folds = np.array([i % 2 for i in range(len(genuine))] + [i % 2 for i in range(len(impostor))])

    measured = fold_accuracy(scores, same, folds)

    assert (measured.mean, measured.standard_error) == (1.0, 0.0)


def test_scores_that_tell_nothing_are_right_half_of_the_time() -> None:
    scores, same = labelled(7, 20_000)

    measured = fold_accuracy(scores, same, np.arange(20_000) // 2 % 10)

    assert measured.mean == pytest.approx(0.5, abs=0.02)
    assert 0 < measured.standard_error < 0.01


def test_accuracy_is_of_the_fold_at_the_threshold_of_the_others() -> None:
    # Fold 0 is judged at 0.5 and fold 1 at 0.1: each is wrong about the other's outlier.
    scores = np.array([0.9, 0.15, 0.0, 0.05, 0.8, 0.7, 0.3, 0.0])
    same = np.array([True, True, False, False, True, True, False, False])
    folds = np.array([0, 0, 0, 0, 1, 1, 1, 1])

    measured = fold_accuracy(scores, same, folds)

    assert measured.thresholds.tolist() == pytest.approx([0.5, 0.1])
    assert measured.mean == 0.75
    assert measured.standard_error == 0.0


@given(scores=SOME_SCORES, data=st.data())
def test_no_threshold_is_better_than_the_best(scores: Scores, data: st.DataObject) -> None:
    same = data.draw(st.lists(st.booleans(), min_size=len(scores), max_size=len(scores)))

    threshold = best_threshold(scores, np.array(same))

    tried = [*scores, *np.nextafter(scores, 2.0)]
    assert right_decisions(scores, same, threshold) == max(
        right_decisions(scores, same, other) for other in tried
    )


def test_the_best_threshold_lies_midway() -> None:
    assert best_threshold(np.array([0.2, 0.6]), np.array([False, True])) == pytest.approx(0.4)


def test_the_best_threshold_lies_between_floats_that_touch() -> None:
    low = 0.5
    high = float(np.nextafter(low, 1.0))

    threshold = best_threshold(np.array([low, high]), np.array([False, True]))

    assert low < threshold <= high


@given(impostors=SOME_SCORES, far=FARS)
def test_a_threshold_keeps_to_its_far_and_is_the_lowest_that_does(
    impostors: Scores, far: float
) -> None:
    threshold = threshold_at_far(impostors, far=far, pairs=len(impostors))

    assert share_accepted(impostors, threshold) <= far + 1e-9
    if math.isfinite(threshold):
        assert share_accepted(impostors, np.nextafter(threshold, -2.0)) > far
    else:
        assert far * len(impostors) >= len(impostors) - 1e-6


@given(impostors=SOME_SCORES, far=FARS)
def test_the_highest_impostors_are_enough(impostors: Scores, far: float) -> None:
    allowed = sum(1 for k in range(1, len(impostors) + 1) if k / len(impostors) <= far + 1e-9)

    threshold = threshold_at_far(
        np.sort(impostors)[::-1][: allowed + 1], far=far, pairs=len(impostors)
    )

    assert threshold == threshold_at_far(impostors, far=far, pairs=len(impostors))


def test_where_a_far_allows_no_impostor_the_threshold_is_above_all() -> None:
    threshold = threshold_at_far(np.array([0.1, 0.4, 0.4]), far=1e-5, pairs=3)

    assert threshold > 0.4
    assert threshold == pytest.approx(0.4)


def test_equal_impostors_are_refused_together() -> None:
    impostors = np.array([0.5] * 3 + [0.1] * 7)

    assert threshold_at_far(impostors, far=0.2, pairs=10) > 0.5
    assert share_accepted(impostors, threshold_at_far(impostors, far=0.3, pairs=10)) == 0.3


def test_every_person_counts_the_same() -> None:
    scores = np.array([0.9] * 98 + [0.1] * 2)
    people = np.array([5] * 98 + [3] * 2)

    assert share_accepted(scores, 0.5) == 0.98
    assert mean_share_accepted(scores, people, 0.5) == 0.5


@given(
    rows=st.lists(st.tuples(st.integers(0, 4), SCORES), min_size=1, max_size=40), threshold=SCORES
)
def test_the_mean_over_people_is_what_a_loop_computes(
    rows: list[tuple[int, float]], threshold: float
) -> None:
    people = {person for person, _ in rows}
    shares = []
    for person in people:
        own = [score for other, score in rows if other == person]
        shares.append(sum(score >= threshold for score in own) / len(own))

    measured = mean_share_accepted(
        np.array([score for _, score in rows]), np.array([person for person, _ in rows]), threshold
    )

    assert measured == pytest.approx(sum(shares) / len(shares))


def test_of_no_scores_there_is_no_share() -> None:
    nothing = np.empty(0)

    assert math.isnan(share_accepted(nothing, 0.5))
    assert math.isnan(mean_share_accepted(nothing, np.empty(0, np.intp), 0.5))
    assert threshold_at_far(nothing, far=0.1, pairs=0) == -math.inf


@given(scores=SOME_SCORES)
def test_every_score_is_counted_once(scores: Scores) -> None:
    counts = counted(scores)

    assert counts.shape == (BINS,)
    assert counts.sum() == len(scores)


def test_a_score_a_little_beyond_one_is_counted_at_the_end() -> None:
    counts = counted(np.array([1.0000001, -1.0000001], np.float32))

    assert (counts[0], counts[-1]) == (1, 1)


@given(genuine=SOME_SCORES, impostor=SOME_SCORES)
def test_the_roc_rises_to_one(genuine: Scores, impostor: Scores) -> None:
    far, tar = Histogram(genuine=counted(genuine), impostor=counted(impostor)).roc()

    assert (far[-1], tar[-1]) == (1.0, 1.0)
    assert (np.diff(far) >= 0).all()
    assert (np.diff(tar) >= 0).all()


@given(
    people=st.lists(st.sampled_from("abcd"), min_size=1, max_size=30),
    seed=st.integers(0, 1000),
    faceless=st.sets(st.integers(0, 29), max_size=3),
)
def test_all_pairs_are_those_that_two_loops_find(
    people: list[str], seed: int, faceless: set[int]
) -> None:
    embeddings = unit(np.random.default_rng(seed).normal(size=(len(people), 4)))
    has_face = np.array([row not in faceless for row in range(len(people))])
    genuine: list[float] = []
    impostor: list[float] = []
    for row in range(len(people)):
        for other in range(row + 1, len(people)):
            both = has_face[row] and has_face[other]
            score = float(embeddings[row] @ embeddings[other]) if both else NO_FACE
            (genuine if people[row] == people[other] else impostor).append(score)

    compared = compare_all(embeddings, people, has_face, max_far=0.2)

    assert compared.impostor_pairs == len(impostor)
    assert sorted(compared.genuine) == pytest.approx(sorted(genuine), abs=1e-6)
    assert len(compared.highest_impostors) == min(
        len(impostor), int(0.2 * len(impostor) + 1e-6) + 1
    )
    assert sorted(compared.highest_impostors) == pytest.approx(
        sorted(impostor)[len(impostor) - len(compared.highest_impostors) :], abs=1e-6
    )
    assert compared.histogram.genuine.sum() == len(genuine)
    assert compared.histogram.impostor.sum() == len(impostor)
    assert len(compared.genuine_people) == len(genuine)


def test_pairs_across_blocks_are_compared_too() -> None:
    count = 600  # more than two blocks
    random = np.random.default_rng(1)
    people = [f"person {row % 200}" for row in range(count)]
    centres = random.normal(size=(200, 32))
    embeddings = unit(centres[np.arange(count) % 200] + 0.1 * random.normal(size=(count, 32)))

    compared = compare_all(embeddings, people, np.ones(count, np.bool_), max_far=1e-2)

    assert len(compared.genuine) == 200 * 3
    assert compared.impostor_pairs == count * (count - 1) // 2 - 200 * 3
    at = compared.at_far(1e-4)
    assert (at.tar, at.tar_per_identity) == (1.0, 1.0)
    assert at.false_accepts <= 1e-4 * compared.impostor_pairs


def test_a_threshold_below_the_impostors_kept_is_counted_from_the_histogram() -> None:
    random = np.random.default_rng(3)
    embeddings = unit(random.normal(size=(300, 8)))
    people = [str(row) for row in range(300)]

    compared = compare_all(embeddings, people, np.ones(300, np.bool_), max_far=1e-3)
    at = compared.at_threshold(0.1)

    scores = (embeddings @ embeddings.T)[np.triu_indices(300, 1)]
    assert at.far == pytest.approx(float((scores >= 0.1).mean()), abs=1e-3)
    assert math.isnan(at.tar)


def test_a_single_picture_has_no_pairs() -> None:
    compared = compare_all(np.ones((1, 1), np.float32), ["a"], np.array([True]), max_far=1e-2)

    at = compared.at_far(1e-3)
    assert (compared.impostor_pairs, at.false_accepts, at.far) == (0, 0, 0.0)
    assert math.isnan(at.tar)
