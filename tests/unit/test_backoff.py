"""How long a failed job waits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import DatabaseUnavailableError, SourceUnavailableError
from pipeline.jobs.worker import (
    FIRST_WAIT_S,
    LONGEST_WAIT_S,
    MAX_ATTEMPTS,
    PATIENT_ATTEMPTS,
    wait_before_retry_s,
)


@pytest.mark.parametrize(("attempt", "waits"), [(0, 1), (1, 2), (2, 4), (5, 32)])
def test_each_failure_doubles_the_wait(attempt: int, waits: int) -> None:
    assert wait_before_retry_s(attempt) == waits * FIRST_WAIT_S


@given(st.integers(0, 500))
def test_no_wait_is_longer_than_the_longest(attempt: int) -> None:
    assert FIRST_WAIT_S <= wait_before_retry_s(attempt) <= LONGEST_WAIT_S


@given(st.integers(0, MAX_ATTEMPTS), st.floats(0, 10_000))
def test_a_source_that_says_how_long_to_wait_is_obeyed(attempt: int, asked_s: float) -> None:
    error = SourceUnavailableError(retry_after_s=asked_s)

    expected_s = max(asked_s, FIRST_WAIT_S) if asked_s else wait_before_retry_s(attempt)
    assert wait_before_retry_s(attempt, error) == expected_s


def test_patience_with_a_source_that_is_away_lasts_about_a_day() -> None:
    waits_s = [wait_before_retry_s(attempt) for attempt in range(PATIENT_ATTEMPTS - 1)]
    assert 20 * 3600 < sum(waits_s) < 28 * 3600


@pytest.mark.parametrize("error", [SourceUnavailableError(), DatabaseUnavailableError(), OSError()])
def test_other_errors_wait_as_usual(error: Exception) -> None:
    assert wait_before_retry_s(1, error) == 2 * FIRST_WAIT_S
