"""What Slack asked to wait for is waited for by all who ask, one after the other."""

import threading
import time

import pytest

from bot.waits import UNNAMED_S, Waits, seconds


@pytest.mark.parametrize(
    ("header", "expected_s"),
    [("7", 7.0), ("0.5", 0.5), ("soon", None), ("", None), (None, None), ("-1", None)],
)
def test_a_retry_after_that_can_not_be_read_says_nothing(
    header: str | None, expected_s: float | None
) -> None:
    assert seconds(header) == expected_s


@pytest.mark.parametrize("header", ["nan", "inf"])
def test_no_number_is_no_time(header: str) -> None:
    assert seconds(header) is None


def test_who_would_wait_too_long_is_told_how_long() -> None:
    waits = Waits()
    waits.note("users.info", "30")
    with waits.turn("users.info", patience_s=1.0) as left_s:
        assert 29 < left_s <= 30
    with waits.turn("files.info", patience_s=1.0) as left_s:
        assert left_s == 0


def test_where_slack_does_not_say_how_long_a_moment_is_waited() -> None:
    waits = Waits()
    waits.note("users.info", None)
    assert UNNAMED_S - 0.5 < waits.left_s("users.info") <= UNNAMED_S


def test_a_wait_that_grows_meanwhile_is_waited_for_to_its_end() -> None:
    waits = Waits()
    started_s = time.monotonic()
    waits.note("users.info", "1")
    threading.Timer(0.1, waits.note, ("users.info", "1.2")).start()
    with waits.turn("users.info", patience_s=5.0) as left_s:
        assert left_s == 0
        assert time.monotonic() - started_s >= 1.25


def test_what_was_limited_is_asked_by_one_at_a_time() -> None:
    waits = Waits()
    waits.note("users.info", "0")
    inside: list[int] = []
    most: list[int] = []

    def ask() -> None:
        with waits.turn("users.info", patience_s=5.0):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.02)
            inside.pop()

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 5
