"""The bot's own end of Socket Mode."""

from __future__ import annotations

import threading
import time

import pytest
from slack_bolt import App
from slack_sdk import WebClient
from slack_sdk.socket_mode.builtin.connection import Connection

from bot.sandbox import Sandbox
from bot.socket_mode import SocketMode
from pipeline.errors import SourceUnavailableError
from tests.contract.conftest import Office
from tests.waiting import wait_until

OPEN = "apps.connections.open"


def made(slack: Sandbox, *, app_token: str = "") -> SocketMode:
    client = WebClient(token=slack.bot_token, base_url=slack.api_url)
    app = App(client=client, signing_secret=slack.signing_secret)
    return SocketMode(app, app_token or slack.app_token, web_client=client, ping_every_s=3.0)


def test_a_wrong_token_is_told_in_a_sentence(office: Office) -> None:
    socket = made(office.slack, app_token="xapp-wrong")  # noqa: S106 - wrong on purpose
    with pytest.raises(SourceUnavailableError, match=r"invalid_auth. Check SLACK_APP_TOKEN"):
        socket.connect()
    socket.close()


def test_whoever_closes_while_it_connects_anew_leaves_no_connection_open(office: Office) -> None:
    slack = office.slack
    socket = made(slack)
    socket.connect()
    slack.wait_for_bot()
    slack.faults.slow(OPEN, delay_s=0.3)
    slack.delivery.refresh_connections()
    wait_until(lambda: slack.faults.calls[OPEN] == 2)
    socket.close()
    _is_left_alone(slack)
    socket.connect()
    _is_left_alone(slack)


def test_a_connection_whose_handshake_is_under_way_is_closed_too(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    slack, connect = office.slack, Connection.connect
    is_made, may_go_on = threading.Event(), threading.Event()

    def slowly(connection: Connection) -> None:
        connect(connection)
        is_made.set()
        assert may_go_on.wait(60)

    socket = made(slack)
    socket.connect()
    slack.wait_for_bot()
    monkeypatch.setattr(Connection, "connect", slowly)
    slack.delivery.refresh_connections()
    assert is_made.wait(60)
    closing = threading.Thread(target=socket.close)
    closing.start()
    time.sleep(0.5)
    may_go_on.set()
    closing.join(60)
    _is_left_alone(slack)


def _is_left_alone(slack: Sandbox) -> None:
    time.sleep(0.3)
    wait_until(lambda: slack.delivery.sockets.connection_count == 0, timeout_s=20)
