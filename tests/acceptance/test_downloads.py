"""The token goes to Slack and to nobody else: real servers on two ports of this machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from slack_sdk.errors import SlackApiError

from bot.files.downloads import MAX_AVATAR_BYTES, Downloads
from bot.workspace import web_client
from pipeline.errors import PhotoGoneError, SourceUnavailableError, UnreadablePhotoError

TOKEN = "xoxb-not-a-real-token"  # noqa: S105 - stands for one


@dataclass(slots=True)
class Server:
    """A web server with one answer for everything; `asked` are the raw requests it got."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    chunk: bytes = b"picture"
    chunks: int = 1
    pause_s: float = 0.0
    asked: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        """A file on it."""
        return f"http://127.0.0.1:{self.port}/files-pri/T1-F1/photo.jpg"


def _serve(server: Server) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            server.asked.append(f"{self.requestline}\n{self.headers}\n{body.decode()}")
            self.send_response(server.status)
            for name, value in server.headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for _ in range(server.chunks):
                    self.wfile.write(server.chunk)
                    time.sleep(server.pause_s)
            except ConnectionError:
                return  # the client had enough

        do_POST = do_GET  # noqa: N815 - the name is http.server's

        def log_message(self, *_: object) -> None:
            return

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.port = http.server_address[1]
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return http


@pytest.fixture
def slack() -> Iterator[Server]:
    """The host that SLACK_API_URL names."""
    server = Server()
    http = _serve(server)
    yield server
    http.shutdown()
    http.server_close()


@pytest.fixture
def stranger() -> Iterator[Server]:
    """Another host: the same machine, another port."""
    server = Server()
    http = _serve(server)
    yield server
    http.shutdown()
    http.server_close()


@pytest.fixture
def downloads(slack: Server) -> Iterator[Downloads]:
    opened = Downloads(token=TOKEN, api_url=f"http://127.0.0.1:{slack.port}/api/")
    yield opened
    opened.close()


def test_slack_is_shown_the_token(slack: Server, downloads: Downloads) -> None:
    assert downloads.photo(slack.url) == b"picture"
    assert f"Authorization: Bearer {TOKEN}" in slack.asked[0]


def test_another_host_is_not_even_asked(stranger: Server, downloads: Downloads) -> None:
    with pytest.raises(UnreadablePhotoError):
        downloads.photo(stranger.url)
    with pytest.raises(UnreadablePhotoError):
        downloads.avatar(stranger.url)
    assert stranger.asked == []


@pytest.mark.parametrize(
    "host",
    [
        "https://evil.example",
        "https://slack.com.evil.example",
        "https://notslack.com",
        "https://slack.com@evil.example",
        "http://files.slack.com",
        "ftp://files.slack.com",
        "https://evil.example\\@files.slack.com.evil.example",
        "file:///etc/passwd?.slack.com",
    ],
)
def test_what_only_looks_like_slack_is_not_asked(downloads: Downloads, host: str) -> None:
    with pytest.raises(UnreadablePhotoError):
        downloads.photo(f"{host}/files-pri/T1-F1/photo.jpg")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(
    slack: Server, stranger: Server, downloads: Downloads, status: int
) -> None:
    slack.status, slack.headers = status, {"Location": stranger.url}
    with pytest.raises(SourceUnavailableError, match="files:read"):
        downloads.photo(slack.url)
    assert stranger.asked == []


def test_a_profile_picture_is_fetched_without_the_token(
    slack: Server, downloads: Downloads
) -> None:
    downloads.avatar(slack.url)
    assert TOKEN not in slack.asked[0]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_web_api_client_shows_a_redirects_target_no_token(
    slack: Server, stranger: Server, status: int
) -> None:
    slack.status, slack.headers = status, {"Location": stranger.url}
    stranger.headers, stranger.chunk = {"Content-Type": "application/json"}, b'{"ok": false}'
    client = web_client(TOKEN, f"http://127.0.0.1:{slack.port}/api/")
    with pytest.raises(SlackApiError):
        client.auth_test()
    assert TOKEN in slack.asked[0]
    assert not any(TOKEN in asked for asked in stranger.asked)


def test_a_login_page_with_status_200_is_no_picture(slack: Server, downloads: Downloads) -> None:
    slack.headers, slack.chunk = {"Content-Type": "text/html; charset=utf-8"}, b"<html>"
    with pytest.raises(SourceUnavailableError, match="files:read"):
        downloads.photo(slack.url)


@pytest.mark.parametrize("status", [404, 410])
def test_a_file_that_is_gone_is_told_as_such(
    slack: Server, downloads: Downloads, status: int
) -> None:
    slack.status = status
    with pytest.raises(PhotoGoneError):
        downloads.photo(slack.url)


