"""Fetching files from Slack: the token goes to Slack's own hosts, and along no redirect."""

import time
from collections.abc import Iterator
from http import HTTPStatus

import httpx

from bot.files.hosts import AVATAR_HOSTS, TOKEN_HOSTS, is_at
from bot.waits import Waits, seconds
from pipeline.errors import PhotoGoneError, SourceUnavailableError, UnreadablePhotoError
from pipeline.telemetry import count_slack_request

TIMEOUT = httpx.Timeout(20.0, connect=10.0)
MAX_BYTES = 200_000_000
MAX_AVATAR_BYTES = 25_000_000

GRACE_S = 60.0
SLOWEST_BYTES_PER_S = 100_000
"""Each file may take a minute, and longer the larger it is; a drip of bytes would never end."""

_OCTETS = {"application/octet-stream", "binary/octet-stream"}
_PAGE_BEGINS = (b"<!doctype html", b"<html", b"<head", b"<script")
_LOOKED_AT_BYTES = 512


class NotLetInError(SourceUnavailableError):
    """Slack sends its login page in place of a file: the scope, the view of it or the token."""


class Downloads:
    """Downloads with a limit on host, size, type and time. Thread-safe."""

    def __init__(
        self,
        *,
        token: str,
        api_url: str,
        grace_s: float = GRACE_S,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Hosts are Slack's, and that of `api_url` (a local workspace)."""
        self._token = token
        self._api_url = api_url
        self._grace_s = grace_s
        self._waits = Waits()
        self._client = httpx.Client(
            timeout=TIMEOUT, follow_redirects=False, transport=transport, trust_env=True
        )

    def photo(self, url: str, *, max_bytes: int = MAX_BYTES) -> bytes:
        """A file of the workspace, with the token.

        Raises: PhotoGoneError, UnreadablePhotoError, SourceUnavailableError.
        """
        if not is_at(url, TOKEN_HOSTS, api_url=self._api_url):
            raise UnreadablePhotoError("the file lies outside Slack")
        return self._get("photo", url, {"Authorization": f"Bearer {self._token}"}, max_bytes)

    def avatar(self, url: str) -> bytes:
        """A profile picture: public, so without the token. Raises as `photo` does."""
        if not is_at(url, AVATAR_HOSTS + TOKEN_HOSTS, api_url=self._api_url):
            raise UnreadablePhotoError("the profile picture lies outside Slack")
        return self._get("avatar", url, {}, MAX_AVATAR_BYTES)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _get(self, what: str, url: str, headers: dict[str, str], max_bytes: int) -> bytes:
        method = f"download of {what}"
        left_s = self._waits.left_s(what)
        if left_s:
            # Another file was put off a moment ago.
            count_slack_request(method, "held back")
            raise SourceUnavailableError(
                "Slack is busy; it is tried again later.", retry_after_s=left_s
            )
        # Else the length of what comes is not that of the file.
        headers |= {"Accept-Encoding": "identity"}
        started_s = time.monotonic()
        status = "unreachable"
        try:
            with self._client.stream("GET", url, headers=headers) as response:
                status = str(response.status_code)
                if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
                    self._waits.note(what, response.headers.get("Retry-After"))
                _check(response)
                data = b"".join(self._parts(response, started_s, max_bytes))
                _check_length(response, len(data))
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise SourceUnavailableError(
                "Slack didn't deliver a file; it is tried again later."
            ) from error
        finally:
            count_slack_request(method, status, seconds=time.monotonic() - started_s)
        if data[:_LOOKED_AT_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGE_BEGINS):
            raise _page_error()
        return data

    def _parts(self, response: httpx.Response, started_s: float, max_bytes: int) -> Iterator[bytes]:
        size = 0
        for part in response.iter_bytes():
            size += len(part)
            if size > max_bytes:
                raise UnreadablePhotoError(f"the file is larger than {max_bytes // 10**6} MB")
            allowed_s = self._grace_s + size / SLOWEST_BYTES_PER_S
            if time.monotonic() - started_s > allowed_s:
                raise SourceUnavailableError(
                    "Slack delivered a file too slowly; it is tried again later."
                )
            yield part


def _check(response: httpx.Response) -> None:
    status = response.status_code
    if status in {404, 410}:
        raise PhotoGoneError
    if status in {401, 403} or response.is_redirect:
        # Slack sends who may not see a file to its login page.
        raise NotLetInError(
            "Slack refuses the bot a file; check that the app has the scope files:read."
        )
    if status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise SourceUnavailableError(
            "Slack is busy; it is tried again later.",
            retry_after_s=seconds(response.headers.get("Retry-After")),
        )
    if status != httpx.codes.OK:
        raise SourceUnavailableError(f"Slack answered {status} to a download.")
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type in {"text/html", "application/xhtml+xml"}:
        raise _page_error()
    if media_type and not media_type.startswith("image/") and media_type not in _OCTETS:
        raise UnreadablePhotoError(f"the file is {media_type[:60]}, not a picture")


def _check_length(response: httpx.Response, came: int) -> None:
    announced = response.headers.get("Content-Length", "")
    if announced.isdigit() and came != int(announced):
        raise SourceUnavailableError(
            "Slack delivered a file in part only; it is tried again later."
        )


def _page_error() -> NotLetInError:
    # With status 200: that is how Slack says that the scope is missing.
    return NotLetInError(
        "Slack sent its login page in place of a file; check that the app has the scope files:read."
    )
