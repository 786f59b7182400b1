"""How an envelope reaches the bot: a Socket Mode connection, or a signed POST."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlencode

import httpx
from starlette.websockets import WebSocket, WebSocketDisconnect

from bot.sandbox.interference import reset, transport_of
from bot.sandbox.model import Json
from bot.sandbox.state import Workspace

EVENTS = "events_api"
COMMANDS = "slash_commands"
INTERACTIVE = "interactive"
HTTP_OK = 200
HTTP_SERVER_ERROR = 500
# What a write to a socket ends in once the bot has gone; Starlette raises RuntimeError where it
# already knows.
_GONE = (ConnectionError, WebSocketDisconnect, RuntimeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One thing for the bot to know; `name` is the event's type, the command or the action."""

    id: str
    kind: str
    name: str
    payload: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Which try this is: 0 is the first; the reason says why the last one failed."""

    number: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The end of one try. `error` is Slack's word for what a person sees, None when acked."""

    error: str | None
    ack_ms: float | None = None
    response: Json = field(default_factory=dict)
    retry_reason: str = ""
    may_retry: bool = True


class Transport(Protocol):
    """A way to the bot."""

    async def send(self, envelope: Envelope, retry: Retry) -> Reply:
        """Deliver once and wait for the acknowledgement, no longer than Slack would."""


class NoTransport:
    """The bot is off."""

    async def send(self, envelope: Envelope, retry: Retry) -> Reply:  # noqa: ARG002 - the protocol
        """Fail at once."""
        return Reply(error="dispatch_failed", retry_reason="connection_failed")


@dataclass(slots=True, eq=False)
class _Connection:
    socket: WebSocket
    is_asked_to_end: bool = False
    waiting: dict[str, asyncio.Future[Json]] = field(default_factory=dict)


class SocketMode:
    """The WebSocket connections of the bot; each envelope goes to one of them, in turn."""

    def __init__(self, ws: Workspace) -> None:
        """Serve one workspace."""
        self._ws = ws
        self._tickets: set[str] = set()
        self._connections: list[_Connection] = []

    @property
    def connection_count(self) -> int:
        """How many connections are open now and were not asked to end."""
        return sum(not connection.is_asked_to_end for connection in self._connections)

    def open_link(self) -> str:
        """Issue an address for one connection, as apps.connections.open does."""
        ticket = secrets.token_hex(16)
        self._tickets.add(ticket)
        base = self._ws.origin.replace("http://", "ws://", 1)
        return f"{base}/link/?ticket={ticket}&app_id={self._ws.app_id}"

    async def serve(self, socket: WebSocket) -> None:
        """Hold one connection until either side ends it."""
        ticket = socket.query_params.get("ticket", "")
        if ticket not in self._tickets:
            await socket.close()
            return
        self._tickets.discard(ticket)
        await socket.accept()
        connection = _Connection(socket)
        with self._ws.change():
            self._connections.append(connection)
        try:
            await socket.send_text(json.dumps(self._hello()))
            async for text in socket.iter_text():
                _take_ack(connection, text)
        except WebSocketDisconnect:
            pass
        finally:
            self._forget(connection)

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": self.connection_count,
            "debug_info": {"host": "sandbox", "build_number": 1, "approximate_connection_time": 0},
            "connection_info": {"app_id": self._ws.app_id},
        }

    def _forget(self, connection: _Connection) -> None:
        with self._ws.change():
            if connection in self._connections:
                self._connections.remove(connection)
        for ack in connection.waiting.values():
            if not ack.done():
                ack.set_exception(ConnectionError("the bot went away"))

    async def send(self, envelope: Envelope, retry: Retry) -> Reply:
        """Send over one connection and wait for its acknowledgement."""
        if not self._connections:
            return await NoTransport().send(envelope, retry)
        connection = self._next()
        ack: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        # A new id for each try: an acknowledgement that comes late counts for nothing.
        frame_id = f"{envelope.id}-{retry.number}"
        connection.waiting[frame_id] = ack
        started_s = time.perf_counter()
        try:
            await connection.socket.send_text(json.dumps(_frame(frame_id, envelope, retry)))
            response = await asyncio.wait_for(ack, self._ws.times.ack_timeout_s)
        except TimeoutError:
            return Reply(error="operation_timeout", retry_reason="timeout")
        except _GONE:
            return Reply(error="dispatch_failed", retry_reason="connection_failed")
        finally:
            connection.waiting.pop(frame_id, None)
        ack_ms = (time.perf_counter() - started_s) * 1000
        return Reply(error=None, ack_ms=ack_ms, response=response)

    def _next(self) -> _Connection:
        """Each in turn; one that was asked to end, and may be gone any moment, only as the last."""
        connection = min(self._connections, key=lambda each: each.is_asked_to_end)
        self._connections.remove(connection)
        self._connections.append(connection)
        return connection

    async def refresh(self) -> None:
        """Ask the bot to connect anew, as Slack does now and then, and to end what is open."""
        frame = {"type": "disconnect", "reason": "refresh_requested", "debug_info": {}}
        for connection in list(self._connections):
            connection.is_asked_to_end = True
            with suppress(*_GONE):
                await connection.socket.send_text(json.dumps(frame))

    async def cut(self) -> None:
        """End all connections without a word, as a lost network does."""
        for connection in list(self._connections):
            self._forget(connection)
            reset(transport_of(connection.socket.scope))

    async def close(self) -> None:
        """End all connections, as WebSockets are ended."""
        for connection in list(self._connections):
            self._forget(connection)
            with suppress(*_GONE):
                await connection.socket.close(1001)


