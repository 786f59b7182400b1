"""The demo's two people and the pictures it is made of.

Nothing is downloaded or shipped. Both portraits are works of the United States government, in the
public domain, and lie inside Python packages: Eileen Collins (NASA) in scikit-image, Grace Hopper
(US Navy) in matplotlib. The scenery lies inside scikit-image too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from io import BytesIO
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from pipeline.errors import FindmeError

Who: TypeAlias = Literal["eileen", "grace"]
SceneryName: TypeAlias = Literal[
    "brick",
    "chelsea",
    "coffee",
    "grass",
    "gravel",
    "hubble_deep_field",
    "moon",
    "rocket",
    "stereo_motorcycle",
]

PEOPLE: Final[Mapping[Who, str]] = {"eileen": "Eileen Collins", "grace": "Grace Hopper"}


class DemoNeedsExtraError(FindmeError):
    """The demo's pictures need scikit-image and matplotlib: .venv/bin/pip install -e '.[demo]'."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitter:
    """One person in her portrait; everything in px of the portrait.

    `face` is x, y, width, height as YuNet 2023mar boxes it, hair-line to chin; `outline` is the
    person's contour, clockwise, closed along the picture's lower edge.
    """

    face: tuple[int, int, int, int]
    outline: tuple[tuple[int, int], ...]


# Traced by hand over a GrabCut contour: GrabCut alone keeps bits of flag and curtain.
_EILEEN_OUTLINE: Final = """
    185,149 183,140 182,132 176,129 172,119 168,114 160,106 156,96 154,82 153,70 156,58 163,48
    175,41 186,38 192,31 200,25 212,20 225,17 236,16 250,18 262,24 276,31 286,41 294,55 298,70
    301,84 299,100 294,110 284,124 278,128 275,134 269,137 264,145 259,160 255,174 262,177 278,190
    290,203 299,220 304,235 320,243 338,260 346,278 352,286 356,300 357,320 361,333 363,345
    367,349 385,345 400,343 418,344 440,352 460,364 475,383 489,413 497,443 508,470 511,480
    511,512 39,512 37,502 26,483 23,460 24,432 19,418 19,391 25,376 26,342 34,315 39,306 40,294
    46,278 54,268 91,244 104,214 114,205 113,196 116,186 122,185 125,176 131,165 142,156 155,150
    172,149
"""
_GRACE_OUTLINE: Final = """
    148,184 147,150 150,122 160,100 175,87 176,80 180,68 190,56 205,45 217,41 222,34 235,27 252,23
    270,25 285,30 297,38 300,41 315,43 330,49 343,62 350,75 353,87 361,86 367,95 369,115 372,140
    370,165 369,182 375,188 376,198 372,215 366,240 362,258 358,270 355,285 348,298 338,308
    332,314 345,326 360,339 390,354 420,367 455,375 480,387 492,395 500,415 508,437 511,448
    511,600 12,600 20,540 25,480 28,440 33,420 38,405 45,390 55,380 75,370 100,362 130,356 165,343
    185,332 196,322 203,312 202,302 195,294 185,287 172,283 163,272 162,262 163,240 157,222
    153,200 154,190
"""


def _points(text: str) -> tuple[tuple[int, int], ...]:
    return tuple((int(x), int(y)) for x, y in (pair.split(",") for pair in text.split()))


SITTERS: Final[Mapping[Who, Sitter]] = {
    "eileen": Sitter(face=(178, 63, 90, 113), outline=_points(_EILEEN_OUTLINE)),
    "grace": Sitter(face=(183, 120, 170, 213), outline=_points(_GRACE_OUTLINE)),
}


@cache
def studio(who: Who) -> Image.Image:
    """The portrait as its package ships it, RGB; shared, not to be changed.

    Raises DemoNeedsExtraError.
    """
    if who == "eileen":
        return _from_scikit_image("astronaut")
    try:
        cbook = import_module("matplotlib.cbook")
        path = cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
        with Image.open(path) as image:
            return image.convert("RGB")
    except (ImportError, FileNotFoundError) as error:
        raise DemoNeedsExtraError from error


@cache
def scenery(name: SceneryName) -> Image.Image:
    """A picture without a face, RGB; shared, not to be changed. Raises DemoNeedsExtraError."""
    return _from_scikit_image(name)


def _from_scikit_image(name: str) -> Image.Image:
    try:
        # An extra, absent from most installations, so never imported at the top.
        loaded = getattr(import_module("skimage.data"), name)()
    except (ImportError, FileNotFoundError) as error:
        raise DemoNeedsExtraError from error
    # A stereo picture comes as left, right and disparity.
    pixels: NDArray[np.uint8] = loaded[0] if isinstance(loaded, tuple) else loaded
    return Image.fromarray(pixels).convert("RGB")


@cache
def cut_out(who: Who) -> Image.Image:
    """The person without her background, RGBA, soft at the edge; shared, not to be changed.

    Raises DemoNeedsExtraError.
    """
    picture = studio(who)
    width, height = picture.size
    finer = 4
    mask = Image.new("L", (width * finer, height * finer))
    corners = [(x * finer, y * finer) for x, y in SITTERS[who].outline]
    ImageDraw.Draw(mask).polygon(corners, fill=255)
    # Blurred, then narrowed: a plain blur lets the old background shine through.
    mask = mask.resize(picture.size, Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(1.6))
    mask = mask.point([max(0, min(255, round((level - 90) * 1.6))) for level in range(256)])
    person = picture.copy()
    person.putalpha(mask)
    return person


# Part of the portrait (left, upper, right, lower, px) and brightness of each profile picture.
_PROFILES: Final[Mapping[Who, tuple[tuple[int, int, int, int], float]]] = {
    "eileen": ((90, 0, 370, 280), 1.06),
    "grace": ((40, 4, 496, 460), 0.94),
}


def portrait(name: Who) -> bytes:
    """A profile picture: JPEG, 512 x 512 px, head and shoulders, one face. Not in the album.

    Raises DemoNeedsExtraError without the pictures, KeyError for anyone else.
    """
    part, brightness = _PROFILES[name]
    face = studio(name).resize((512, 512), Image.Resampling.LANCZOS, box=part)
    out = BytesIO()
    ImageEnhance.Brightness(face).enhance(brightness).save(out, "JPEG", quality=90)
    return out.getvalue()
