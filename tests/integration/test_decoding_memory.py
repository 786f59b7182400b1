"""A worker of two threads stays below 600 MB, whatever it is given to read.

The worker is a program of its own here, with the engine loaded; its memory is that of its process
and of its decoders, each page counted once (PSS), looked at every few milliseconds.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image as PilImage

from tests.made_pictures import png

MAX_BYTES = 600_000_000

WORKER = """
import json, sys, threading
from pathlib import Path
import pipeline.wiring
from pipeline.errors import UnreadablePhotoError
from pipeline.settings import Settings, load
from pipeline.vision.engines import load_engine
from pipeline.vision.weights import WeightStore

engine = load_engine(load(Settings, findme_engine="retail"), WeightStore(Path(sys.argv[1])))
said = {}

def read(paths):
    for path in paths:
        try:
            photo = engine.read(Path(path).read_bytes())
        except UnreadablePhotoError as error:
            said[path] = str(error)
        else:
            said[path] = [photo.width_px, photo.height_px]

paths = sys.argv[2:]
threads = [threading.Thread(target=read, args=(order,)) for order in (paths, paths[::-1])]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps(said))
"""


def gradient(width_px: int, height_px: int) -> PilImage.Image:
    """Nothing flat, and quickly made and packed."""
    row = np.arange(width_px, dtype=np.uint32)[None] * 255 // width_px
    column = np.arange(height_px, dtype=np.uint32)[:, None] * 255 // height_px
    pixels = np.empty((height_px, width_px, 3), np.uint8)
    pixels[:, :, 0], pixels[:, :, 1], pixels[:, :, 2] = row, column, 128
    return PilImage.fromarray(pixels)


def deep_png(path: Path) -> None:
    pixels = np.asarray(gradient(7360, 4912)).astype(np.uint16) * 257
    path.write_bytes(png(pixels, colour_type=2))


def in_format(
    width_px: int, height_px: int, mode: str, **options: object
) -> Callable[[Path], None]:
    return lambda path: gradient(width_px, height_px).convert(mode).save(path, None, **options)


READABLE = {
    "12mp.jpg": ((4032, 3024), in_format(4032, 3024, "RGB")),
    "50mp.png": ((8160, 6120), in_format(8160, 6120, "RGB", compress_level=1)),
    "50mp-alpha.png": ((8160, 6120), in_format(8160, 6120, "RGBA", compress_level=1)),
    "36mp-16bit.png": ((7360, 4912), deep_png),
    "200mp.jpg": ((16_320, 12_240), in_format(16_320, 12_240, "RGB")),
    "60mp-progressive.jpg": ((9000, 6700), in_format(9000, 6700, "RGB", progressive=True)),
    "48mp.heic": ((8064, 6048), in_format(8064, 6048, "RGB", enc_params={"preset": "ultrafast"})),
    "16mp.webp": ((4608, 3456), in_format(4608, 3456, "RGB", lossless=True, method=0, quality=0)),
    "40mp.tiff": ((7300, 5480), in_format(7300, 5480, "RGB", compression="tiff_lzw")),
}
UNREADABLE = {
    "108mp-alpha.png": in_format(12_000, 9000, "RGBA", compress_level=1),
    "108mp-progressive.jpg": in_format(12_000, 9000, "CMYK", progressive=True, quality=30),
    "24mp.webp": in_format(6000, 4000, "RGB", method=0, quality=10),
}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted as Linux tells it")
def test_a_worker_of_two_threads_stays_below_600_mb_with_the_nastiest_files(
    models: Path, tmp_path: Path
) -> None:
    paths = {name: tmp_path / name for name in (*READABLE, *UNREADABLE)}
    for name, (_, make) in READABLE.items():
        make(paths[name])
    for name, make in UNREADABLE.items():
        make(paths[name])

    with subprocess.Popen(
        [sys.executable, "-c", WORKER, str(models), *map(str, paths.values())],
        stdout=subprocess.PIPE,
    ) as worker:
        assert worker.stdout is not None
        peak_bytes = peak(psutil.Process(worker.pid))
        *_, last = worker.stdout.read().splitlines()  # before it, what it logs
    said = {Path(path).name: what for path, what in json.loads(last).items()}

    assert {name: said[name] for name in READABLE} == {
        name: list(size) for name, (size, _) in READABLE.items()
    }
    assert all("the picture is too large: to read" in said[name] for name in UNREADABLE)
    assert peak_bytes < MAX_BYTES


def peak(worker: psutil.Process) -> int:
    """The most memory it and its children had, in bytes, until it ended."""
    most = 0
    while worker.status() != psutil.STATUS_ZOMBIE:
        now = 0
        for process in (worker, *worker.children(recursive=True)):
            try:
                now += process.memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        most = max(most, now)
        time.sleep(0.005)
    return most
