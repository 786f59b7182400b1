"""How fast the backlog shrinks, and how long an answer to that question is good for."""

import pytest

from pipeline.domain.backlog import Pace
from pipeline.metrics import KEPT_S, SHARE_OF_TIME, Kept
from pipeline.shell_status import duration


def test_the_time_left_is_the_backlog_at_the_present_pace() -> None:
    pace = Pace(done=100, span_s=120)
    assert (pace.per_min, pace.left_s(250)) == (50, 300)


@pytest.mark.parametrize(
    "pace", [Pace(done=0, span_s=0), Pace(done=1, span_s=60), Pace(done=9, span_s=1)]
)
def test_too_little_seen_tells_no_pace(pace: Pace) -> None:
    assert (pace.per_min, pace.left_s(7)) == (None, None)


def test_nothing_to_do_takes_no_time() -> None:
    assert Pace(done=0, span_s=0).left_s(0) == 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "?"),
        (0, "-"),
        (5, "< 1 min"),
        (60, "1 min"),
        (3570, "1 h 0 min"),
        (12_000, "3 h 20 min"),
        (187_200, "2 d 4 h"),
    ],
)
def test_durations_are_told_roughly(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


class Clock:
    """Goes on when told to."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Question:
    def __init__(self, clock: Clock, *, takes_s: float) -> None:
        self._clock = clock
        self._takes_s = takes_s
        self.asked = 0

    def __call__(self) -> int:
        self.asked += 1
        self._clock.now_s += self._takes_s
        return self.asked


@pytest.mark.parametrize("takes_s", [0.0, 0.01, 2.0])
def test_what_takes_longer_to_ask_is_asked_less_often(takes_s: float) -> None:
    clock = Clock()
    question = Question(clock, takes_s=takes_s)
    kept = Kept(question, clock=clock)
    began_s = clock.now_s
    for _ in range(2000):
        kept()
        clock.now_s += 1.0
    passed_s = clock.now_s - began_s
    assert 2 <= question.asked <= passed_s / KEPT_S + 1
    assert question.asked * takes_s <= passed_s * SHARE_OF_TIME + takes_s


def test_a_question_that_failed_is_asked_again() -> None:
    answers = iter([ZeroDivisionError, None])

    def ask() -> str:
        error = next(answers)
        if error is not None:
            raise error
        return "well"

    kept = Kept(ask)
    with pytest.raises(ZeroDivisionError):
        kept()
    assert kept() == "well"
