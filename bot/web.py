"""slack_sdk's two clients with what they lack: an end to every request, and Slack's limits.

Requests that must not happen twice are not repeated where Slack may have taken the first.
"""

import io
import math
import re
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from functools import cache
from http import HTTPStatus
from http.client import HTTPException, HTTPMessage
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPSHandler, OpenerDirector, Request, build_opener

from slack_sdk import WebClient
from slack_sdk.http_retry import HttpRequest, HttpResponse, RetryHandler, RetryState
from slack_sdk.webhook import WebhookClient, WebhookResponse

from bot.waits import Waits
from pipeline.telemetry import count_slack_request

TIMEOUT_S = 20
"""Of connecting, and of each wait for some bytes."""

DEADLINE_S = 40.0
"""Of a whole answer: one that comes in drops never ends otherwise."""

RETRIES = 3
PATIENCE_S = 10.0
"""So long Slack may ask to wait (429) while somebody waits for what was asked."""

PATIENCES_S: Mapping[str, float] = {
    # The queue waits better: it holds up nobody, and a restart doesn't shorten it.
    "files.list": 0.0,
    # What a person did holds for 3 s.
    "views.open": 1.0,
    "views.push": 1.0,
}

RESPONSE_URL = "response_url"
_ONCE = {
    "chat.postEphemeral",
    "chat.postMessage",
    "files.completeUploadExternal",
    "views.open",
    "views.push",
}
_SERVER_ERRORS = {500, 502, 503, 504}
_SAYS_NO = re.compile(r'\s*\{\s*"ok"\s*:\s*false')
_MOST_BYTES = 50_000_000
_CHUNK_BYTES = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    headers: HTTPMessage
    text: str


def was_never_sent(error: BaseException | None) -> bool:
    """Whether Slack can't have got the request: there was nobody to send it to."""
    reason = error.reason if isinstance(error, URLError) else error
    return isinstance(reason, (ConnectionRefusedError, socket.gaierror))


