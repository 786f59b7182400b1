"""Engines by name: which there are, what each downloads, and which settings make sense for them."""

from pathlib import Path

import pytest

from pipeline.errors import EngineUnavailableError, SettingsError
from pipeline.settings import Settings, load
from pipeline.vision.engines import RECIPES, load_engine, recipe
from pipeline.vision.weights import RETAIL_BIN, RETAIL_XML, SFACE, YUNET, WeightStore


def complaint() -> str:
    with pytest.raises(SettingsError) as caught:
        load(Settings)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("retail", (YUNET, RETAIL_XML, RETAIL_BIN)),
        ("dlib", ()),
        ("sface", (YUNET, SFACE)),
        ("onnx", (YUNET,)),
        ("clip", (YUNET,)),
        ("retail+onnx", (YUNET, RETAIL_XML, RETAIL_BIN)),
        ("sface+retail", (YUNET, SFACE, RETAIL_XML, RETAIL_BIN)),
        ("dlib+sface", (SFACE,)),
    ],
)
def test_an_engine_names_each_file_that_it_downloads_once(name: str, files: object) -> None:
    assert recipe(name).weights == files


@pytest.mark.parametrize(
    "name", ["magic", "", "retail+", "retail+magic", "retail+retail", "Retail"]
)
def test_an_unknown_engine_is_answered_with_the_names_that_there_are(name: str) -> None:
    with pytest.raises(EngineUnavailableError) as caught:
        recipe(name)
    assert str(caught.value) == (
        f"There is no engine {name!r}; set FINDME_ENGINE to one of: clip, dlib, onnx, retail, "
        "sface, or to different ones joined, like retail+onnx."
    )


def test_every_file_comes_over_https_with_its_hash_size_and_licence() -> None:
    for file in {file for one in RECIPES.values() for file in one.weights}:
        assert file.url.startswith("https://")
        assert file.url.endswith(f"/{file.name}")
        assert len(bytes.fromhex(file.sha256)) == 32
        assert file.size_bytes
        assert file.licence in {"MIT", "Apache-2.0"}


def test_a_join_needs_a_weight_for_each_of_its_parts(tmp_path: Path) -> None:
    settings = load(Settings, findme_engine="retail+sface", findme_join_weights=(1.0, 2.0, 3.0))
    with pytest.raises(SettingsError, match=r"JOIN_WEIGHTS is wrong: retail\+sface needs 2"):
        load_engine(settings, WeightStore(tmp_path))


def test_numbers_are_read_from_lists_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINDME_JOIN_WEIGHTS", "2, 1")
    monkeypatch.setenv("FINDME_ONNX_MEAN", "123.675, 116.28,103.53")
    monkeypatch.setenv("FINDME_ONNX_TEMPLATE", ".3,.46,.7,.46,.5,.64,.35,.82,.65,.82")
    settings = load(Settings)
    assert settings.findme_join_weights == (2.0, 1.0)
    assert settings.findme_onnx_mean == (123.675, 116.28, 103.53)
    assert settings.findme_onnx_template == (
        0.3,
        0.46,
        0.7,
        0.46,
        0.5,
        0.64,
        0.35,
        0.82,
        0.65,
        0.82,
    )


def test_what_is_not_set_is_arcface_and_equal_weights() -> None:
    settings = load(Settings)
    assert settings.findme_join_weights is None
    assert settings.findme_onnx_template == "arcface"
    assert settings.findme_onnx_mean == settings.findme_onnx_std == (127.5, 127.5, 127.5)


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("FINDME_JOIN_WEIGHTS", "2,0", "greater than 0"),
        ("FINDME_JOIN_WEIGHTS", "2,x", "a valid number"),
        ("FINDME_ONNX_SIZE", "0", "greater than or equal to 16"),
        ("FINDME_ONNX_COLOUR", "grey", "'rgb' or 'bgr'"),
        ("FINDME_ONNX_MEAN", "127.5", "a valid tuple"),
        ("FINDME_ONNX_MEAN", "1,2", "at least 3 items"),
        ("FINDME_ONNX_STD", "0.229,0.224,0.225", "what is meant for 0 to 1, times 255"),
        ("FINDME_ONNX_STD", "0,0,0", "three numbers of 1 or more"),
        ("FINDME_ONNX_TEMPLATE", "dlib", "arcface, or five x,y"),
        ("FINDME_ONNX_TEMPLATE", "0.3,0.4", "arcface, or five x,y"),
        ("FINDME_ONNX_TEMPLATE", "38,51,73,51,56,71,41,92,70,92", "as fractions of the crop"),
        ("FINDME_ONNX_MAYBE", "1.5", "less than 1"),
        ("FINDME_ONNX_SURE", "0.3", "not below FINDME_ONNX_MAYBE"),
    ],
)
def test_a_wrong_setting_of_an_engine_says_its_name_and_what_to_write(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, advice: str
) -> None:
    monkeypatch.setenv(name, value)
    lines = complaint().splitlines()
    assert all(line.startswith(f"{name} is wrong: ") for line in lines)
    assert advice in lines[0]


def test_sure_has_to_be_set_with_a_maybe_above_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINDME_ONNX_MAYBE", "0.6")
    assert complaint().startswith("FINDME_ONNX_SURE is wrong: ")
    monkeypatch.setenv("FINDME_ONNX_SURE", "0.7")
    assert load(Settings).findme_onnx_sure == 0.7
