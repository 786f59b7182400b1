"""What comes over HTTP is read only as far as it is short, and believed if Slack signed it."""

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, TypeAlias

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]

# The longest that Slack has to say is an edited message, twice 40,000 characters as text and as
# blocks, each up to 12 bytes of JSON.
MAX_BODY_BYTES = 4 * 2**20
BODY_TIMEOUT_S = 10.0
MAX_AGE_S = 300
_DIGITS = 12

SIGNATURE = b"x-slack-signature"
SENT_AT = b"x-slack-request-timestamp"


class RefusedError(Exception):
    """A request is turned away unread, with this `status`."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


async def read_body(
    receive: Receive,
    headers: Iterable[tuple[bytes, bytes]],
    *,
    max_bytes: int = MAX_BODY_BYTES,
    timeout_s: float = BODY_TIMEOUT_S,
) -> bytes:
    """The body, of which no more than `max_bytes` is ever read.

    Raises: RefusedError: 413 for a longer one, 408 for one that doesn't end, 400 for none.
    """
    told = dict(headers).get(b"content-length", b"0")
    if told.isdigit() and int(told) > max_bytes:
        raise RefusedError(413)
    body = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                part = await receive()
                if part["type"] != "http.request":
                    raise RefusedError(400)
                body += part.get("body", b"")
                if len(body) > max_bytes:
                    raise RefusedError(413)
                if not part.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise RefusedError(408) from None


def is_slacks(
    secret: str, body: bytes, headers: Iterable[tuple[bytes, bytes]], *, now_s: float
) -> bool:
    """Whether Slack signed this body within the last five minutes.

    Bolt asks that too, but only after it has parsed what anybody may have sent, and it fails at a
    timestamp that is no number. Source: docs.slack.dev, "Verifying requests from Slack".
    """
    given = dict(headers)
    sent_at, signature = given.get(SENT_AT, b""), given.get(SIGNATURE, b"")
    if not sent_at.isdigit() or len(sent_at) > _DIGITS or abs(now_s - int(sent_at)) > MAX_AGE_S:
        return False
    signed = hmac.new(secret.encode(), b"v0:" + sent_at + b":" + body, hashlib.sha256)
    return hmac.compare_digest(b"v0=" + signed.hexdigest().encode(), signature)
