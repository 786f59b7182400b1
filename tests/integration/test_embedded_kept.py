"""The embedded server has no service manager: whoever uses it starts it again."""

import os
import signal
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from pipeline.storage import embedded
from pipeline.storage.embedded import EmbeddedServer


def test_an_embedded_server_that_was_killed_is_there_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(embedded, "KEEP_EVERY_S", 0.2)
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedServer(Path(folder) / "data")
        conninfo = server.conninfo
        try:
            with psycopg.connect(conninfo, autocommit=True) as connection:
                connection.execute("create table kept (word text)")
            server.keep()
            os.kill(
                int((Path(folder) / "data/postmaster.pid").read_text().split()[0]), signal.SIGKILL
            )
            end = time.monotonic() + 30
            while True:
                try:
                    with psycopg.connect(conninfo) as connection:
                        connection.execute("select from kept")
                    break
                except psycopg.OperationalError:
                    assert time.monotonic() < end, "it does not come back"
                    time.sleep(0.1)
        finally:
            server.close()
        assert not (Path(folder) / "data/postmaster.pid").exists()
