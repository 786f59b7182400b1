"""How close is close enough: by the engine's curve, the index's crowd, its size, and the search."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.domain.calibration import (
    ALONE_FALSE_MATCHES,
    HINT_FALSE_MATCHES,
    MAYBE_FALSE_MATCHES,
    MAYBE_RATE,
    SURE_FALSE_MATCHES,
    SURE_RATE,
    Curve,
    Impostors,
    Limits,
    alike_distances,
    impostors_of,
    learned,
    limits_for,
    lookalikes_of,
)

TOGETHER = Impostors(centre=0.037, spread=0.103, pairs=1079)
RETAIL = Curve(sure=0.45, maybe=0.29, together=TOGETHER, alike_share=0.056)
# Of the normal distribution: beyond how many deviations a tenth lies, and how much four tenths.
Z_10, Z_40 = 1.2816, 0.2533
# Beyond 13 of these strangers, whichever seed, the centre lies among them.
ENOUGH_PAIRS = 14
# Beyond these floats there is no telling which is larger.
ROUNDING = 1e-9


def retail(faces: int, *, lookalikes: float = 1.0) -> Limits:
    return limits_for(RETAIL, own=RETAIL, faces=faces, lookalikes=lookalikes)


def crowd(centre: float = 0.037, spread: float = 0.103, *, pairs: int = 1109) -> Impostors:
    return Impostors(centre=centre, spread=spread, pairs=pairs)


def strangers(pairs: int, *, seed: int = 1, centre: float = 0.037) -> NDArray[np.float32]:
    """Similarities of different people, as retail sees them in one photo."""
    drawn = np.random.default_rng(seed).normal(centre, 0.103, size=pairs)
    return np.clip(drawn, -1, 1).astype(np.float32)


def curves() -> st.SearchStrategy[Curve]:
    """Of engines good and bad; `together`, where it was measured, lies below what is a maybe."""

    def build(maybe: float, gap: float, below: float, spread: float, share: float) -> Curve:
        sure = maybe + gap * (0.98 - maybe)
        measured = Impostors(centre=maybe * below, spread=spread * maybe, pairs=500)
        together = measured if below < 0.8 else None
        return Curve(sure=sure, maybe=maybe, together=together, alike_share=share)

    return st.builds(
        build,
        st.floats(0.1, 0.95),
        st.floats(0.05, 0.9),
        st.floats(0.0, 0.95),
        st.floats(0.05, 0.5),
        st.floats(0.005, 0.1),
    )


def crowds(
    *, centre: float = 1.0, spread: float = 1.0, pairs: int = 10**6
) -> st.SearchStrategy[Impostors]:
    """With a centre, a spread and a number of pairs of so much at most."""
    return st.builds(
        Impostors,
        centre=st.floats(-0.5, centre),
        spread=st.floats(0.0, spread),
        pairs=st.integers(2, pairs),
    )


FACES = st.integers(0, 10**8)
LOOKALIKES = st.floats(0.25, 8.0)


def test_a_small_index_is_searched_with_the_engines_own_limits() -> None:
    limits = [retail(faces) for faces in (0, 1, 30, 240)]

    assert [(one.sure_distance, one.maybe_distance) for one in limits] == [
        pytest.approx((0.55, 0.71))
    ] * 4


def test_ten_thousand_faces_ask_for_what_was_measured_on_lfw() -> None:
    """Rates of 5e-6 and 1e-4: similarities of about 0.54 and 0.434 there."""
    limits = retail(10_000)

    assert abs(1 - limits.sure_distance - 0.54) < 0.02
    assert abs(1 - limits.maybe_distance - 0.434) < 0.01


def test_the_curve_goes_through_both_thresholds() -> None:
    assert RETAIL.similarity_at(SURE_RATE) == pytest.approx(RETAIL.sure)
    assert RETAIL.similarity_at(MAYBE_RATE) == pytest.approx(RETAIL.maybe)


@given(curves(), st.floats(1e-15, 1), st.floats(1e-15, 1))
def test_what_is_rarer_among_strangers_is_more_alike(curve: Curve, one: float, two: float) -> None:
    rarer, commoner = sorted((one, two))

    assert curve.similarity_at(commoner) <= curve.similarity_at(rarer) < 1


@given(curves(), LOOKALIKES, FACES, FACES)
def test_more_faces_never_make_it_laxer(
    curve: Curve, lookalikes: float, one: int, two: int
) -> None:
    fewer, more = (
        limits_for(curve, own=curve, faces=faces, lookalikes=lookalikes)
        for faces in sorted((one, two))
    )

    assert more.sure_distance <= fewer.sure_distance
    assert more.maybe_distance <= fewer.maybe_distance
    assert more.alone_distance <= fewer.alone_distance
    assert more.hint_distance <= fewer.hint_distance
    assert more.reach_distance <= fewer.reach_distance


@given(curves(), FACES, LOOKALIKES, LOOKALIKES)
def test_more_lookalikes_never_make_it_laxer(
    curve: Curve, faces: int, one: float, two: float
) -> None:
    fewer, more = (
        limits_for(curve, own=curve, faces=faces, lookalikes=lookalikes)
        for lookalikes in sorted((one, two))
    )

    assert more.sure_distance <= fewer.sure_distance
    assert more.maybe_distance <= fewer.maybe_distance


@given(curves(), FACES, LOOKALIKES)
def test_no_search_is_laxer_than_the_engine_says(
    curve: Curve, faces: int, lookalikes: float
) -> None:
    limits = limits_for(curve, own=curve, faces=faces, lookalikes=lookalikes)

    assert limits.sure_distance <= 1 - curve.sure + ROUNDING
    assert limits.maybe_distance <= 1 - curve.maybe + ROUNDING


@given(curves(), crowds(), FACES, LOOKALIKES)
def test_whatever_is_sure_is_also_maybe_and_what_stands_alone_is_sure(
    curve: Curve, seen: Impostors, faces: int, lookalikes: float
) -> None:
    limits = limits_for(learned(curve, seen), own=curve, faces=faces, lookalikes=lookalikes)

    assert 0 < limits.alone_distance <= limits.sure_distance
    assert limits.sure_distance <= limits.maybe_distance <= limits.reach_distance
    assert limits.hint_distance <= limits.maybe_distance
    assert limits.same_face_distance < 1 - curve.sure


def test_what_stands_alone_or_hints_is_rarer_than_what_is_sure_or_maybe() -> None:
    assert ALONE_FALSE_MATCHES < SURE_FALSE_MATCHES
    assert HINT_FALSE_MATCHES < MAYBE_FALSE_MATCHES


@given(curves(), FACES)
def test_no_crowd_moves_what_is_the_engines_own(curve: Curve, faces: int) -> None:
    alike = learned(curve, crowd(0.6, 0.3, pairs=10**6))
    moved, unmoved = (limits_for(one, own=curve, faces=faces) for one in (alike, curve))

    assert moved.ahead_distance == unmoved.ahead_distance
    assert moved.same_face_distance == unmoved.same_face_distance
    assert moved.poor_distance == unmoved.poor_distance


def test_what_the_engine_expects_teaches_it_nothing() -> None:
    curve = learned(RETAIL, TOGETHER)

    assert (curve.sure, curve.maybe) == pytest.approx((RETAIL.sure, RETAIL.maybe))


def test_without_pairs_the_curve_is_the_engines_own() -> None:
    assert learned(RETAIL, None) is RETAIL


@given(crowds())
def test_an_engine_whose_crowd_nobody_measured_learns_as_retail_does(seen: Impostors) -> None:
    measured, unmeasured = (
        learned(curve, seen) for curve in (RETAIL, replace(RETAIL, together=None))
    )

    assert unmeasured.sure == pytest.approx(measured.sure, abs=0.005)
    assert unmeasured.maybe == pytest.approx(measured.maybe, abs=0.005)


@given(curves(), crowds())
def test_what_is_learned_never_makes_a_threshold_laxer_nor_moves_it_beyond_half_way(
    curve: Curve, seen: Impostors
) -> None:
    moved = learned(curve, seen)

    assert curve.sure <= moved.sure <= curve.sure + 0.5 * (1 - curve.sure)
    assert curve.maybe <= moved.maybe <= curve.maybe + 0.5 * (1 - curve.maybe)
    assert moved.maybe <= moved.sure


@given(st.floats(0, 0.5), st.floats(0, 0.5), st.integers(2, 10**5))
def test_the_more_alike_people_are_the_stricter(one: float, two: float, pairs: int) -> None:
    less, more = (
        learned(RETAIL, crowd(0.037 + alike, pairs=pairs)) for alike in sorted((one, two))
    )

    assert less.sure <= more.sure
    assert less.maybe <= more.maybe


@given(st.floats(0, 0.3), st.floats(0, 0.3), st.integers(2, 10**5))
def test_the_more_people_differ_in_alikeness_the_stricter(
    one: float, two: float, pairs: int
) -> None:
    less, more = (
        learned(RETAIL, crowd(spread=0.103 + wider, pairs=pairs)) for wider in sorted((one, two))
    )

    assert less.sure <= more.sure
    assert less.maybe <= more.maybe


@given(st.floats(0.04, 0.5), st.integers(2, 10**5), st.integers(2, 10**5))
def test_the_more_pairs_say_it_the_more_it_counts(centre: float, one: int, two: int) -> None:
    fewer, more = (learned(RETAIL, crowd(centre, pairs=pairs)) for pairs in sorted((one, two)))

    assert fewer.sure <= more.sure
    assert fewer.maybe <= more.maybe


@given(crowds(centre=0.5, spread=0.3, pairs=10))
def test_ten_pairs_hardly_move_it(seen: Impostors) -> None:
    """Not by more than a fifth of a decade of the rate, if they are as far out as 0.5."""
    moved = learned(RETAIL, seen)

    assert moved.sure - RETAIL.sure < 0.03
    assert moved.maybe - RETAIL.maybe < 0.03


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("pairs", [200, 2_000])
@pytest.mark.parametrize(("one_in", "sure", "maybe"), [(10, 0.08, 0.06), (5, 0.1, 0.1)])
def test_copies_of_people_among_the_pairs_move_it_by_less_than_a_decade(
    one_in: int, sure: float, maybe: float, pairs: int, seed: int
) -> None:
    """Mirrors, screens and collages; a decade of the rate is 0.09 for retail."""
    seen = strangers(pairs, seed=seed)
    copies = seen.copy()
    several = pairs // one_in
    copies[:several] = np.random.default_rng(seed).uniform(0.6, 1.0, size=several)

    without, with_copies = (learned(RETAIL, impostors_of(one)) for one in (seen, copies))

    assert with_copies.sure - without.sure < sure
    assert with_copies.maybe - without.maybe < maybe


@given(st.integers(4, 300), st.integers(0, 99))
def test_copies_fewer_than_a_fourth_never_lead_to_identity(pairs: int, seed: int) -> None:
    """However like each other they are: the lower quantiles, which tell, are those of strangers.

    Of a few pairs these may tell of a centre above all of them, by a part of their range.
    """
    seen = strangers(pairs, seed=seed)
    few = (pairs - 1) // 4
    copies = seen.copy()
    copies[:few] = 1.0

    impostors = impostors_of(copies)

    assert impostors is not None
    reach = (seen.max() - seen.min()) / (Z_10 - Z_40)
    assert impostors.spread <= reach
    assert impostors.centre <= seen.max() + Z_40 * reach
    if pairs >= ENOUGH_PAIRS:
        assert impostors.centre <= seen.max()
        assert impostors.spread <= (seen.max() - seen.min()) / 1.3


def test_median_and_spread_are_those_of_the_strangers() -> None:
    impostors = impostors_of(strangers(20_000))

    assert impostors is not None
    assert (impostors.centre, impostors.spread) == pytest.approx((0.037, 0.103), abs=0.003)
    assert impostors.pairs == 20_000


@pytest.mark.parametrize("pairs", [0, 1])
def test_a_single_pair_says_nothing(pairs: int) -> None:
    assert impostors_of(strangers(pairs)) is None


@given(st.integers(2, 50), st.floats(-1, 1))
def test_pairs_that_are_all_alike_are_learned_from_all_the_same(pairs: int, value: float) -> None:
    seen = impostors_of(np.full(pairs, value, np.float32))

    curve = learned(RETAIL, seen)

    assert math.isfinite(curve.sure)
    assert RETAIL.sure <= curve.sure < 1


@given(curves(), st.integers(0, 10**6), st.integers(0, 10**6))
def test_lookalikes_stay_within_bounds(curve: Curve, alike: int, more: int) -> None:
    times = lookalikes_of(curve, alike=alike, searched=alike + more)

    assert 0.25 <= times <= 8.0


@given(st.integers(1, 10**5), st.integers(0, 10**5), st.integers(0, 10**5))
def test_the_more_faces_are_alike_the_more_lookalikes_there_are(
    searched: int, one: int, two: int
) -> None:
    fewer, more = (
        lookalikes_of(RETAIL, alike=min(alike, searched), searched=searched)
        for alike in sorted((one, two))
    )

    assert fewer <= more


@pytest.mark.parametrize("searched", [0, 1, 10, 50])
def test_a_small_crowd_tells_little_of_lookalikes(searched: int) -> None:
    expected = round(searched * RETAIL.alike_share)

    assert lookalikes_of(RETAIL, alike=expected, searched=searched) == pytest.approx(1, abs=0.05)
    assert lookalikes_of(RETAIL, alike=0, searched=searched) > 0.75


def test_as_many_alike_as_there_are_of_most_people_is_no_reason_to_be_strict() -> None:
    assert lookalikes_of(RETAIL, alike=560, searched=10_000) == pytest.approx(1)


@given(curves())
def test_the_alike_are_further_than_any_maybe(curve: Curve) -> None:
    nearest, furthest = alike_distances(curve)

    assert 1 - curve.maybe < nearest < furthest


def test_the_alike_of_retail_are_those_that_were_counted_on_lfw() -> None:
    nearest, furthest = alike_distances(RETAIL)

    assert (1 - furthest, 1 - nearest) == pytest.approx((0.15, 0.25), abs=0.002)


@pytest.mark.parametrize("faces", [10_000, 100_000])
@pytest.mark.parametrize(("centre", "spread"), [(0.06, 0.10), (0.10, 0.09), (0.30, 0.05)])
def test_what_is_learned_is_laxer_at_no_size_of_the_index(
    centre: float, spread: float, faces: int
) -> None:
    curve = learned(RETAIL, crowd(centre, spread, pairs=5_000))

    moved, own = (limits_for(one, own=RETAIL, faces=faces) for one in (curve, RETAIL))

    assert moved.sure_distance <= own.sure_distance
    assert moved.maybe_distance <= own.maybe_distance


@given(st.floats(-0.5, 0.9), st.floats(0, 0.5), st.integers(2, 10**5), FACES)
def test_nor_is_it_for_any_crowd(centre: float, spread: float, pairs: int, faces: int) -> None:
    curve = learned(RETAIL, crowd(centre, spread, pairs=pairs))

    moved, own = (limits_for(one, own=RETAIL, faces=faces) for one in (curve, RETAIL))

    assert moved.sure_distance <= own.sure_distance + 1e-9