@pytest.mark.parametrize(("retry_after", "expected_s"), [("7", 7.0), ("soon", None)])
def test_a_busy_slack_says_how_long_to_wait(
    slack: Server, downloads: Downloads, retry_after: str, expected_s: float | None
) -> None:
    slack.status, slack.headers = 429, {"Retry-After": retry_after}
    with pytest.raises(SourceUnavailableError) as caught:
        downloads.photo(slack.url)
    assert caught.value.retry_after_s == expected_s


def test_a_photo_that_is_too_large_is_dropped_on_the_way(
    slack: Server, downloads: Downloads
) -> None:
    slack.chunk, slack.chunks = bytes(1_000_000), 5
    with pytest.raises(UnreadablePhotoError, match="larger than 3 MB"):
        downloads.photo(slack.url, max_bytes=3_000_000)


def test_a_profile_picture_that_is_too_large_is_dropped_on_the_way(
    slack: Server, downloads: Downloads
) -> None:
    slack.chunk, slack.chunks = bytes(1_000_000), MAX_AVATAR_BYTES // 1_000_000 + 1
    with pytest.raises(UnreadablePhotoError, match="larger than 25 MB"):
        downloads.avatar(slack.url)


def test_a_download_that_breaks_off_is_tried_again_later(
    slack: Server, downloads: Downloads
) -> None:
    slack.headers = {"Content-Length": "1000"}
    with pytest.raises(SourceUnavailableError):
        downloads.photo(slack.url)


def test_a_host_that_is_not_there_is_tried_again_later(slack: Server) -> None:
    nobody = Server()
    http = _serve(nobody)
    http.shutdown()
    http.server_close()
    downloads = Downloads(token=TOKEN, api_url=f"http://127.0.0.1:{nobody.port}/api/")
    with pytest.raises(SourceUnavailableError):
        downloads.photo(nobody.url)
    downloads.close()
    assert slack.asked == []


def test_half_a_file_is_no_file(slack: Server, downloads: Downloads) -> None:
    slack.headers = {"Content-Type": "image/jpeg", "Content-Length": "14"}
    with pytest.raises(SourceUnavailableError):
        downloads.photo(slack.url)


def test_a_file_that_drips_is_left_after_its_time_and_tried_again_later(
    slack: Server, downloads: Downloads
) -> None:
    slack.chunk, slack.chunks, slack.pause_s = b"x", 100, 0.05
    downloads._grace_s = 0.2
    started_s = time.monotonic()
    with pytest.raises(SourceUnavailableError, match="too slowly"):
        downloads.photo(slack.url)
    assert time.monotonic() - started_s < 2


@pytest.mark.parametrize(
    "media_type", ["image/jpeg", "image/heic", "application/octet-stream", "binary/octet-stream"]
)
def test_pictures_and_unnamed_bytes_are_taken(
    slack: Server, downloads: Downloads, media_type: str
) -> None:
    slack.headers = {"Content-Type": media_type}
    assert downloads.photo(slack.url) == b"picture"
    assert downloads.avatar(slack.url) == b"picture"


@pytest.mark.parametrize("media_type", ["video/mp4", "application/json", "text/plain"])
def test_what_is_said_to_be_something_else_is_no_picture(
    slack: Server, downloads: Downloads, media_type: str
) -> None:
    slack.headers = {"Content-Type": f"{media_type}; charset=utf-8"}
    with pytest.raises(UnreadablePhotoError, match=media_type):
        downloads.photo(slack.url)
    with pytest.raises(UnreadablePhotoError, match=media_type):
        downloads.avatar(slack.url)


@pytest.mark.parametrize("begins", [b"<!DOCTYPE html><p>", b"\xef\xbb\xbf\r\n <HTML>", b"<head>"])
def test_a_page_that_calls_itself_a_picture_is_a_page(
    slack: Server, downloads: Downloads, begins: bytes
) -> None:
    slack.headers, slack.chunk = {"Content-Type": "image/jpeg"}, begins
    with pytest.raises(SourceUnavailableError, match="files:read"):
        downloads.photo(slack.url)


def test_while_slack_wants_to_be_left_alone_no_file_is_asked_for(
    slack: Server, downloads: Downloads
) -> None:
    slack.status, slack.headers = 429, {"Retry-After": "60"}
    for _ in range(3):
        with pytest.raises(SourceUnavailableError) as caught:
            downloads.photo(slack.url)
        assert caught.value.retry_after_s is not None
        assert 40 < caught.value.retry_after_s <= 60
    assert len(slack.asked) == 1
