"""Whoever has to be acknowledged goes first, in a real Bolt App."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from typing import Any

from slack_bolt import Ack, BoltRequest
from slack_bolt.authorization import AuthorizeResult

from bot.app import CountingApp
from bot.turns import Arrivals
from tests.waiting import wait_until


def asked(command: str) -> BoltRequest:
    body = {"command": command, "team_id": "T1", "user_id": "U1", "channel_id": "C1"}
    return BoltRequest(body=body, mode="socket_mode")


def an_app(arrivals: Arrivals) -> CountingApp:
    def authorize(**_: Any) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id="T1", bot_token="xoxb-1")  # noqa: S106 - no secret

    return CountingApp(arrivals, authorize=authorize, signing_secret=secrets.token_hex())


def in_a_thread(function: Callable[..., object], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=function, args=arguments)
    thread.start()
    return thread


def test_work_begins_when_another_request_is_acknowledged() -> None:
    arrivals = Arrivals(most_s=20.0)
    app = an_app(arrivals)
    has_come, may_acknowledge, has_begun = (threading.Event() for _ in range(3))

    @app.command("/slow")
    def slow(ack: Ack) -> None:
        has_come.set()
        may_acknowledge.wait(20)
        ack()

    @app.command("/work")
    def work(ack: Ack) -> None:
        ack()
        arrivals.let_pass()
        has_begun.set()

    slowly = in_a_thread(app.dispatch, asked("/slow"))
    assert has_come.wait(20)
    working = in_a_thread(app.dispatch, asked("/work"))
    working.join(20)
    assert not working.is_alive(), "it is acknowledged, whoever else is not"
    assert not has_begun.wait(0.3)
    may_acknowledge.set()
    slowly.join(20)
    wait_until(has_begun.is_set)
