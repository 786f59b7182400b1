"""Fetching files from Slack: the token goes to Slack's own hosts, and along no redirect."""

import httpx

from bot.files.hosts import AVATAR_HOSTS, TOKEN_HOSTS, is_at
from pipeline.errors import PhotoGoneError, SourceUnavailableError, UnreadablePhotoError

TIMEOUT = httpx.Timeout(30.0, connect=10.0)
MAX_BYTES = 200_000_000
MAX_AVATAR_BYTES = 25_000_000


class NotLetInError(SourceUnavailableError):
    """Slack sends its login page in place of a file: the scope, the view of it or the token."""


class Downloads:
    """Downloads with a limit on host, size and type."""

    def __init__(
        self, *, token: str, api_url: str, transport: httpx.BaseTransport | None = None
    ) -> None:
        """Hosts are Slack's, and that of `api_url` (a local workspace)."""
        self._token = token
        self._api_url = api_url
        self._client = httpx.Client(
            timeout=TIMEOUT, follow_redirects=False, transport=transport, trust_env=True
        )

    def photo(self, url: str, *, max_bytes: int = MAX_BYTES) -> bytes:
        """A file of the workspace, with the token.

        Raises: PhotoGoneError, UnreadablePhotoError, SourceUnavailableError.
        """
        if not is_at(url, TOKEN_HOSTS, api_url=self._api_url):
            raise UnreadablePhotoError("the file lies outside Slack")
        return self._get(url, {"Authorization": f"Bearer {self._token}"}, max_bytes)

    def avatar(self, url: str) -> bytes:
        """A profile picture: public, so without the token. Raises as `photo` does."""
        if not is_at(url, AVATAR_HOSTS + TOKEN_HOSTS, api_url=self._api_url):
            raise UnreadablePhotoError("the profile picture lies outside Slack")
        return self._get(url, {}, MAX_AVATAR_BYTES)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _get(self, url: str, headers: dict[str, str], max_bytes: int) -> bytes:
        try:
            with self._client.stream("GET", url, headers=headers) as response:
                _check(response)
                chunks, size = [], 0
                for chunk in response.iter_bytes():
                    size += len(chunk)
                    if size > max_bytes:
                        raise UnreadablePhotoError(
                            f"the file is larger than {max_bytes // 10**6} MB"
                        )
                    chunks.append(chunk)
                return b"".join(chunks)
        except httpx.HTTPError as error:
            raise SourceUnavailableError(
                "Slack didn't deliver a file; it is tried again later."
            ) from error


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
            retry_after_s=_seconds(response.headers.get("Retry-After")),
        )
    if status != httpx.codes.OK:
        raise SourceUnavailableError(f"Slack answered {status} to a download.")
    if response.headers.get("Content-Type", "").startswith("text/html"):
        # With status 200: that is how Slack says that the scope is missing.
        raise NotLetInError(
            "Slack sent its login page in place of a file; "
            "check that the app has the scope files:read."
        )


def _seconds(value: str | None) -> float | None:
    try:
        return float(value) if value else None
    except ValueError:
        return None
