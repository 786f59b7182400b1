"""Who may talk to the sandbox as a person: this machine alone, and no other site's page.

Requests with a foreign Host (DNS rebinding), from another site's page or from another port's get
403. Those that no page sends (of curl, of a bot) carry no Origin, and are let in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NoReturn
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.sandbox.addressing import NotAllowed
from bot.sandbox.calls import ApiError, read_arguments
from bot.sandbox.model import Json
from bot.sandbox.state import Missing

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})

# blob: is for previews of pictures that are not sent yet.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
"""What every guarded answer tells a browser."""

# A page of another port is of the same site, and of another origin.
_OWN_SITES = frozenset({None, "same-origin", "none"})

Endpoint = Callable[[Request], Awaitable[Json | Response]]
"""Answers with a JSON object, or with a response of its own."""


class Unusable(Exception):  # noqa: N818 - reads as what is the matter
    """A field that is missing or can't be used; the argument is the sentence that says so."""


class Asked(dict[str, Any]):
    """What a request asks, by field; one that must be there and is not is told by its name."""

    def __missing__(self, name: str) -> NoReturn:
        """Raise Unusable."""
        raise Unusable(f"The field `{name}` is missing.")

    def number(self, name: str, default: float) -> float:
        """A number, which a query carries as text. Raises Unusable."""
        try:
            return float(self.get(name) or default)
        except (TypeError, ValueError) as e:
            msg = f"The field `{name}` must be a number."
            raise Unusable(msg) from e


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
        response = await _answer(endpoint, request, from_links=from_links)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return answer


async def _answer(endpoint: Endpoint, request: Request, *, from_links: bool) -> Response:
    try:
        foreign = _foreign_part(request, from_links=from_links)
        if foreign:
            return refusal(403, f"foreign {foreign}")
        found = await endpoint(request)
    except NotAllowed as e:
        return refusal(409, str(e))
    except Missing as e:
        return refusal(404, f"no such {e}")
    except (Unusable, ApiError, LookupError, ValueError, TypeError, AttributeError) as e:
        # The texts of some speak of Python, which is no help to whoever asks.
        is_pythons = isinstance(e, KeyError | TypeError | AttributeError | UnicodeError)
        return refusal(400, "A field has a value of the wrong kind." if is_pythons else str(e))
    return found if isinstance(found, Response) else JSONResponse({"ok": True, **found})


def _foreign_part(request: Request, *, from_links: bool) -> str | None:
    host = request.headers.get("host", "")
    if not is_loopback(host):
        return "host"
    if request.headers.get("origin") not in {None, f"http://{host}"}:
        return "origin"
    if not from_links and request.headers.get("sec-fetch-site") not in _OWN_SITES:
        return "page"
    return None


async def json_of(request: Request) -> Asked:
    """The JSON object in a request's body. Raises ApiError."""
    content_type = request.headers.get("content-type", "application/json")
    return Asked(read_arguments("", content_type, await request.body()))


def query_of(request: Request) -> Asked:
    """The fields in a request's query."""
    return Asked(request.query_params)


def refusal(status: int, error: str) -> Response:
    """An answer that says no."""
    return JSONResponse({"ok": False, "error": error}, status_code=status)
