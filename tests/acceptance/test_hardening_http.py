"""Signatures and timestamps checked, at the real port: only Slack makes the bot do a thing."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode

import httpx
import pytest
from structlog.testing import capture_logs

from bot.signed import MAX_BODY_BYTES
from pipeline.ports import FaceReader
from tests.acceptance.office import Office, eventually, open_office, rows, snapshot
from tests.conftest import TEMPLATE, _new_database

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
MARK = "a-word-that-is-nowhere-else"


@pytest.fixture(scope="module")
def web(server: str, engine: FaceReader) -> Iterator[Office]:
    with (
        contextmanager(_new_database)(server, TEMPLATE) as conninfo,
        open_office(conninfo, engine, "http") as office,
        pytest.MonkeyPatch.context() as patch,
    ):
        # Nothing that the bot does by itself stands beside what it is made to do.
        patch.setattr("bot.wiring.FOLLOW_EVERY_S", 3600.0)
        office.start_bot(findme_pull_every_s=3600)
        office.wait_until_quiet()
        yield office


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the bot answered, and whether it turned to Slack for it, or wrote the body down."""

    status: int
    did_something: bool
    logged_body: bool


def _signature(secret: str, sent_at: str, body: bytes) -> str:
    signed = hmac.new(secret.encode(), f"v0:{sent_at}:".encode() + body, hashlib.sha256)
    return f"v0={signed.hexdigest()}"


def _headers(office: Office, body: bytes, *, sent_at: str | None = None) -> dict[str, str]:
    sent_at = sent_at or str(int(time.time()))
    return {
        "x-slack-request-timestamp": sent_at,
        "x-slack-signature": _signature(office.slack.signing_secret, sent_at, body),
    }


def _send(office: Office, body: bytes, headers: dict[str, str], *, kind: str = FORM) -> Outcome:
    calls = sum(office.slack.faults.calls.values())
    with capture_logs() as log:
        answer = httpx.post(
            f"http://127.0.0.1:{office.running.port}/slack/events",
            content=body,
            headers=[
                (name.encode(), value.encode())
                for name, value in (headers | {"content-type": kind}).items()
            ],
        )
        time.sleep(0.1)
    return Outcome(
        status=answer.status_code,
        did_something=sum(office.slack.faults.calls.values()) > calls,
        logged_body=MARK in str(log) or MARK in answer.text,
    )


def _command(office: Office) -> bytes:
    asker = office.organiser
    return urlencode(
        {
            "command": "/findme",
            "text": f"in #{MARK}",
            "user_id": asker.id,
            "channel_id": "C1",
            "team_id": office.slack.team_id,
            "trigger_id": "1.1",
            "response_url": f"{office.slack.api_url}nowhere",
        }
    ).encode()


def _refused(status: int) -> Outcome:
    return Outcome(status=status, did_something=False, logged_body=False)


@pytest.mark.usefixtures("no_spinner")
def test_a_right_signature_is_let_in_which_shows_that_the_others_could_be(web: Office) -> None:
    body, calls = _command(web), web.slack.faults.calls
    answers = calls["nowhere"]
    assert _send(web, body, _headers(web, body)).status == 200
    eventually(lambda: calls["nowhere"] > answers, what="the answer")


@pytest.mark.parametrize(
    "change",
    [
        {"x-slack-signature": "v0=" + "0" * 64},
        {"x-slack-signature": ""},
        {"x-slack-signature": "v0=\u00e9"},
        {"x-slack-request-timestamp": ""},
        {"x-slack-request-timestamp": "yesterday"},
        {"x-slack-request-timestamp": "-1"},
        {"x-slack-request-timestamp": "1e9"},
        {"x-slack-request-timestamp": "9" * 400},
    ],
    ids=lambda change: repr(change)[:50],
)
def test_a_wrong_signature_or_timestamp_is_refused(web: Office, change: dict[str, str]) -> None:
    body = _command(web)
    headers = _headers(web, body) | change
    assert _send(web, body, headers) == _refused(401)


@pytest.mark.parametrize("missing", ["x-slack-signature", "x-slack-request-timestamp"])
def test_a_request_without_its_signature_or_timestamp_is_refused(web: Office, missing: str) -> None:
    body = _command(web)
    headers = _headers(web, body)
    del headers[missing]
    assert _send(web, body, headers) == _refused(401)


