"""The more faces an index holds, the closer a match must be; never laxer than the engine says."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.calibration import Limits, limits_for

RETAIL = Limits(sure_distance=0.55, maybe_distance=0.71)


def retail(faces: int) -> Limits:
    return limits_for(
        faces, sure_distance=RETAIL.sure_distance, maybe_distance=RETAIL.maybe_distance
    )


def test_a_small_index_is_searched_with_the_engines_own_limits() -> None:
    assert [retail(faces) for faces in (0, 1, 30, 250)] == [RETAIL] * 4


def test_ten_thousand_faces_ask_for_what_was_measured_on_lfw() -> None:
    """Rates of 5e-6 and 1e-4: similarities of about 0.54 and 0.434 there."""
    limits = retail(10_000)

    assert abs(1 - limits.sure_distance - 0.54) < 0.02
    assert abs(1 - limits.maybe_distance - 0.434) < 0.01


@given(st.integers(0, 10**8), st.integers(0, 10**8))
def test_more_faces_never_make_it_laxer(fewer: int, more: int) -> None:
    fewer, more = sorted((fewer, more))

    assert retail(more).sure_distance <= retail(fewer).sure_distance
    assert retail(more).maybe_distance <= retail(fewer).maybe_distance


@given(st.integers(0, 10**12), st.floats(0.001, 0.9), st.floats(0, 0.9))
def test_whatever_is_sure_is_also_maybe(faces: int, sure: float, wider: float) -> None:
    limits = limits_for(faces, sure_distance=sure, maybe_distance=sure + wider)

    assert 0 < limits.sure_distance <= limits.maybe_distance <= sure + wider
    assert limits.sure_distance <= sure
