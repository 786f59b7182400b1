"""Which engine each workspace's index is of, loaded when it is first asked for."""

import threading
from collections.abc import Callable

import structlog

from pipeline.domain.model import EngineId, TeamId
from pipeline.errors import EngineMismatchError, EngineUnavailableError, SettingsError
from pipeline.ports import FaceReader
from pipeline.vision.engines import JOIN, RECIPES

log = structlog.get_logger(__name__)


class TeamEngines:
    """Implements ports.Engines: follows a change of engine while the program runs."""

    def __init__(
        self,
        *,
        engine_of: Callable[[TeamId], EngineId | None],
        own: Callable[[], FaceReader],
        load: Callable[[str], FaceReader],
    ) -> None:
        """`own` is the engine of the settings, `load` makes another one, by name."""
        self._engine_of = engine_of
        self._own = own
        self._load = load
        self._loaded: dict[EngineId, FaceReader] = {}
        self._lock = threading.Lock()

    def of(self, team_id: TeamId) -> FaceReader:
        """The engine of the workspace's index; a new workspace gets that of the settings.

        Raises: EngineMismatchError where it can't be made from this program's settings.
        """
        wanted = self._engine_of(team_id)
        own = self._own()
        if wanted is None or wanted == own.engine_id:
            return own
        with self._lock:
            if wanted not in self._loaded:
                self._loaded[wanted] = self._made(wanted)
            return self._loaded[wanted]

    def _made(self, wanted: EngineId) -> FaceReader:
        try:
            reader = self._load(name_of(wanted))
        except (EngineUnavailableError, SettingsError) as error:
            raise EngineMismatchError(
                f"The index is of engine {wanted!r} now, and that can't be loaded here: {error}"
            ) from error
        if reader.engine_id != wanted:
            raise EngineMismatchError(
                f"The index is of engine {wanted!r} now, but the settings here make "
                f"{reader.engine_id!r}; start Findme with the settings and the model of {wanted!r}."
            )
        log.info("engine.loaded", engine=wanted)
        return reader


def name_of(engine_id: EngineId) -> str:
    """As FINDME_ENGINE is written: `retail+onnx` for `retail+onnx-1f3a`."""
    parts = (part.split("@")[0] for part in engine_id.split(JOIN))
    return JOIN.join(part if part in RECIPES else part.split("-")[0] for part in parts)