@pytest.mark.parametrize("age_s", [310, -310])
def test_a_right_signature_is_refused_five_minutes_before_and_after_its_time(
    web: Office, age_s: int
) -> None:
    body = _command(web)
    sent_at = str(int(time.time() - age_s))
    assert _send(web, body, _headers(web, body, sent_at=sent_at)) == _refused(401)


def test_a_signature_of_another_body_is_refused(web: Office) -> None:
    body = _command(web)
    assert _send(web, body + b"&text=more", _headers(web, body)) == _refused(401)


def test_a_request_that_is_replayed_within_its_five_minutes_adds_nothing(web: Office) -> None:
    channel = web.channel()
    (posted,) = web.show(channel, snapshot("eileen"))
    before = rows(web.conninfo)
    event = {"type": "file_shared", "file_id": posted.file_id, "channel_id": channel.id}
    body = json.dumps(
        {"type": "event_callback", "team_id": web.slack.team_id, "event_id": "Ev1", "event": event}
    ).encode()
    headers = _headers(web, body)
    for _ in range(3):
        assert _send(web, body, headers, kind=JSON).status == 200
    assert rows(web.conninfo) == before


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (f"{{{MARK}".encode(), JSON),
        (f'["{MARK}"]'.encode(), JSON),
        (f'"{MARK}"'.encode(), JSON),
        (b"null", JSON),
        (b"", JSON),
        (b"", FORM),
        (MARK.encode() + b"\xff\xfe\x00", FORM),
        (f"payload=%7B{MARK}".encode(), FORM),
        (f"payload=%5B%22{MARK}%22%5D".encode(), FORM),
        (f'{{"authorizations": "{MARK}", "type": "event_callback"}}'.encode(), JSON),
        (b'{"a":' * 50_000, JSON),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_signed_body_that_is_neither_form_nor_json_is_refused_and_never_an_error(
    web: Office, body: bytes, kind: str
) -> None:
    assert _send(web, body, _headers(web, body), kind=kind) == _refused(400)


@pytest.mark.parametrize(
    "body",
    [
        {"type": "event_callback", "event": {"type": MARK}},
        {"type": MARK, "team": {"id": None}, "user": "somebody"},
        {"command": "/findme", "text": MARK},
        {"type": "block_actions", "actions": [], "note": MARK},
    ],
    ids=str,
)
def test_a_signed_body_that_makes_no_sense_is_no_error_of_the_servers(
    web: Office, body: dict[str, object]
) -> None:
    data = json.dumps(body).encode()
    outcome = _send(web, data, _headers(web, data), kind=JSON)
    assert outcome.status < 500
    assert not outcome.did_something
    assert not outcome.logged_body


def test_an_unsigned_body_is_not_even_parsed(web: Office) -> None:
    assert _send(web, f"{{{MARK}".encode(), {}, kind=JSON) == _refused(401)


def test_a_body_that_says_it_is_too_long_is_refused_before_it_is_sent(web: Office) -> None:
    with _raw(web) as link:
        link.sendall(_head(f"Content-Length: {MAX_BODY_BYTES + 1}"))
        assert _status(link) == 413


def test_a_body_that_goes_on_for_ever_is_refused_once_it_is_too_long(web: Office) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    sent = 0
    with _raw(web) as link:
        link.sendall(_head("Transfer-Encoding: chunked"))
        try:
            while sent < 8 * MAX_BODY_BYTES:
                link.sendall(chunk)
                sent += len(chunk)
        except OSError:
            pass  # it hung up on us, as it should
    assert sent < 4 * MAX_BODY_BYTES, "it was read to its end"


def _raw(office: Office) -> socket.socket:
    assert office.running.port is not None
    return socket.create_connection(("127.0.0.1", office.running.port), timeout=10)


def _head(header: str) -> bytes:
    return f"POST /slack/events HTTP/1.1\r\nHost: bot\r\n{header}\r\n\r\n".encode()


def _status(link: socket.socket) -> int:
    return int(link.recv(1000).split(b" ")[1])
