"""Who asks at the same time shares a call; nobody gets an answer older than their question."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from bot.joint import Joint
from pipeline.errors import SourceUnavailableError
from tests.waiting import wait_until

WAIT_S = 30.0


class Source:
    """Answers with the number of the call, once it is let go on."""

    def __init__(self) -> None:
        self.calls = 0
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)
        self.fails = False

    def __call__(self) -> int:
        self.calls += 1
        number = self.calls
        self.begun.release()
        assert self.go_on.acquire(timeout=WAIT_S)
        if self.fails:
            raise SourceUnavailableError("away")
        return number


def _ask_while_one_is_under_way(
    joint: Joint[int], source: Source, threads: ThreadPoolExecutor, count: int
) -> tuple[Future[int], list[Future[int]]]:
    """The first one's answer, and those of `count` who came during its call; all are waiting."""
    first = threads.submit(joint)
    assert source.begun.acquire(timeout=WAIT_S)
    came = threading.Barrier(count + 1)

    def ask() -> int:
        came.wait(WAIT_S)
        return joint()

    later = [threads.submit(ask) for _ in range(count)]
    came.wait(WAIT_S)
    while joint._next is None:
        pass
    return first, later


def test_an_answer_is_never_of_a_call_that_began_before_the_question() -> None:
    source = Source()
    joint = Joint(source)
    with ThreadPoolExecutor(8) as threads:
        first, later = _ask_while_one_is_under_way(joint, source, threads, 3)
        source.go_on.release(10)
        assert first.result(WAIT_S) == 1
        assert min(answer.result(WAIT_S) for answer in later) >= 2


def _waiting(joint: Joint[int]) -> int:
    """How many wait for the answer of the next call without asking themselves."""
    assert joint._next is not None
    return len(joint._next._condition._waiters)  # type: ignore[attr-defined]


def test_all_who_come_during_a_call_share_the_next_one() -> None:
    source = Source()
    joint = Joint(source)
    with ThreadPoolExecutor(8) as threads:
        _, (second,) = _ask_while_one_is_under_way(joint, source, threads, 1)
        joined = [threads.submit(joint) for _ in range(5)]
        # That they have joined can't be seen from outside.
        wait_until(lambda: _waiting(joint) == len(joined))
        source.go_on.release(10)
        assert {answer.result(WAIT_S) for answer in (second, *joined)} == {2}
    assert source.calls == 2


def test_who_comes_later_asks_anew() -> None:
    source = Source()
    joint = Joint(source)
    source.go_on.release(2)
    assert [joint(), joint()] == [1, 2]


def test_a_failure_is_told_to_everybody_who_waited_for_it_and_to_nobody_else() -> None:
    source = Source()
    joint = Joint(source)
    with ThreadPoolExecutor(8) as threads:
        source.fails = True
        first, later = _ask_while_one_is_under_way(joint, source, threads, 2)
        source.go_on.release(10)
        for answer in (first, *later):
            with pytest.raises(SourceUnavailableError):
                answer.result(WAIT_S)
    source.fails = False
    assert joint() == source.calls
