"""A program that runs on follows its index to another engine, or says why it can't."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.domain.model import EngineId, TeamId
from pipeline.errors import EngineMismatchError
from pipeline.ports import FaceReader
from pipeline.vision.engines import load_engine
from pipeline.vision.team_engines import TeamEngines, name_of
from pipeline.vision.weights import WeightStore
from tests.integration.parties import settings_for

TEAM, OTHER = TeamId("T1"), TeamId("T2")
JOINED = EngineId("retail+onnx-9c0dab71")


class Program:
    """Two workspaces' engines, and what was loaded for them."""

    def __init__(self, own: FaceReader, models: Path, **settings: object) -> None:
        self.present: dict[TeamId, EngineId] = {}
        self.loaded: list[str] = []
        self._models = models
        self._settings = settings_for(**settings)
        self.engines = TeamEngines(engine_of=self.present.get, own=lambda: own, load=self._load)

    def _load(self, name: str) -> FaceReader:
        self.loaded.append(name)
        settings = self._settings.model_copy(update={"findme_engine": name})
        return load_engine(settings, WeightStore(self._models))


@pytest.fixture
def program(engine: FaceReader, models: Path) -> Program:
    """Its settings name `retail`, and describe `onnx` too."""
    return Program(engine, models)


@pytest.mark.parametrize(
    ("engine_id", "name"),
    [
        ("retail", "retail"),
        ("dlib", "dlib"),
        ("sface", "sface"),
        ("onnx-9c0dab71", "onnx"),
        ("clip-patch32-v1", "clip"),
        ("clip-1f3a5c7e", "clip"),
        ("retail+onnx-9c0dab71", "retail+onnx"),
        ("onnx-9c0dab71+retail", "onnx+retail"),
        ("retail@0.500+onnx-9c0dab71@0.500", "retail+onnx"),
        ("retail@0.667+onnx-9c0dab71@0.333", "retail+onnx"),
        ("retail+clip-patch32-v1+dlib", "retail+clip+dlib"),
    ],
)
def test_an_engine_is_named_as_its_setting_is_written(engine_id: str, name: str) -> None:
    assert name_of(EngineId(engine_id)) == name


@pytest.mark.parametrize("join_weights", [None, (2, 1)])
def test_the_ids_that_engines_make_lead_back_to_their_names(
    models: Path, join_weights: tuple[float, ...] | None
) -> None:
    settings = settings_for(findme_engine="retail+onnx", findme_join_weights=join_weights)

    made = load_engine(settings, WeightStore(models)).engine_id

    assert name_of(made) == "retail+onnx"
    assert made == ("retail@0.667+onnx-9c0dab71@0.333" if join_weights else JOINED)


def test_its_own_engine_and_that_of_a_new_workspace_are_not_loaded_again(
    program: Program, engine: FaceReader
) -> None:
    program.present[TEAM] = EngineId("retail")

    assert [program.engines.of(team_id) for team_id in (TEAM, OTHER)] == [engine, engine]
    assert program.loaded == []


def test_each_workspace_has_the_engine_of_its_index(program: Program, engine: FaceReader) -> None:
    program.present |= {TEAM: JOINED, OTHER: EngineId("retail")}

    assert program.engines.of(TEAM).engine_id == JOINED
    assert program.engines.of(OTHER) is engine


def test_threads_that_ask_at_once_load_it_once(program: Program) -> None:
    program.present[TEAM] = JOINED
    together = threading.Barrier(4)

    def ask(_: int) -> FaceReader:
        together.wait(20)
        return program.engines.of(TEAM)

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(ask, range(4)))

    assert program.loaded == ["retail+onnx"]
    assert all(one is found[0] for one in found)


def test_a_change_back_is_followed_too(program: Program, engine: FaceReader) -> None:
    program.present[TEAM] = JOINED
    joined = program.engines.of(TEAM)
    program.present[TEAM] = EngineId("retail")
    back = program.engines.of(TEAM)
    program.present[TEAM] = JOINED

    assert back is engine
    assert program.engines.of(TEAM) is joined
    assert program.loaded == ["retail+onnx"]


def test_an_engine_whose_settings_are_missing_is_told_with_the_setting(
    engine: FaceReader, models: Path
) -> None:
    program = Program(engine, models, findme_onnx_model=None)
    program.present[TEAM] = EngineId("onnx-9c0dab71")

    with pytest.raises(EngineMismatchError) as told:
        program.engines.of(TEAM)

    assert str(told.value) == (
        "The index is of engine 'onnx-9c0dab71' now, and that can't be loaded here: "
        "FINDME_ONNX_MODEL is missing: write the path of the network's ONNX file."
    )


def test_an_engine_that_other_settings_make_is_told_with_both_ids(
    engine: FaceReader, models: Path
) -> None:
    program = Program(engine, models, findme_onnx_mean="127.5,127.5,127.5")
    program.present[TEAM] = EngineId("onnx-9c0dab71")

    with pytest.raises(EngineMismatchError) as told:
        program.engines.of(TEAM)

    text = str(told.value)
    assert text.startswith(
        "The index is of engine 'onnx-9c0dab71' now, but the settings here make 'onnx-"
    )
    assert text.endswith("start Findme with the settings and the model of 'onnx-9c0dab71'.")


def test_an_engine_that_this_version_does_not_know_is_told_in_a_sentence(program: Program) -> None:
    program.present[TEAM] = EngineId("magic-1f3a5c7e")

    with pytest.raises(EngineMismatchError, match=r"There is no engine 'magic'; set FINDME_ENGINE"):
        program.engines.of(TEAM)


def test_an_engine_that_could_not_be_loaded_is_tried_again(
    engine: FaceReader, models: Path, tmp_path: Path
) -> None:
    network = tmp_path / "network.onnx"
    program = Program(engine, models, findme_onnx_model=network)
    program.present[TEAM] = JOINED
    with pytest.raises(EngineMismatchError, match="there is no file"):
        program.engines.of(TEAM)

    shutil.copyfile(models / "mobilefacenet.onnx", network)

    assert program.engines.of(TEAM).engine_id == JOINED
