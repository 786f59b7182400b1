"""Slack's limits are obeyed, and a missing permission is named."""

from __future__ import annotations

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from bot.sandbox.files import LOGIN_PAGE
from tests.acceptance.office import Office, eventually, lines, rows, snapshot
from tests.acceptance.surfaces import words

pytestmark = pytest.mark.slow

HTML = {"content-type": "text/html; charset=utf-8"}


@pytest.fixture
def impatient(new_office: Office, monkeypatch: pytest.MonkeyPatch) -> Office:
    """An office whose bot tries again soon."""
    monkeypatch.setattr("pipeline.jobs.worker.FIRST_WAIT_S", 0.05)
    monkeypatch.setattr("pipeline.jobs.worker.LONGEST_WAIT_S", 0.1)
    monkeypatch.setattr("pipeline.jobs.worker.PATIENT_ATTEMPTS", 6)
    return new_office


def _call_times(office: Office, path: str, count: int) -> list[float]:
    """When the first `count` requests to a path came, in seconds."""

    def came() -> list[float]:
        times_s = [request.came_s for request in office.heard if request.path.startswith(path)]
        return times_s[:count] if len(times_s) >= count else []

    return eventually(came, what=f"{count} requests to {path}")


def test_a_download_that_slack_puts_off_is_tried_again_after_the_time_it_asked_for(
    new_office: Office,
) -> None:
    office = new_office
    office.start_bot()
    channel = office.channel()
    office.slack.faults.fail("files.download", status=429, headers={"Retry-After": "4"})
    posted = office.post(channel, snapshot("eileen"))
    first, second = _call_times(office, "/files-pri/", 2)
    assert 3.9 <= second - first < 8
    assert [row.state for row in office.read(posted)] == ["indexed"]


def test_a_listing_that_slack_puts_off_is_tried_again_after_the_time_it_asked_for(
    new_office: Office,
) -> None:
    office = new_office
    channel = office.channel(with_bot=False)
    posted = office.post(channel, snapshot("eileen"))
    office.start_bot()
    office.slack.faults.fail("files.list", status=429, headers={"Retry-After": "2"})
    office.invite_bot(channel)
    first, second = _call_times(office, "/api/files.list", 2)
    assert 1.9 <= second - first < 6
    assert [row.state for row in office.read(posted)] == ["indexed"]


def test_a_listing_that_fails_halfway_keeps_what_it_has_and_goes_on(impatient: Office) -> None:
    office = impatient
    channel = office.channel(with_bot=False)
    posted = office.post(channel, snapshot("eileen"))
    office.start_bot()
    office.slack.faults.fail("files.list", error="fatal_error", times=2)
    office.invite_bot(channel)
    assert [row.state for row in office.read(posted)] == ["indexed"]


def test_a_server_error_of_slack_is_only_a_delay(impatient: Office) -> None:
    office = impatient
    office.start_bot()
    channel = office.channel()
    office.slack.faults.fail("files.download", status=503, times=2)
    posted = office.post(channel, snapshot("eileen"))
    assert [row.state for row in office.read(posted)] == ["indexed"]


def test_a_file_that_slack_keeps_refusing_is_given_up_with_the_missing_scope(
    impatient: Office,
) -> None:
    office = impatient
    office.start_bot()
    channel = office.channel()
    office.slack.faults.fail("files.download", body=LOGIN_PAGE, headers=HTML, times=1000)
    posted = office.post(channel, snapshot("eileen"))
    eventually(lambda: rows(office.conninfo), what="the photo's row")
    assert [row.state for row in rows(office.conninfo)] == ["pending"]
    (row,) = office.read(posted, timeout_s=60)
    assert row.state == "given up"
    assert "files:read" in (row.reason or "")
    status = office.admin(office.organiser, channel, "status")
    text = words(status)
    assert "1 given up" in text
    assert "files:read" in text


def test_a_photo_that_was_given_up_is_read_by_a_reindex(impatient: Office) -> None:
    office = impatient
    office.start_bot()
    channel = office.channel()
    office.slack.faults.fail("files.download", status=503, times=6)
    posted = office.post(channel, snapshot("eileen"))
    assert [row.state for row in office.read(posted, timeout_s=60)] == ["given up"]
    office.admin(office.organiser, channel, "reindex")
    eventually(
        lambda: [row.state for row in rows(office.conninfo)] == ["indexed"], what="the photo"
    )


def test_without_the_scope_files_read_the_log_names_it(
    impatient: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office = impatient
    slack = office.slack.workspace
    slack.app = replace(slack.app, scopes=slack.app.scopes - {"files:read"})
    eileen = office.person("eileen")
    channel = office.channel(eileen, with_bot=False)
    office.post(channel, snapshot("eileen"))
    with capture_logs() as log:
        office.start_bot()
        office.invite_bot(channel)
        eventually(lambda: office.slack.faults.calls["files.list"] >= 2, what="two listings")
        office.post(channel, snapshot("eileen", 1))
        eventually(lambda: office.slack.faults.calls["files.info"] >= 1, what="an answer")
        assert lines(office.ask(eileen, channel)) == []
        # The queue's own log tells of a listing only when it was tried for the last time.
        eventually(lambda: "files:read" in f"{log}{caplog.text}", what="the scope in the log")


def test_without_the_scope_files_read_the_status_names_it(impatient: Office) -> None:
    office = impatient
    slack = office.slack.workspace
    slack.app = replace(slack.app, scopes=slack.app.scopes - {"files:read"})
    office.start_bot()
    channel = office.channel()
    office.post(channel, snapshot("eileen"))
    eventually(lambda: office.slack.faults.calls["files.list"] >= 2, what="two listings")
    status = office.admin(office.organiser, channel, "status")
    assert "files:read" in words(status)
