"""A decoded picture, strip by strip: as colours on white, scaled, in sRGB.

A whole picture of 50 megapixels takes 200 MB in Pillow; each step that made another of it (alpha
on white, a resize's half-way picture, numpy's copy) would take as much again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pillow_heif
from PIL import Image as PilImage

from pipeline.domain.arrays import Image
from pipeline.vision.colour import to_srgb

_STRIP_PX = 1_000_000
_DEEP = {"I", "F"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A decoded picture as it is stored, before it is turned upright.

    `strip` gives the rows from one number up to another, in the mode RGB, or in the one that `srgb`
    takes.
    """

    size: tuple[int, int]
    full_size: tuple[int, int]
    strip: Callable[[int, int], PilImage.Image]
    srgb: Callable[[PilImage.Image], PilImage.Image]


def pillow_rows(picture: PilImage.Image, full_size: tuple[int, int]) -> Rows:
    """The rows of a loaded picture that was `full_size` before the decoder scaled it."""
    profile = picture.info.get("icc_profile")
    srgb, keeps_mode = to_srgb(profile, picture.mode)
    top = _top(picture)

    def strip(first: int, last: int) -> PilImage.Image:
        rows = picture.crop((0, first, picture.width, last))
        return rows if keeps_mode else on_white(rows, top)

    return Rows(size=picture.size, full_size=full_size, strip=strip, srgb=srgb)


def heif_rows(picture: pillow_heif.HeifImage) -> Rows:
    """Decodes it; the rows are read from where libheif put them."""
    pixels = np.frombuffer(picture.data, np.uint8)
    mode, stride, (width, height) = picture.mode, picture.stride, picture.size
    profile = picture.info.get("icc_profile")
    srgb, _ = to_srgb(profile if isinstance(profile, bytes) else None, "RGB")

    def strip(first: int, last: int) -> PilImage.Image:
        rows = pixels[first * stride : last * stride]
        size = (width, last - first)
        return on_white(PilImage.frombuffer(mode, size, rows, "raw", mode, stride, 1))

    return Rows(size=(width, height), full_size=(width, height), strip=strip, srgb=srgb)


def scaled_into(target: Image, rows: Rows) -> None:
    """Write the picture into `target` at its scale; a pixel is the mean of those it covers."""
    height, width = target.shape[:2]
    scale = rows.size[1] / height
    for top, bottom in _strips(width, height, rows.size):
        first, last = top * scale, bottom * scale
        upper, lower = int(first), min(rows.size[1], -int(-last // 1))
        strip = rows.strip(upper, lower)
        if (width, height) != rows.size:
            strip = strip.resize(
                (width, bottom - top),
                PilImage.Resampling.BOX,
                box=(0, first - upper, rows.size[0], min(last, lower) - upper),
            )
        bgr = rows.srgb(strip).tobytes("raw", "BGR")
        target[top:bottom] = np.frombuffer(bgr, np.uint8).reshape(bottom - top, width, 3)


def on_white(picture: PilImage.Image, top: float = 65535.0) -> PilImage.Image:
    """Any mode as RGB; transparency becomes white, more than 8 bits (0 to `top`) become 8."""
    if picture.mode == "RGB" and "transparency" not in picture.info:
        return picture
    if picture.mode.startswith("I;16") or picture.mode in _DEEP:
        values = np.asarray(picture, dtype=np.float32) * (255.0 / top)
        return PilImage.fromarray(np.clip(values, 0, 255).astype(np.uint8)).convert("RGB")
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        white = PilImage.new("RGBA", rgba.size, "white")
        return PilImage.alpha_composite(white, rgba).convert("RGB")
    return picture.convert("RGB")


def _top(picture: PilImage.Image) -> float:
    """16-bit greys fill their range; 32-bit ones are stretched to what they hold."""
    if picture.mode not in _DEEP:
        return 65535.0
    largest = picture.getextrema()[1]
    return max(float(largest), 1.0) if isinstance(largest, int | float) else 1.0


def _strips(width: int, height: int, source: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """From which row of the target to which, so that neither side has many pixels."""
    at_once = max(1, _STRIP_PX * height // max(source[0] * source[1], width * height, 1))
    for top in range(0, height, at_once):
        yield top, min(top + at_once, height)
