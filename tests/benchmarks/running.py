"""`findme bot` as a process of its own, for the parts that measure it from outside."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.sandbox import Sandbox
from tests.shared import shared_folder

FINDME = Path(sys.executable).parent / "findme"
RUNNING = "Findme is running"
START_S = 60.0
END_S = 20.0


class NotHereError(Exception):
    """What is measured needs something that this machine lacks; the argument says what."""


def shared() -> Path:
    """The folder of weights and events. Raises NotHereError."""
    try:
        return shared_folder()
    except pytest.skip.Exception as skipped:
        raise NotHereError(str(skipped)) from skipped


@contextmanager
def folder_for_a_server() -> Iterator[Path]:
    """A new folder that PostgreSQL's own user can reach, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="findme-bench-", ignore_cleanup_errors=True) as made:
        yield Path(made)


def settings(slack: Sandbox, folder: Path, **more: str) -> dict[str, str]:
    """The environment of a bot for that workspace; `more` are further settings."""
    # PYTHONPATH: of whoever measures another checkout than the one that is installed.
    passed_on = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return passed_on | {
        "HOME": str(folder),
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_URL": slack.api_url,
        "FINDME_MODELS_DIR": str(shared() / "models"),
        "FINDME_DATA_DIR": str(folder / "data"),
        **more,
    }


class BotProcess:
    """A bot that was started; what it writes is kept."""

    def __init__(
        self,
        env: Mapping[str, str],
        folder: Path,
        *,
        command: Sequence[str | Path] = (FINDME, "bot"),
    ) -> None:
        """Start it; it isn't ready yet."""
        self.lines: list[str] = []
        self._ready = threading.Event()
        self.process = subprocess.Popen(
            command, env=dict(env), cwd=folder, stderr=subprocess.PIPE, text=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)
            if RUNNING in line:
                self._ready.set()
        self._ready.set()

    def wait_until_ready(self) -> None:
        """Wait for the line that says so. Raises RuntimeError with what it said instead."""
        if not self._ready.wait(START_S) or self.process.poll() is not None:
            self.end()
            raise RuntimeError("the bot did not start: " + "".join(self.lines[-20:]))

    def end(self) -> None:
        """As an operator does it, or else as the kernel does."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
