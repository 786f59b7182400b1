"""The embedded database listens on a Unix socket only, in a folder of mode 700."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from pipeline.storage.embedded import EmbeddedServer

NOBODY = 65534
TEMPORARY = """
import shutil, sys
from pathlib import Path
from pipeline.storage.embedded import EmbeddedServer
folder = Path(sys.argv[1])
server = EmbeddedServer(folder / "data")
server.close()
shutil.rmtree(folder)
"""
TRY = """
import socket, sys
link = socket.socket(socket.AF_UNIX)
try:
    link.connect(sys.argv[1])
except PermissionError:
    print("refused")
else:
    print("let in")
"""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that the user PostgreSQL runs as can reach, whoever runs this."""
    folder = Path(tempfile.mkdtemp(prefix="findme-tests-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _setting(server: EmbeddedServer, name: str) -> str:
    with psycopg.connect(server.conninfo) as connection:
        row = connection.execute("select current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


def _socket(server: EmbeddedServer) -> Path:
    return Path(_setting(server, "unix_socket_directories")) / ".s.PGSQL.5432"


def _long(place: Path) -> Path:
    """A data folder whose path is too long for a socket in it."""
    return place / ("x" * 100) / "data" / "postgresql"


@pytest.fixture(scope="module", params=["in its folder", "elsewhere"])
def server(request: pytest.FixtureRequest, place: Path) -> Iterator[tuple[EmbeddedServer, Path]]:
    above = place / "home" if request.param == "in its folder" else _long(place).parents[1]
    above.mkdir(mode=0o700)
    folder = above / "data" / "postgresql"
    started = EmbeddedServer(folder)
    yield started, folder
    started.close()


def test_the_embedded_database_listens_on_a_unix_socket_only_in_a_folder_of_mode_700(
    server: tuple[EmbeddedServer, Path],
) -> None:
    running, folder = server
    pid = int((folder / "postmaster.pid").read_text().splitlines()[0])
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    assert [each.net_connections("inet") for each in processes] == [[]] * len(processes)
    assert _setting(running, "listen_addresses") == ""
    socket = _socket(running)
    assert _mode(folder) == _mode(socket.parent) == _mode(socket) == 0o700
    assert socket.parent.stat().st_uid == folder.stat().st_uid


def test_the_folder_of_all_data_is_closed_to_everybody_when_it_is_made(
    server: tuple[EmbeddedServer, Path],
) -> None:
    _, folder = server
    # Root's PostgreSQL is a user of its own, who has to get through, and no more than that.
    assert _mode(folder.parent) == (0o711 if os.geteuid() == 0 else 0o700)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try it as another user")
def test_no_other_user_gets_to_the_database(server: tuple[EmbeddedServer, Path]) -> None:
    running, _ = server
    socket = _socket(running)
    socket.parent.chmod(0o777)  # even if somebody opens the folder
    tried = subprocess.run(
        [
            shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable,
            "-c",
            TRY,
            socket,
        ],
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        env={},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    socket.parent.chmod(0o700)
    if tried.returncode != 0 and "refused" not in tried.stdout:
        pytest.skip(f"no Python that another user can run: {tried.stderr[-200:]}")
    assert tried.stdout.strip() == "refused"


@pytest.mark.skipif(os.geteuid() != 0, reason="only for root the package opens what lies above")
def test_folders_above_the_database_are_opened_no_further_than_it_needs(
    server: tuple[EmbeddedServer, Path], place: Path
) -> None:
    _, folder = server
    above = folder.parents[1]
    assert _mode(place) == 0o755
    assert _mode(above) == 0o711


def test_a_socket_elsewhere_leaves_nothing_behind_once_the_last_has_closed_it(place: Path) -> None:
    data = _long(place).with_name("another")
    first, second = EmbeddedServer(data), EmbeddedServer(data)
    folder = _socket(second).parent
    first.close()
    assert _setting(second, "listen_addresses") == ""
    second.close()
    assert not folder.exists()
    assert not folder.parent.exists()


def test_a_folder_that_is_removed_once_it_is_closed_does_not_come_back_at_the_end() -> None:
    with tempfile.TemporaryDirectory(prefix="findme-tests-") as made:
        above = Path(made) / "above"
        above.mkdir(mode=0o755)
        Path(made).chmod(0o755)
        subprocess.run([sys.executable, "-c", TEMPORARY, above], check=True, timeout=100)
        assert not above.exists()
