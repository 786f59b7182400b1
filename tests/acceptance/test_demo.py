"""`findme demo` keeps its promise: everybody's photos are found, in both engines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot.demo.album import AlbumPhoto
from bot.demo.portraits import portrait

pytestmark = pytest.mark.slow

FINDME = Path(sys.executable).parent / "findme"
KEYS = {
    "engine",
    "photos",
    "faces",
    "unreadable",
    "people",
    "seconds",
    "steps",
    "stages_ms",
}
PERSON_KEYS = {
    "name",
    "asked_by",
    "expected",
    "found",
    "precision",
    "sure_precision",
    "recall",
    "reply_ms",
}


def _demo(
    folder: Path, models: Path, *arguments: str, timeout_s: float = 280, **settings: str
) -> dict[str, Any]:
    here, home = folder / "here", folder / "home"
    here.mkdir()
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "FINDME_MODELS_DIR": str(models)}
    ended = subprocess.run(
        [FINDME, "demo", "--json", *arguments],
        env=env | settings,
        cwd=here,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    result: dict[str, Any] = json.loads(ended.stdout)
    return result


def test_the_demo_finds_everybody_and_tells_what_it_promises(
    tmp_path: Path, models: Path, album: Mapping[str, AlbumPhoto]
) -> None:
    shown = _demo(tmp_path, models)
    assert set(shown) == KEYS
    assert shown["engine"] == "retail"
    assert (shown["photos"], shown["unreadable"]) == (len(album), 2)
    assert {person["name"] for person in shown["people"]} >= {"Eileen Collins", "Grace Hopper"}
    for person in shown["people"]:
        assert set(person) == PERSON_KEYS
        assert person["sure_precision"] == 1.0, person
        assert person["recall"] >= 0.95, person
    with Image.open(tmp_path / "here" / "findme-demo.png") as sheet:
        assert min(sheet.size) > 200
    assert len(list((tmp_path / "here").iterdir())) == 1


def test_the_demo_finds_somebody_in_their_own_pictures(
    tmp_path: Path, models: Path, album: Mapping[str, AlbumPhoto]
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    names = ("scan0003.jpg", "selfie.jpg", "lunch (2).jpg", "WhatsApp image.jpg", "IMG_2079.jpg")
    for name in names:
        (photos / name).write_bytes(album[name].data)
    (tmp_path / "me.jpg").write_bytes(portrait("grace"))
    shown = _demo(tmp_path, models, "--photos", str(photos), "--me", str(tmp_path / "me.jpg"))
    (you,) = shown["people"]
    assert (you["name"], you["expected"], you["recall"]) == ("You", None, None)
    assert you["found"] == sum("grace" in album[name].who for name in names)
    assert shown["photos"] == len(names)


def test_the_demo_needs_photos_and_a_selfie_together(tmp_path: Path) -> None:
    ended = subprocess.run(
        [FINDME, "demo", "--photos", tmp_path],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 2
    assert "go together" in ended.stderr


def test_the_demo_says_so_where_there_is_no_picture(tmp_path: Path, models: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "me.jpg").write_bytes(portrait("grace"))
    ended = subprocess.run(
        [FINDME, "demo", "--photos", "photos", "--me", "me.jpg"],
        env={"PATH": os.environ["PATH"], "FINDME_MODELS_DIR": str(models)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 1
    assert "There is no picture in photos." in ended.stderr


@pytest.mark.timeout(960)
@pytest.mark.skipif(find_spec("dlib") is None, reason="needs the extra `dlib`")
def test_the_demo_finds_nearly_everybody_with_the_engine_that_needs_no_download(
    tmp_path: Path,
) -> None:
    shown = _demo(tmp_path, tmp_path, timeout_s=900, FINDME_ENGINE="dlib")
    assert shown["engine"] == "dlib"
    for person in shown["people"]:
        assert person["sure_precision"] == 1.0, person
        assert person["recall"] >= 0.85, person
