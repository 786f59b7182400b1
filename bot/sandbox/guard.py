"""Who may talk to the sandbox as a person: this machine alone, and no other site's page.

Requests with a foreign Host (DNS rebinding) or from another site's page get 403.
"""

from __future__ import annotations

import binascii
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.sandbox.addressing import NotAllowed
from bot.sandbox.calls import ApiError, read_arguments
from bot.sandbox.model import Json
from bot.sandbox.state import Missing

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})

Endpoint = Callable[[Request], Awaitable[Json | Response]]
"""Answers with a JSON object, or with a response of its own."""


def is_loopback(netloc: str) -> bool:
    """Whether "host:port" names this machine."""
    try:
        return urlsplit(f"//{netloc}").hostname in LOOPBACK_HOSTS
    except ValueError:
        return False


def guarded(
    endpoint: Endpoint, *, from_links: bool = False
) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint behind the guard, with its errors as Slack-like JSON.

    `from_links` is for what another site may link to, as long as it can't read it.
    """

    async def answer(request: Request) -> Response:
        foreign = _foreign_part(request, from_links=from_links)
        if foreign:
            return refusal(403, f"foreign {foreign}")
        try:
            found = await endpoint(request)
        except NotAllowed as e:
            return refusal(409, str(e))
        except Missing as e:
            return refusal(404, f"no such {e}")
        except (ApiError, LookupError, ValueError, TypeError, binascii.Error) as e:
            return refusal(400, f"{type(e).__name__}: {e}")
        return found if isinstance(found, Response) else JSONResponse({"ok": True, **found})

    return answer


def _foreign_part(request: Request, *, from_links: bool) -> str | None:
    origin = request.headers.get("origin")
    if not is_loopback(request.headers.get("host", "")):
        return "host"
    if origin is not None and not is_loopback(urlsplit(origin).netloc):
        return "origin"
    if not from_links and request.headers.get("sec-fetch-site") == "cross-site":
        return "page"
    return None


async def json_of(request: Request) -> Json:
    """The JSON object in a request's body. Raises ApiError."""
    content_type = request.headers.get("content-type", "application/json")
    return read_arguments("", content_type, await request.body())


def refusal(status: int, error: str) -> Response:
    """An answer that says no."""
    return JSONResponse({"ok": False, "error": error}, status_code=status)
