"""`findme calibrate`: the engine's thresholds, what an index makes of them, and a plot."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from PIL import Image as PilImage

from pipeline.cli import FindmeGroup
from pipeline.evaluation.cli import calibrate
from pipeline.wiring import Runtime
from tests.conftest import as_url
from tests.integration.conftest import index_now
from tests.shared import shared_folder

pytestmark = pytest.mark.slow


@pytest.fixture
def family(runtime: Runtime) -> Runtime:
    """An index of real photos, several of them with several people."""
    index_now(runtime, shared_folder() / "data/events/family/photos")
    return runtime


def run(runtime: Runtime, monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> Result:
    monkeypatch.setenv("DATABASE_URL", as_url(runtime.conninfo))
    monkeypatch.setenv("FINDME_MODELS_DIR", str(runtime.settings.findme_models_dir))
    group = FindmeGroup(commands=[calibrate])
    return CliRunner().invoke(group, ["calibrate", *map(str, arguments)])


def figures(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    done = run(runtime, monkeypatch, "--json")
    assert done.exit_code == 0, done.output
    read: list[dict[str, Any]] = json.loads(done.stdout)
    return read


def test_it_tells_the_engines_thresholds_and_those_of_the_index(
    family: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    (told,) = figures(family, monkeypatch)

    assert (told["workspace"], told["engine"], told["faces"]) == ("local", "retail", 28)
    assert told["own"] == {"sure": 0.45, "maybe": 0.29}
    assert told["together_here"]["pairs"] == 14
    assert told["now"]["sure"] >= told["now_own"]["sure"] >= 0.45
    assert told["now"]["maybe"] >= told["now_own"]["maybe"] >= 0.29


def test_what_is_printed_is_what_searches_are_judged_by(
    family: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    (told,) = figures(family, monkeypatch)

    curve = family.curves(told["workspace"], family.reader)

    assert told["learned"] == {"sure": round(curve.sure, 4), "maybe": round(curve.maybe, 4)}


def test_for_people_it_is_a_table_and_a_sentence(
    family: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run(family, monkeypatch)

    assert done.exit_code == 0
    assert "engine, small index" in done.stdout
    assert "A search may bring 0.05 wrong sure and 0.9 wrong maybe" in done.stdout


def test_the_plot_is_a_picture(
    family: Runtime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    done = run(family, monkeypatch, "--plot", tmp_path / "plot.png")

    assert done.exit_code == 0
    with PilImage.open(tmp_path / "plot.png") as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 500
        assert len(picture.convert("L").resize((50, 30)).getcolors(256) or []) > 10


def test_without_an_index_it_says_what_to_do(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run(runtime, monkeypatch)

    assert (done.exit_code, done.stdout) == (
        0,
        "There is no index yet: run `findme index DIR` first.\n",
    )


def test_a_plot_that_can_not_be_saved_is_one_sentence(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run(runtime, monkeypatch, "--plot", "nowhere/plot.png")

    assert done.exit_code == 2
    assert done.stderr == "nowhere is no folder to save a plot in.\n"
