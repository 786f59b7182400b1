"""Weights arrive whole and right, or not at all; from a real server on this machine."""

import errno
import hashlib
import http.server
import os
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from pipeline.errors import WeightsUnavailableError
from pipeline.vision.weights import (
    RETAIL_BIN,
    RETAIL_XML,
    YUNET,
    WeightFile,
    WeightState,
    WeightStore,
)

DATA = bytes(range(256)) * 2000


class Server(http.server.ThreadingHTTPServer):
    """Serves DATA under several moods and counts who asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        match self.path:
            case "/file":
                self._send(DATA)
            case "/slow":
                time.sleep(0.2)
                self._send(DATA)
            case "/page":
                self._send(b"<html>please log in</html>")
            case "/cut":
                self._send(DATA[: len(DATA) // 2], announced=len(DATA))
            case "/cut-unannounced":
                self._send(DATA[: len(DATA) // 2], announced=None)
            case "/endless":
                self._send(DATA * 4, announced=None)
            case "/moved":
                self.send_response(302)
                self.send_header("Location", f"{self.server.url}/file")
                self.end_headers()
            case _:
                self.send_error(404)

    def _send(self, body: bytes, announced: int | None = -1) -> None:
        self.send_response(200)
        if announced is not None:
            self.send_header("Content-Length", str(len(body) if announced < 0 else announced))
        self.end_headers()
        with suppress(ConnectionError):  # the client may have had enough
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing: pytest shows what matters."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def published(server: Server, path: str = "/file", data: bytes = DATA) -> WeightFile:
    return WeightFile(
        name="net.onnx",
        url=server.url + path,
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
        licence="MIT",
        source="a test",
    )


def test_a_missing_file_is_downloaded_whole(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "models"
    path = WeightStore(folder).path_of(published(server))
    assert path == folder / "net.onnx"
    assert path.read_bytes() == DATA
    assert list(folder.iterdir()) == [path]


def test_a_file_that_is_there_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(DATA)
    store = WeightStore(tmp_path)
    store.path_of(published(server))
    store.pull([published(server)])
    assert server.asked == []


def test_a_wrong_file_is_named_and_left_alone(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"another network")
    with pytest.raises(WeightsUnavailableError, match="run `findme models pull`") as e:
        WeightStore(tmp_path).path_of(published(server))
    assert str(path) in str(e.value)
    assert path.read_bytes() == b"another network"


def test_pull_replaces_a_wrong_file(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"another network")
    assert WeightStore(tmp_path).pull([published(server)]) == [path]
    assert path.read_bytes() == DATA


def test_pull_that_fails_leaves_the_wrong_file_as_it_was(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"another network")
    with pytest.raises(WeightsUnavailableError):
        WeightStore(tmp_path).pull([published(server, "/gone")])
    assert path.read_bytes() == b"another network"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/gone", "answered 404"),
        ("/page", r"another SHA-256"),
        ("/cut", "broke off"),
        ("/cut-unannounced", "another SHA-256"),
        ("/endless", "larger than"),
        ("/moved", "not https"),
    ],
)
def test_what_is_not_the_file_leaves_nothing_behind(
    server: Server, tmp_path: Path, path: str, reason: str
) -> None:
    file = published(server, path)
    with pytest.raises(WeightsUnavailableError, match=reason) as e:
        WeightStore(tmp_path).path_of(file)
    assert list(tmp_path.iterdir()) == []
    assert file.url in str(e.value)
    assert "FINDME_MODELS_DIR" in str(e.value)


def test_without_a_server_the_sentence_says_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    file = replace(YUNET, url=f"http://127.0.0.1:{port}/net.onnx")
    with pytest.raises(WeightsUnavailableError, match="no connection"):
        WeightStore(tmp_path).path_of(file)
    assert list(tmp_path.iterdir()) == []


def test_a_redirect_from_https_to_https_is_followed(tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "models.example":
            return httpx.Response(302, headers={"Location": "https://cdn.example/net"})
        return httpx.Response(200, content=DATA)

    file = replace(
        YUNET,
        url="https://models.example/net",
        sha256=hashlib.sha256(DATA).hexdigest(),
        size_bytes=None,
    )
    path = WeightStore(tmp_path, transport=httpx.MockTransport(answer)).path_of(file)
    assert path.read_bytes() == DATA


def test_redirects_in_a_ring_come_to_an_end(tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"Location": str(request.url)})

    store = WeightStore(tmp_path, transport=httpx.MockTransport(answer))
    with pytest.raises(WeightsUnavailableError, match="again and again"):
        store.path_of(YUNET)


def test_a_full_disk_leaves_nothing_behind(server: Server, tmp_path: Path) -> None:
    file = published(server)
    # A real limit of the system: the kernel refuses to let any file of that process grow further.
    script = f"""
        import resource, sys
        from pathlib import Path
        from pipeline.errors import WeightsUnavailableError
        from pipeline.vision.weights import WeightFile, WeightStore
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        file = WeightFile(name={file.name!r}, url={file.url!r}, sha256={file.sha256!r},
                          size_bytes={file.size_bytes!r}, licence="", source="")
        try:
            WeightStore(Path({str(tmp_path)!r})).path_of(file)
        except WeightsUnavailableError as error:
            sys.exit(str(error))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False
    )
    assert "there is no room for it" in done.stderr
    assert "FINDME_MODELS_DIR" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_at_the_last_moment_leaves_nothing_behind(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WeightsUnavailableError, match="no room"):
        WeightStore(tmp_path).path_of(published(server))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_can_not_be_made_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")
    with pytest.raises(WeightsUnavailableError, match="can't be written to"):
        WeightStore(tmp_path / "models").path_of(published(server))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_without_the_file_is_named(server: Server, tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(WeightsUnavailableError, match="can't be written to; make it writable"):
        WeightStore(tmp_path).path_of(published(server))


def test_a_read_only_folder_with_the_file_will_do(server: Server, tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(DATA)
    (tmp_path / "net.onnx").chmod(0o444)
    tmp_path.chmod(0o555)
    assert WeightStore(tmp_path).path_of(published(server)).read_bytes() == DATA
    assert server.asked == []


def test_two_threads_fetch_a_file_once(server: Server, tmp_path: Path) -> None:
    store = WeightStore(tmp_path)
    run_at_once(lambda: store.path_of(published(server, "/slow")), times=2)
    assert server.asked == ["/slow"]
    assert (tmp_path / "net.onnx").read_bytes() == DATA


def test_two_stores_on_one_folder_do_not_collide(server: Server, tmp_path: Path) -> None:
    # As two processes would: each has its own store, its own lock, its own part.
    run_at_once(lambda: WeightStore(tmp_path).path_of(published(server, "/slow")), times=4)
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]
    assert (tmp_path / "net.onnx").read_bytes() == DATA


def test_a_file_changed_after_its_verdict_is_noticed(server: Server, tmp_path: Path) -> None:
    store = WeightStore(tmp_path)
    path = store.path_of(published(server))
    path.write_bytes(DATA[:-1])
    with pytest.raises(WeightsUnavailableError, match="SHA-256"):
        store.path_of(published(server))


def test_status_tells_right_wrong_and_missing_files_apart(server: Server, tmp_path: Path) -> None:
    right, wrong = published(server), replace(published(server), name="wrong.onnx")
    missing = replace(published(server), name="missing.onnx")
    (tmp_path / right.name).write_bytes(DATA)
    (tmp_path / wrong.name).write_bytes(b"?")
    found = WeightStore(tmp_path).status([right, wrong, missing])
    assert [(status.state, status.size_bytes) for status in found] == [
        (WeightState.VERIFIED, len(DATA)),
        (WeightState.WRONG, 1),
        (WeightState.MISSING, None),
    ]
    assert server.asked == []


def test_the_bar_is_shown_on_stderr_when_asked_for(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    WeightStore(tmp_path / "quiet").path_of(published(server))
    quiet = capsys.readouterr()
    WeightStore(tmp_path / "shown", show_progress=True).path_of(published(server))
    shown = capsys.readouterr()
    assert (quiet.out, quiet.err, shown.out) == ("", "", "")
    assert "net.onnx" in shown.err


def test_every_known_file_comes_over_https_with_its_hash_size_and_licence() -> None:
    for file in (YUNET, RETAIL_XML, RETAIL_BIN):
        assert file.url.startswith("https://")
        assert len(bytes.fromhex(file.sha256)) == 32
        assert file.size_bytes
        assert file.licence in {"MIT", "Apache-2.0"}


def run_at_once(act: Callable[[], object], *, times: int) -> None:
    """Call `act` in several threads at once; their first error is raised here."""
    with ThreadPoolExecutor(times) as pool:
        for future in [pool.submit(act) for _ in range(times)]:
            future.result()
