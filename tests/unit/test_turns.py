"""Who waits for a turn, and how long."""

from __future__ import annotations

import threading
import time

import pytest

from bot.turns import Arrivals, Turns
from tests.waiting import wait_until


class Crowd:
    """People with a turn each, until they are sent away."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self.leave = threading.Event()
        self.inside = 0
        self.most = 0

    def comes(self, people: int, *, stays_s: float | None = None) -> None:
        """Each for `stays_s`, or until `leave` is set."""
        for _ in range(people):
            thread = threading.Thread(target=self._has_one, args=[stays_s])
            self._threads.append(thread)
            thread.start()

    def _has_one(self, stays_s: float | None) -> None:
        with self._turns.one():
            with self._lock:
                self.inside += 1
                self.most = max(self.most, self.inside)
            self.leave.wait(stays_s)
            with self._lock:
                self.inside -= 1

    def is_inside_at_once(self, people: int) -> None:
        """So many come, none goes before all are there, and then everybody does."""
        self.leave.clear()
        self.comes(people)
        wait_until(lambda: self.inside == people)
        self.leave.set()
        self.ends()

    def ends(self) -> None:
        """Everybody has had their turn."""
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()


def test_no_more_than_so_many_have_one_at_once_and_everybody_has_one() -> None:
    crowd = Crowd(Turns(at_once=3, stuck_after_s=600.0))

    crowd.comes(20, stays_s=0.01)
    crowd.ends()

    assert crowd.most <= 3
    crowd.is_inside_at_once(3)


def test_where_no_turn_ends_the_others_go_ahead() -> None:
    """They wait for a database that is away; each would wait for it after the other."""
    Crowd(Turns(at_once=2, stuck_after_s=0.2)).is_inside_at_once(10)


def test_who_went_ahead_leaves_no_room_for_more() -> None:
    # On a busy machine a thread may stand still for some tenths of a second.
    crowd = Crowd(Turns(at_once=2, stuck_after_s=2.0))
    crowd.is_inside_at_once(6)

    crowd.leave.clear()
    crowd.most = 0
    crowd.comes(20, stays_s=0.005)
    crowd.ends()

    assert crowd.most <= 2
    crowd.is_inside_at_once(2)


def test_a_turn_ends_with_what_goes_wrong_in_it() -> None:
    turns = Turns(at_once=1, stuck_after_s=60.0)
    with pytest.raises(KeyError), turns.one():
        raise KeyError

    began_s = time.monotonic()
    with turns.one():
        assert time.monotonic() - began_s < 20


def let_pass(arrivals: Arrivals, people: int = 1) -> list[threading.Thread]:
    threads = [threading.Thread(target=arrivals.let_pass) for _ in range(people)]
    for thread in threads:
        thread.start()
    return threads


def test_work_waits_until_everybody_is_acknowledged() -> None:
    arrivals = Arrivals(quiet_s=0.005, most_s=20.0)
    with arrivals.one():
        with arrivals.one():
            waiting = let_pass(arrivals, 20)
        time.sleep(0.2)
        assert all(thread.is_alive() for thread in waiting)
    for thread in waiting:
        thread.join(10)
        assert not thread.is_alive()


def test_it_is_quiet_when_nobody_has_come_for_a_moment() -> None:
    arrivals = Arrivals(quiet_s=0.4, most_s=20.0)
    begun_s = time.monotonic()
    with arrivals.one():
        pass
    arrivals.let_pass()
    assert time.monotonic() - begun_s >= 0.4


def test_where_nobody_has_come_work_begins_at_once() -> None:
    begun_s = time.monotonic()
    Arrivals(quiet_s=30.0).let_pass()
    assert time.monotonic() - begun_s < 10


def test_where_it_is_never_quiet_work_waits_no_longer_than_it_may() -> None:
    arrivals = Arrivals(quiet_s=0.005, most_s=1.0)
    begun_s = time.monotonic()
    with arrivals.one():
        for thread in let_pass(arrivals, 20):
            thread.join(20)
            assert not thread.is_alive()
    # One after the other they would wait for 20 s.
    assert 1.0 <= time.monotonic() - begun_s < 10