class Retries(RetryHandler):
    """Waits as Slack asks if that isn't long; asks again after what a network or a server broke.

    Slack's own "it failed" (5xx) is believed. A connection that breaks says nothing: the request
    may have been taken, so one that must not happen twice is repeated only if it was never sent.
    """

    def __init__(
        self, waits: Waits, *, patience_s: float | None = None, once: bool = False
    ) -> None:
        super().__init__(max_retry_count=RETRIES)
        self._waits = waits
        self._patience_s = patience_s
        self._once = once

    def _can_retry(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        del state
        what = _what(request.url)
        must_be_once = self._once or what in _ONCE
        if response is None:
            if was_never_sent(error):
                return True
            broke = isinstance(error, (URLError, ConnectionError, HTTPException))
            return broke and not must_be_once
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            return self._waits.left_s(what) <= patience_s(what, self._patience_s)
        if response.status_code in _SERVER_ERRORS:
            return True
        is_json = (response.data or b"").lstrip().startswith(b"{")
        return response.status_code == HTTPStatus.OK and not is_json and not must_be_once

    def prepare_for_next_attempt(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> None:
        """After 429 the next request itself waits."""
        if response is not None and response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            state.next_attempt_requested = True
            state.increment_current_attempt()
        else:
            super().prepare_for_next_attempt(
                state=state, request=request, response=response, error=error
            )


def patience_s(what: str, own_s: float | None = None) -> float:
    """How long a request may wait because Slack asked for it; `own_s` is a client's own."""
    return PATIENCES_S.get(what, PATIENCE_S) if own_s is None else own_s


class Client(WebClient):
    """The Web API. Its token is kept to the host that it was meant for."""

    def __init__(self, token: str, api_url: str, *, waits: Waits | None = None) -> None:
        """`waits` are shared by all clients of a process."""
        super().__init__(token=token, base_url=api_url, timeout=TIMEOUT_S)
        self.waits = waits or Waits()
        self.patience_s: float | None = None
        self.retry_handlers = [Retries(self.waits)]

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        # urllib follows redirects and takes its headers along, but for the "unredirected" ones.
        authorization = req.headers.pop("Authorization", None)
        if authorization is not None:
            req.add_unredirected_header("Authorization", authorization)
        longest_s = patience_s(_what(url), self.patience_s)
        answer = _exchanged(req, waits=self.waits, longest_s=longest_s)
        return {"status": answer.status, "headers": answer.headers, "body": answer.text}


class ResponseUrl(WebhookClient):
    """The address for the answers to one command or click."""

    def __init__(self, url: str, *, waits: Waits, once: bool) -> None:
        """`once`: what is sent there would be seen twice if it came twice."""
        super().__init__(url, timeout=TIMEOUT_S, retry_handlers=[Retries(waits, once=once)])
        self._waits = waits

    def _perform_http_request_internal(self, url: str, req: Request) -> WebhookResponse:
        answer = _exchanged(req, waits=self._waits, longest_s=patience_s(RESPONSE_URL))
        headers = dict(answer.headers.items())
        return WebhookResponse(
            url=url, status_code=answer.status, body=answer.text, headers=headers
        )


def _what(url: str) -> str:
    """A method's name; of addresses that are no method, what they are for."""
    _, api, method = urlsplit(url).path.rpartition("/api/")
    return method if api else RESPONSE_URL


def _exchanged(request: Request, *, waits: Waits, longest_s: float) -> _Answer:
    """One request. Raises HTTPError, URLError, OSError, HTTPException.

    While Slack wants to be left alone this waits, or, for longer than `longest_s`, gives the answer
    that Slack would give.
    """
    what = _what(request.full_url)
    with waits.turn(what, patience_s=longest_s) as left_s:
        if left_s:
            count_slack_request(what, "held back")
            raise _too_many(request, left_s)
        began_s = time.monotonic()
        deadline_s = began_s + DEADLINE_S
        status = "unreachable"
        try:
            # The address is the Web API's, or one that Slack sent.
            with _opener().open(request, timeout=TIMEOUT_S) as response:
                text = _read(response, response.headers, deadline_s)
                status = "refused" if _SAYS_NO.match(text) else str(response.status)
                return _Answer(status=response.status, headers=response.headers, text=text)
        except HTTPError as error:
            status = str(error.code)
            if error.code == HTTPStatus.TOO_MANY_REQUESTS:
                waits.note(what, error.headers.get("Retry-After"))
            with error:
                body = io.BytesIO(_read(error, error.headers, deadline_s).encode())
            # The SDK reads it again, as what the header says.
            del error.headers["Content-Type"]
            error.headers["Content-Type"] = "text/plain; charset=utf-8"
            raise HTTPError(error.url, error.code, error.msg, error.headers, body) from error
        finally:
            count_slack_request(what, status, seconds=time.monotonic() - began_s)


@cache
def _opener() -> OpenerDirector:
    """One TLS context for all requests: each would read all of the system's certificates anew."""
    return build_opener(HTTPSHandler(context=ssl.create_default_context()))


def _read(response: IO[bytes], headers: Message, deadline_s: float) -> str:
    read1 = getattr(response, "read1", response.read)
    parts: list[bytes] = []
    size = 0
    # Not more than has come: `read` would wait for all of it.
    while part := read1(_CHUNK_BYTES):
        parts.append(part)
        size += len(part)
        if time.monotonic() > deadline_s or size > _MOST_BYTES:
            raise TimeoutError("the answer did not come to its end")
    missing = getattr(response, "length", None)
    if missing:
        raise ConnectionError(f"the answer was cut off {missing} bytes before its end")
    text = b"".join(parts).decode(headers.get_content_charset() or "utf-8", errors="replace")
    # Slack's answers are JSON or a word. A page tells nothing, and the SDK would log it.
    return "" if text.lstrip().startswith("<") else text


def _too_many(request: Request, left_s: float) -> HTTPError:
    headers = HTTPMessage()
    headers["Content-Type"] = "application/json"
    headers["Retry-After"] = str(math.ceil(left_s))
    body = io.BytesIO(b'{"ok": false, "error": "ratelimited"}')
    return HTTPError(request.full_url, HTTPStatus.TOO_MANY_REQUESTS, "waiting", headers, body)
