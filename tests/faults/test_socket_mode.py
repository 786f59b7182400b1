"""Socket Mode is lost in every way that it can be: the bot connects anew by itself and answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bot.sandbox import Breakage
from bot.sandbox.delivery import Delivery
from bot.sandbox.files import LOGIN_PAGE
from pipeline.ports import FaceReader
from tests.acceptance.office import Office, eventually, lines, links, open_office, snapshot

OPEN = "apps.connections.open"


@pytest.fixture
def office(conninfo: str, engine: FaceReader) -> Iterator[Office]:
    with open_office(conninfo, engine) as opened:
        opened.start_bot()
        yield opened


def _still_answers(office: Office) -> None:
    eileen = office.person("eileen")
    channel = office.channel(eileen)
    posted = office.show(channel, snapshot("eileen"))
    assert {line.permalink for line in lines(office.ask(eileen, channel))} == links(posted)


def _connected_anew(office: Office, before: int, *, timeout_s: float) -> None:
    eventually(
        lambda: (
            office.slack.faults.calls[OPEN] > before
            and office.slack.delivery.sockets.connection_count > 0
        ),
        what="a new connection",
        timeout_s=timeout_s,
    )


@pytest.mark.parametrize(
    "lose", [Delivery.cut_connections, Delivery.drop_connections, Delivery.refresh_connections]
)
def test_a_socket_mode_connection_that_is_lost_is_made_anew(
    office: Office, lose: Callable[[Delivery], None]
) -> None:
    before = office.slack.faults.calls[OPEN]
    lose(office.slack.delivery)
    _connected_anew(office, before, timeout_s=15)
    _still_answers(office)


def _reset(office: Office) -> None:
    office.slack.faults.break_off(OPEN, Breakage.RESET, times=99)


def _server_error(office: Office) -> None:
    office.slack.faults.fail(OPEN, status=500, times=99)


def _refused(office: Office) -> None:
    office.slack.faults.fail(OPEN, error="internal_error", times=99)


def _page(office: Office) -> None:
    office.slack.faults.fail(OPEN, body=LOGIN_PAGE, headers={"content-type": "text/html"}, times=99)


@pytest.mark.parametrize("fail", [_reset, _server_error, _refused, _page])
def test_while_no_connection_can_be_had_the_bot_goes_on_trying(
    office: Office, fail: Callable[[Office], None]
) -> None:
    before = office.slack.faults.calls[OPEN]
    fail(office)
    office.slack.delivery.cut_connections()
    eventually(
        lambda: office.slack.faults.calls[OPEN] >= before + 4, what="some tries", timeout_s=40
    )
    assert office.slack.delivery.sockets.connection_count == 0
    office.slack.faults.clear()
    _connected_anew(office, office.slack.faults.calls[OPEN], timeout_s=20)
    _still_answers(office)


def test_a_limit_on_connections_is_kept(office: Office) -> None:
    office.slack.faults.fail(OPEN, status=429, headers={"Retry-After": "12"})
    office.slack.delivery.cut_connections()
    _connected_anew(office, office.slack.faults.calls[OPEN] + 1, timeout_s=40)
    _still_answers(office)
    assert office.slack.faults.violations == []


def test_slack_away_for_a_while_is_found_again(office: Office) -> None:
    office.slack.stop()
    office.slack.start()
    office.slack.wait_for_bot(timeout_s=30)
    _still_answers(office)