def _frame(frame_id: str, envelope: Envelope, retry: Retry) -> Json:
    frame: Json = {
        "envelope_id": frame_id,
        "payload": envelope.payload,
        "type": envelope.kind,
        "accepts_response_payload": envelope.kind != EVENTS,
    }
    if envelope.kind == EVENTS:
        frame |= {"retry_attempt": retry.number, "retry_reason": retry.reason}
    return frame


def _take_ack(connection: _Connection, text: str) -> None:
    try:
        message = json.loads(text)
    except ValueError:
        return  # Slack ignores what it can't read; the envelope then times out.
    ack = connection.waiting.get(message.get("envelope_id", ""))
    if ack is not None and not ack.done():
        ack.set_result(message.get("payload") or {})


class SignedPost:
    """Delivery to the app's request URL."""

    def __init__(self, ws: Workspace, url: str) -> None:
        """Post to `url`, signed with the workspace's secret."""
        self._ws = ws
        self.url = url
        self._client = httpx.AsyncClient(trust_env=False, timeout=ws.times.ack_timeout_s)

    async def verify(self) -> None:
        """Have the URL prove itself by a challenge. Raises ConnectionError."""
        challenge = secrets.token_hex(16)
        body = json.dumps({"token": "sandbox", "challenge": challenge, "type": "url_verification"})
        try:
            answer = await self._post(body, "application/json", {})
        except httpx.HTTPError as e:
            msg = f"the request URL did not answer: {e}"
            raise ConnectionError(msg) from e
        if answer.status_code != HTTP_OK or challenge not in answer.text:
            msg = "the request URL did not answer with the value of the `challenge` parameter"
            raise ConnectionError(msg)

    async def send(self, envelope: Envelope, retry: Retry) -> Reply:
        """Post once; HTTP 200 in time is the acknowledgement."""
        headers = {}
        if retry.number:
            headers["x-slack-retry-num"] = str(retry.number)
            headers["x-slack-retry-reason"] = retry.reason
        body, content_type = _body(envelope)
        started_s = time.perf_counter()
        try:
            answer = await self._post(body, content_type, headers)
        except httpx.TimeoutException:
            return Reply(error="operation_timeout", retry_reason="http_timeout")
        except httpx.HTTPError:
            return Reply(error="dispatch_failed", retry_reason="connection_failed")
        if answer.status_code != HTTP_OK:
            client_error = answer.status_code < HTTP_SERVER_ERROR
            return Reply(
                error="http_client_error" if client_error else "http_service_error",
                retry_reason="http_error",
                may_retry=answer.headers.get("x-slack-no-retry") != "1",
            )
        ack_ms = (time.perf_counter() - started_s) * 1000
        return Reply(error=None, ack_ms=ack_ms, response=_response(answer))

    async def _post(self, body: str, content_type: str, extra: dict[str, str]) -> httpx.Response:
        sent_at = str(int(time.time()))
        base = f"v0:{sent_at}:{body}".encode()
        digest = hmac.new(self._ws.app.signing_secret.encode(), base, hashlib.sha256).hexdigest()
        headers = {
            "content-type": content_type,
            "user-agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "x-slack-request-timestamp": sent_at,
            "x-slack-signature": f"v0={digest}",
        }
        return await self._client.post(self.url, content=body, headers=headers | extra)

    async def close(self) -> None:
        """Free the connections."""
        await self._client.aclose()


def _body(envelope: Envelope) -> tuple[str, str]:
    form = "application/x-www-form-urlencoded"
    match envelope.kind:
        case "slash_commands":
            return urlencode(envelope.payload), form
        case "interactive":
            return urlencode({"payload": json.dumps(envelope.payload)}), form
        case _:
            return json.dumps(envelope.payload), "application/json"


def _response(answer: httpx.Response) -> Json:
    if not answer.text.strip():
        return {}
    try:
        found = answer.json()
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"text": answer.text}
