"""`findme sandbox` and `findme demo --keep` tell where the page is, and end when told to."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.shared import shared_folder

FINDME = Path(sys.executable).parent / "findme"
END_TIMEOUT_S = 30.0
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


@contextmanager
def _running(folder: Path, *arguments: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [FINDME, *arguments],
        env=env | settings,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _line_with(process: subprocess.Popen[str], text: str) -> str:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if text in line:
            return line
    pytest.fail("".join(said))


def _end(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=END_TIMEOUT_S)
    assert process.returncode == 0, rest
    return rest


def _state(address: str, person: str | None = None) -> dict[str, Any]:
    query = {"person": person} if person else {}
    answer = httpx.get(f"{address}/sandbox/feed", params=query).json()
    found: dict[str, Any] = answer["feed"]
    return found


def test_the_sandbox_tells_its_page_and_that_it_is_for_this_machine_only(tmp_path: Path) -> None:
    with _running(tmp_path, "sandbox", "--port", "0") as process:
        address = _ADDRESS.search(_line_with(process, "Its page: http://"))
        assert address is not None
        assert "listens on loopback only" in _line_with(process, "It is for this machine only")
        assert "server for the open network" in _line_with(process, "Ctrl-C ends it")
        assert "<title>findme in a local workspace</title>" in httpx.get(address[0]).text
        commands = {each["name"]: each for each in _state(address[0])["commands"]}
        assert commands["/findme"]["description"] == "Shows the photos you are in"
        assert commands["/findme"]["usage"]
        _end(process)


@pytest.mark.parametrize("command", ["sandbox", "demo"])
def test_a_port_that_is_taken_is_told(tmp_path: Path, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        models = str(shared_folder() / "models")
        with _running(tmp_path, command, "--port", port, FINDME_MODELS_DIR=models) as process:
            said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"Port {port} is taken; choose another with `findme {command} --port`." in " ".join(
        said.split()
    )


@pytest.mark.slow
def test_a_demo_that_is_kept_shows_its_album_and_ends_at_ctrl_c(tmp_path: Path) -> None:
    models = str(shared_folder() / "models")
    with _running(tmp_path, "demo", "--keep", FINDME_MODELS_DIR=models) as process:
        address = _ADDRESS.search(_line_with(process, "Click through it: http://"))
        assert address is not None
        eileen = next(
            each for each in _state(address[0])["people"] if each["name"] == "Eileen Collins"
        )
        seen = _state(address[0], eileen["id"])
        (channel,) = (each for each in seen["channels"] if each["name"] == "offsite")
        assert sum(len(message["files"]) for message in seen["messages"]) > 30
        # The bot is still there to answer.
        asked = {"person": eileen["id"], "channel": channel["id"], "command": "/findme"}
        answer = httpx.post(
            f"{address[0]}/sandbox/commands", json=asked | {"wait_s": 20}, timeout=30
        ).json()
        assert "photos of you" in answer["answers"][0]["text"]
        assert "Traceback" not in _end(process)
