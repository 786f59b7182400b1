"""A file that is no picture ends *unreadable*, once, with its reason; every picture is indexed."""

from pathlib import Path

import numpy as np
import psycopg
import pytest

from pipeline.folder import LOCAL, channel_of
from pipeline.wiring import Runtime
from tests.integration.test_worker import work_off
from tests.made_pictures import KINDS, png
from tests.unit.test_decode_kinds import webp_bomb

NOISE = np.random.default_rng(3).integers(0, 255, (200, 300, 3), dtype=np.uint8)
UNREADABLE = {
    "empty.jpg": (b"", "the file is empty"),
    "page.jpg": (b"<!DOCTYPE html><p>Sign in", "the file is a web page, not a picture"),
    "notes.jpg": (b"bring cake", "the file is text, not a picture"),
    "half.png": (png(NOISE, colour_type=2)[:9000], "the picture is damaged or cut off"),
    "strip.png": (
        png(np.zeros((20_000, 1, 3), np.uint8), colour_type=2),
        "the picture is a strip of 1×20000 px",
    ),
    "bomb.webp": (
        webp_bomb(20_000, 15_000),
        "the picture is too large: 20000×15000 px, 250 megapixels at most",
    ),
}


def test_every_upload_is_indexed_or_says_why_not_at_the_first_attempt(
    runtime: Runtime, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "party"
    folder.mkdir()
    for name, (data, _) in UNREADABLE.items():
        (folder / name).write_bytes(data)
    # Nothing in the name tells what it is.
    for kind, make in KINDS.items():
        (folder / f"{kind.replace(' ', '-')}.jpg").write_bytes(make())
    runtime.claim_engine(LOCAL)
    runtime.workspaces.watch(LOCAL, channel_of(folder), "party")
    runtime.list_channel(LOCAL, channel_of(folder))

    work_off(runtime)

    with psycopg.connect(runtime.conninfo) as connection:
        rows = connection.execute("select file_id, state, reason from photos").fetchall()
        jobs = connection.execute("select 1 from procrastinate_jobs").fetchall()
    ended = {Path(file_id).name: (state, reason) for file_id, state, reason in rows}
    assert {name: ended.pop(name) for name in UNREADABLE} == {
        name: ("unreadable", reason) for name, (_, reason) in UNREADABLE.items()
    }
    assert set(ended.values()) == {("indexed", None)}
    assert len(ended) == len(KINDS)
    assert jobs == []
    assert "photo.failed" not in capsys.readouterr().out
