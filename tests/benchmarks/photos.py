"""JPEGs as cameras write them, with as many real faces as are asked for."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image as PilImage
from PIL import ImageFilter

from pipeline.evaluation.pictures import open_pictures

SIZES_PX = {1: (1152, 864), 4: (2304, 1728), 12: (4032, 3024)}
"""Width and height by megapixels."""
FACES = (0, 1, 5, 30)

_QUALITY = 88
_COLUMNS = {0: 1, 1: 3, 5: 5, 30: 6}
_OFF = 0.04


@cache
def portraits(folder: Path, count: int = 60) -> Sequence[PilImage.Image]:
    """Pictures of LFW's people, one face in the middle of each."""
    pictures = open_pictures(folder)
    step = max(1, len(pictures.paths) // count)
    some = type(pictures)(source=pictures.source, paths=pictures.paths[::step][:count])
    return [PilImage.open(io.BytesIO(one.data)).convert("RGB") for one in some]


def photo(folder: Path, *, megapixels: int, faces: int, seed: int) -> bytes:
    """A party with so many people, in rows, before a wall that isn't smooth."""
    random = np.random.default_rng(seed)
    width, height = SIZES_PX[megapixels]
    scene = _wall(width, height, random)
    columns = _COLUMNS[faces]
    rows = -(-faces // columns)
    side = int(0.92 * min(width / columns, height / max(rows, 2)))
    people = portraits(folder)
    for number, who in enumerate(random.choice(len(people), size=faces, replace=False)):
        row, column = divmod(number, columns)
        x = int((column + 0.5) * width / columns - side / 2 + random.uniform(-_OFF, _OFF) * side)
        y = int((row + 0.5) * height / max(rows, 2) - side / 2)
        scene.paste(people[who].resize((side, side), PilImage.Resampling.BICUBIC), (x, y))
    out = io.BytesIO()
    scene.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def _wall(width: int, height: int, random: np.random.Generator) -> PilImage.Image:
    """Light and shade, and grain as of a sensor."""
    coarse = random.integers(60, 200, (12, 16, 3), dtype=np.uint8)
    light = PilImage.fromarray(coarse).resize((width, height), PilImage.Resampling.BICUBIC)
    grain = random.normal(0.0, 6.0, (height, width, 1)).astype(np.float32)
    grained = np.clip(np.asarray(light, np.float32) + grain, 0, 255).astype(np.uint8)
    return PilImage.fromarray(grained).filter(ImageFilter.GaussianBlur(0.7))
