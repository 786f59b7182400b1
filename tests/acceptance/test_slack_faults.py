"""Slack breaks, delays, limits and answers nonsense: all is right in the end, within its limits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from structlog.testing import capture_logs

from bot.sandbox import AVATAR, DOWNLOAD, RESPONSE_URL, Breakage, Faults, Message
from bot.sandbox.files import LOGIN_PAGE
from pipeline.ports import FaceReader
from tests.acceptance.office import (
    FAST,
    Office,
    eventually,
    jobs,
    lines,
    links,
    open_office,
    rows,
    snapshot,
)
from tests.acceptance.surfaces import told

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_spinner")]

HTML = {"content-type": "text/html; charset=utf-8"}
UNCERTAIN = (
    "Slack didn't tell me whether you got my answer; if you don't see it, please ask once more."
)

Order = Callable[[Faults, str], None]

FAULTS: dict[str, Order] = {
    "a reset": lambda faults, method: faults.break_off(method, Breakage.RESET),
    "half an answer": lambda faults, method: faults.break_off(method, Breakage.CUT),
    "a drip": lambda faults, method: faults.break_off(
        method, Breakage.DRIP, headers={"content-type": "application/octet-stream"}
    ),
    "HTML with 200": lambda faults, method: faults.fail(method, body=LOGIN_PAGE, headers=HTML),
    "500": lambda faults, method: faults.fail(method, status=500),
    "429": lambda faults, method: faults.fail(method, status=429, headers={"Retry-After": "1"}),
}
each_fault = pytest.mark.parametrize("order", FAULTS.values(), ids=FAULTS.keys())


@pytest.fixture
def hasty(
    new_office: Office, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Office:
    """An office whose running bot tries again soon, and waits for no drip."""
    monkeypatch.setattr("pipeline.jobs.worker.FIRST_WAIT_S", 0.05)
    new_office.start_bot(findme_pull_every_s=1)
    if "a drip" in request.node.name:
        monkeypatch.setattr("bot.web.DEADLINE_S", 1.0)
        new_office.running.workspace.downloads._grace_s = 1.0
    return new_office


def _at_rest(office: Office) -> None:
    eventually(lambda: jobs(office.conninfo) == 0, what="the end of all jobs")
    assert office.slack.faults.violations == []


@each_fault
def test_a_photo_whose_download_fails_is_read_whole_in_the_end(hasty: Office, order: Order) -> None:
    office = hasty
    channel = office.channel()
    order(office.slack.faults, DOWNLOAD)
    posted = office.post(channel, snapshot("eileen"))
    (row,) = office.read(posted)
    _at_rest(office)
    assert (row.state, row.faces, len(rows(office.conninfo))) == ("indexed", 1, 1)
    assert office.slack.faults.calls[DOWNLOAD] == 2


@each_fault
def test_a_profile_picture_that_fails_to_come_is_told_of_and_found_by_afterwards(
    hasty: Office, order: Order
) -> None:
    office = hasty
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    posted = office.show(channel, snapshot("eileen"))
    order(office.slack.faults, AVATAR)
    first = office.ask(eileen, channel)
    assert "Slack" in first.text
    time.sleep(1 if "busy" in first.text else 0)
    assert {line.permalink for line in lines(office.ask(eileen, channel))} == links(posted)
    assert office.slack.faults.calls[AVATAR] == 2
    _at_rest(office)


@each_fault
def test_calls_that_read_and_fail_are_made_again(hasty: Office, order: Order) -> None:
    office = hasty
    eileen = office.person("eileen")
    channel = office.channel(eileen, with_bot=False)
    before = office.post(channel, snapshot("eileen", 1))
    office.invite_bot(channel)
    office.read(before)
    for method in ("files.list", "files.info", "users.info", "users.conversations"):
        order(office.slack.faults, method)
    posted = office.post(channel, snapshot("eileen"))
    office.read(posted)

    def answer() -> bool:
        found = {line.permalink for line in lines(office.ask(eileen, channel))}
        return found == links([before, posted])

    eventually(answer, what="the answer")
    _at_rest(office)
    assert {(row.state, row.faces, row.shares) for row in rows(office.conninfo)} == {
        ("indexed", 1, 1)
    }


def _answers(said: list[Message]) -> list[str]:
    return [message.text for message in said if message.text.startswith("*1 photo of you")]


@pytest.mark.parametrize("is_taken", [True, False])
def test_an_answer_whose_fate_is_unknown_is_not_sent_twice_and_the_asker_is_told(
    hasty: Office, *, is_taken: bool
) -> None:
    office = hasty
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, snapshot("eileen"))
    people = office.slack.people
    office.slack.faults.break_off(RESPONSE_URL, Breakage.RESET, is_taken=is_taken)
    asked = people.run_command(eileen, channel, "/findme")

    def said() -> list[Message] | None:
        so_far = people.answers_so_far(asked)
        return so_far if any(message.text == UNCERTAIN for message in so_far) else None

    assert len(_answers(people.wait_for(said, timeout_s=60))) == int(is_taken)
    assert office.slack.faults.calls[RESPONSE_URL] == 2


@pytest.mark.parametrize("times", [replace(FAST, response_url_uses=0), None])
def test_an_answer_whose_response_url_is_used_up_or_a_page_comes_once_by_direct_message(
    conninfo: str, engine: FaceReader, times: object
) -> None:
    with open_office(conninfo, engine, times=times if times is not None else FAST) as office:  # type: ignore[arg-type]
        office.start_bot()
        eileen = office.person("eileen")
        channel = office.channel(eileen)
        office.show(channel, snapshot("eileen"))
        if times is None:
            office.slack.faults.fail(RESPONSE_URL, body=LOGIN_PAGE, headers=HTML, times=5)
        office.slack.people.run_command(eileen, channel, "/findme")
        (message,) = told(office, eileen)
        assert message.text.startswith("*1 photo of you")
        assert len(office.slack.people.direct_messages(eileen)) == 1


def test_a_direct_message_that_slack_took_is_not_sent_again_although_its_answer_was_lost(
    hasty: Office,
) -> None:
    office = hasty
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, snapshot("eileen"))
    office.slack.faults.fail(RESPONSE_URL, status=404, times=2)
    office.slack.faults.break_off("chat.postMessage", Breakage.RESET, is_taken=True)
    office.slack.people.run_command(eileen, channel, "/findme")
    people = office.slack.people
    said = people.wait_for(
        lambda: (
            [m for m in people.direct_messages(eileen) if m.text == UNCERTAIN]
            and people.direct_messages(eileen)
        ),
        timeout_s=60,
    )
    assert len(_answers(said)) == 1
    assert len(said) == 2


def test_a_modal_is_not_waited_for_longer_than_it_can_open(hasty: Office) -> None:
    office = hasty
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    office.show(channel, snapshot("eileen"))
    answer = office.ask(eileen, channel)
    office.slack.faults.fail("views.open", status=429, headers={"Retry-After": "30"})
    started_s = time.monotonic()
    refused = office.click(eileen, answer, "gallery")
    assert refused.text.startswith("Slack asks me to slow down")
    assert time.monotonic() - started_s < 5
    office.click(eileen, answer, "gallery")
    assert office.slack.faults.calls["views.open"] == 1
    assert office.slack.faults.violations == []


def test_with_every_method_limited_all_is_right_and_nothing_is_asked_too_soon(
    hasty: Office,
) -> None:
    office = hasty
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    faults = office.slack.faults
    for method in ("files.info", "files.list", "users.info", "users.conversations", DOWNLOAD):
        faults.limit(method, calls=1, per_s=1.0)
    posted = office.post_all(channel, [snapshot("eileen", number) for number in range(4)])
    found = office.read(*posted)
    assert {(row.state, row.faces) for row in found} == {("indexed", 1)}
    faults.clear()
    assert len(lines(office.ask(eileen, channel))) == 4
    _at_rest(office)


def test_no_text_of_an_answer_that_failed_comes_into_the_log(
    hasty: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office = hasty
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    with capture_logs() as log:
        office.slack.faults.fail(DOWNLOAD, body="<html>SECRET-BODY", headers=HTML)
        office.slack.faults.fail("files.info", body="<html>SECRET-BODY", headers=HTML, times=4)
        office.read(office.post(channel, snapshot("eileen")))
        eventually(lambda: "files_info" in str(log), what="the failure in the log")
    assert "SECRET-BODY" not in f"{log}{caplog.text}"


def test_a_photo_that_slack_does_not_deliver_for_longer_waits_and_the_panel_says_why(
    hasty: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = hasty
    monkeypatch.setattr("pipeline.jobs.worker.LONGEST_WAIT_S", 0.05)
    channel = office.channel()
    office.slack.faults.fail(DOWNLOAD, status=503, times=9)
    posted = office.post(channel, snapshot("eileen"))
    eventually(
        lambda: (
            [(row.state, row.reason) for row in rows(office.conninfo)]
            == [("pending", "Slack is busy; it is tried again later.")]
        ),
        what="the reason for the wait",
    )
    (row,) = office.read(posted)
    assert (row.state, row.reason) == ("indexed", None)
    assert office.slack.faults.calls[DOWNLOAD] == 10


def test_the_backfill_asks_for_no_history_so_that_its_limit_holds_nothing_up(
    hasty: Office,
) -> None:
    office = hasty
    office.slack.faults.limit("conversations.history", calls=1, per_s=60.0, page=15)
    channel = office.channel(with_bot=False)
    posted = office.post_all(channel, [b"no picture %d" % number for number in range(40)])
    office.invite_bot(channel)
    office.read(*posted)
    assert len(rows(office.conninfo)) == 40
    assert office.slack.faults.calls["conversations.history"] == 0


def test_a_backfill_at_one_call_a_minute_and_15_photos_ends_and_goes_on_after_a_restart(
    new_office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = new_office
    monkeypatch.setattr("pipeline.jobs.worker.FIRST_WAIT_S", 0.05)
    channel = office.channel()
    now_s = time.time()
    posted = []
    for number in range(45):
        office.slack.workspace.clock = partial(float, now_s - 3600 + 10 * number)
        posted.append(office.post(channel, b"no picture %d" % number))
    office.slack.workspace.clock = time.time
    # A minute is three seconds here.
    office.slack.faults.limit("files.list", calls=1, per_s=3.0, page=15)
    office.start_bot()
    eventually(lambda: len(rows(office.conninfo)) >= 29, what="the second page", timeout_s=60)
    office.stop_bot()
    calls = office.slack.faults.calls["files.list"]
    listed = len(rows(office.conninfo))
    assert 29 <= listed < 45
    office.start_bot()
    eventually(lambda: len(rows(office.conninfo)) == 45, what="the end", timeout_s=60)
    more = office.slack.faults.calls["files.list"] - calls
    # Two pages are left, and each may be asked for once too soon for the limit, and told so.
    assert more <= 5
    office.read(*posted)
    assert office.slack.faults.violations == []
