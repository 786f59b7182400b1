"""HTTP mode: only Slack is listened to."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

import httpx
import pytest

from pipeline.ports import FaceReader
from tests.acceptance.office import Office, open_office
from tests.conftest import TEMPLATE, _new_database


@pytest.fixture(scope="module")
def web(server: str, engine: FaceReader) -> Iterator[Office]:
    with (
        contextmanager(_new_database)(server, TEMPLATE) as conninfo,
        open_office(conninfo, engine, "http") as office,
    ):
        office.start_bot()
        office.wait_until_quiet()
        yield office


def _post(office: Office, *, secret: str, age_s: float = 0, body: str = "") -> httpx.Response:
    body = body or json.dumps({"type": "url_verification", "challenge": "c", "token": "t"})
    sent_at = str(int(time.time() - age_s))
    digest = hmac.new(secret.encode(), f"v0:{sent_at}:{body}".encode(), hashlib.sha256)
    return httpx.post(
        f"http://127.0.0.1:{office.running.port}/slack/events",
        content=body,
        headers={
            "content-type": "application/json",
            "x-slack-request-timestamp": sent_at,
            "x-slack-signature": f"v0={digest.hexdigest()}",
        },
    )


def test_slacks_challenge_is_answered(web: Office) -> None:
    answer = _post(web, secret=web.slack.signing_secret)
    assert answer.status_code == 200
    assert "c" in answer.text


def test_a_wrong_signature_is_refused(web: Office) -> None:
    assert _post(web, secret="another").status_code == 401  # noqa: S106 - wrong on purpose


def test_a_request_from_six_minutes_ago_is_refused(web: Office) -> None:
    assert _post(web, secret=web.slack.signing_secret, age_s=360).status_code == 401


def test_a_request_without_a_signature_is_refused(web: Office) -> None:
    command = urlencode({"command": "/findme", "user_id": "U1", "team_id": web.slack.team_id})
    answer = httpx.post(
        f"http://127.0.0.1:{web.running.port}/slack/events",
        content=command,
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 401


def test_a_refused_event_leaves_no_trace(web: Office) -> None:
    event = {"type": "channel_left", "channel": "C1", "event_ts": "1.1"}
    body = json.dumps({"type": "event_callback", "team_id": web.slack.team_id, "event": event})
    calls = sum(web.slack.faults.calls.values())
    assert _post(web, secret="another", body=body).status_code == 401  # noqa: S106 - the same
    assert sum(web.slack.faults.calls.values()) == calls


def test_another_workspaces_event_is_not_acted_upon(web: Office) -> None:
    channel = web.channel()
    event = {"type": "channel_left", "channel": channel.id, "event_ts": "1.1"}
    body = json.dumps({"type": "event_callback", "team_id": "T999", "event": event})
    _post(web, secret=web.slack.signing_secret, body=body)
    watched = web.running.runtime.workspaces.watched(web.running.team_id)
    assert channel.id in {str(known.channel_id) for known in watched}


def test_a_bot_that_can_work_is_healthy(web: Office) -> None:
    answer = httpx.get(f"http://127.0.0.1:{web.running.port}/healthz")
    assert (answer.status_code, answer.json()) == (200, {"ok": True})


def test_any_other_address_is_not_found(web: Office) -> None:
    assert httpx.get(f"http://127.0.0.1:{web.running.port}/metrics").status_code == 404


def test_in_socket_mode_http_serves_the_health_check_alone(new_office: Office) -> None:
    bot = new_office.start_bot(findme_port=0)
    assert httpx.get(f"http://127.0.0.1:{bot.port}/healthz").status_code == 200
    assert httpx.post(f"http://127.0.0.1:{bot.port}/slack/events").status_code == 404
