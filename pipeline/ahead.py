"""What takes long at a start and waits for nothing: begun while the rest is still being imported.

Loading networks and starting a PostgreSQL leave the interpreter alone, importing keeps one core
busy. Nothing heavy is imported here before a thread needs it.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from pipeline.ports import FaceReader
    from pipeline.settings import Settings
    from pipeline.storage.embedded import EmbeddedServer

Made = TypeVar("Made")


class Ahead:
    """A start's own threads. Whoever takes a part waits for it, and gets the error it ended in."""

    def __init__(self, settings: Settings) -> None:
        """Begin: the engine of the settings, the embedded server, if there is one, migrations."""
        self._settings = settings
        self._is_server_taken = False
        self._reader = _begun(self._load_reader, "engine ahead")
        self._server = _begun(self._start_server, "server ahead")
        self._migrated = _begun(self._migrate, "migrations ahead")

    def reader(self) -> FaceReader:
        """The engine. Raises EngineUnavailableError and the like, as `load_engine` does."""
        return self._reader.result()

    def server(self) -> EmbeddedServer | None:
        """The embedded server, to be closed by the caller. Raises DatabaseUnavailableError."""
        server = self._server.result()
        self._is_server_taken = True
        return server

    def wait_until_migrated(self) -> None:
        """Raises: DatabaseUnavailableError, DatabaseTooOldError."""
        self._migrated.result()

    def close(self) -> None:
        """Whoever was to take it isn't there: a wrong token, say."""
        if self._is_server_taken or self._server.exception() is not None:
            return
        server = self._server.result()
        if server is not None:
            self._migrated.exception()
            server.close()

    def _load_reader(self) -> FaceReader:
        from pipeline.vision.engines import load_engine  # noqa: PLC0415
        from pipeline.vision.weights import WeightStore  # noqa: PLC0415

        return load_engine(self._settings, WeightStore(self._settings.findme_models_dir))

    def _start_server(self) -> EmbeddedServer | None:
        if self._settings.database_url is not None:
            return None
        from pipeline.storage.embedded import EmbeddedServer  # noqa: PLC0415

        return EmbeddedServer(self._settings.findme_data_dir / "postgresql")

    def _migrate(self) -> None:
        from pipeline.storage.migrate import migrate  # noqa: PLC0415

        server = self._server.result()
        if server is not None:
            migrate(server.conninfo)
        elif self._settings.database_url is not None:
            migrate(self._settings.database_url.get_secret_value())


def _begun(make: Callable[[], Made], name: str) -> Future[Made]:
    """A thread's result. The thread ends with the program: it may be downloading weights."""
    future: Future[Made] = Future()

    def run() -> None:
        try:
            future.set_result(make())
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is taken
            future.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage collection while a program is loaded; what is there by its end is kept for good.

    Imports leave half a million objects that stay: looking through them again and again takes a
    quarter of all importing, and later holds up whoever waits for an answer.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
