"""Files of every kind that people upload, made here: each shows the same four corners."""

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image as PilImage

from pipeline.domain.arrays import Image

WIDTH_PX, HEIGHT_PX = 96, 64
RED, GREEN, BLUE, WHITE = (220, 20, 20), (20, 200, 20), (20, 20, 220), (255, 255, 255)
CORNERS = (RED, GREEN, BLUE, WHITE)

# Red, green and blue as X Y Z (D50) of Display P3 and of Adobe RGB, as their profiles tell them.
DISPLAY_P3 = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
ADOBE_RGB = ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446))

# x and y of the first pixel, and steps, of the seven passes of Adam7 (PNG, 8.2).
_ADAM7 = (
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
    *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
)

pillow_heif.register_heif_opener(thumbnails=False)


def corners(width_px: int = WIDTH_PX, height_px: int = HEIGHT_PX) -> PilImage.Image:
    """Red and green above, blue and white below."""
    picture = PilImage.new("RGB", (width_px, height_px), WHITE)
    half = width_px // 2, height_px // 2
    picture.paste(RED, (0, 0, *half))
    picture.paste(GREEN, (half[0], 0, width_px, half[1]))
    picture.paste(BLUE, (0, half[1], half[0], height_px))
    return picture


def colours(image: Image) -> list[tuple[int, ...]]:
    """R G B in the middle of each quarter."""
    height, width = image.shape[:2]
    return [
        tuple(int(value) for value in image[height * y // 4, width * x // 4, ::-1])
        for y in (1, 3)
        for x in (1, 3)
    ]


def saved(picture: PilImage.Image, kind: str, **options: Any) -> bytes:
    """As Pillow writes it."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """With its length and checksum."""
    whole = kind + body
    return struct.pack(">I", len(body)) + whole + struct.pack(">I", zlib.crc32(whole))


def png(
    pixels: NDArray[Any], *, colour_type: int, extra: bytes = b"", is_interlaced: bool = False
) -> bytes:
    """What Pillow can't write: 16 bits a colour (uint16 pixels), interlaced. Pixels (H, W, C)."""
    height, width = pixels.shape[:2]
    bits = pixels.dtype.itemsize * 8
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, int(is_interlaced))
    passes = _ADAM7 if is_interlaced else ((0, 0, 1, 1),)
    raw = b"".join(
        b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes()
        for x, y, step_x, step_y in passes
        for row in pixels[y::step_y, x::step_x]
    )
    body = extra + png_chunk(b"IDAT", zlib.compress(raw)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + body


def rgb_profile(primaries: Sequence[Sequence[float]]) -> bytes:
    """An ICC profile of these primaries and a gamma of 2.2 (ICC.1:2001-04)."""
    curve = _curve(2.2)
    names = (b"rXYZ", b"gXYZ", b"bXYZ")
    tags = {name: _xyz(primary) for name, primary in zip(names, primaries, strict=True)}
    return _profile(b"RGB ", tags | {b"rTRC": curve, b"gTRC": curve, b"bTRC": curve})


def grey_profile(gamma: float) -> bytes:
    """An ICC profile of grey with a gamma of its own."""
    return _profile(b"GRAY", {b"kTRC": _curve(gamma)})


def heic_of(pictures: Sequence[PilImage.Image], *, primary: int) -> bytes:
    """Several pictures in one HEIC."""
    file = pillow_heif.from_pillow(pictures[0])
    for picture in pictures[1:]:
        file.add_from_pillow(picture)
    buffer = io.BytesIO()
    file.save(buffer, quality=95, primary_index=primary)
    return buffer.getvalue()


def black() -> PilImage.Image:
    """Of the same size, to follow as a second frame."""
    return PilImage.new("RGB", (WIDTH_PX, HEIGHT_PX), "black")


def _frames(kind: str, **options: Any) -> bytes:
    return saved(corners(), kind, save_all=True, append_images=[black()], **options)


def _deep() -> NDArray[np.uint16]:
    return np.asarray(corners()).astype(np.uint16) * 257


def _rgba() -> PilImage.Image:
    """The white corner is transparent, over black."""
    picture = corners().convert("RGBA")
    picture.paste((0, 0, 0, 0), (WIDTH_PX // 2, HEIGHT_PX // 2, WIDTH_PX, HEIGHT_PX))
    return picture


KINDS: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: saved(corners(), "JPEG", quality=95),
    "progressive jpeg": lambda: saved(corners(), "JPEG", quality=95, progressive=True),
    "cmyk jpeg": lambda: saved(corners().convert("CMYK"), "JPEG", quality=95),
    "jpeg in display p3": lambda: saved(
        corners(), "JPEG", quality=95, icc_profile=rgb_profile(DISPLAY_P3)
    ),
    "mpo": lambda: _frames("MPO", quality=95),
    "png": lambda: saved(corners(), "PNG"),
    "palette png": lambda: saved(corners().quantize(8), "PNG"),
    "16-bit png": lambda: png(_deep(), colour_type=2),
    "interlaced png": lambda: png(np.asarray(corners()), colour_type=2, is_interlaced=True),
    "transparent png": lambda: saved(_rgba(), "PNG"),
    "animated png": lambda: _frames("PNG"),
    "webp": lambda: saved(corners(), "WEBP", quality=95),
    "lossless webp": lambda: saved(corners(), "WEBP", lossless=True),
    "transparent webp": lambda: saved(_rgba(), "WEBP", lossless=True),
    "animated webp": lambda: _frames("WEBP", lossless=True),
    "gif": lambda: saved(corners(), "GIF"),
    "animated gif": lambda: _frames("GIF"),
    "bmp": lambda: saved(corners(), "BMP"),
    "tiff": lambda: saved(corners(), "TIFF"),
    "lzw tiff": lambda: saved(corners(), "TIFF", compression="tiff_lzw"),
    "jpeg in tiff": lambda: saved(corners(), "TIFF", compression="jpeg", quality=95),
    "deflate tiff": lambda: saved(corners(), "TIFF", compression="tiff_adobe_deflate"),
    "heic": lambda: saved(corners(), "HEIF", quality=95),
    "heic of several": lambda: heic_of([black(), corners(), black()], primary=1),
    "transparent heic": lambda: saved(_rgba(), "HEIF", quality=95),
}
"""How to make a file of each kind that shows `corners`."""


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def _curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    text = b"made for a test\0"
    tags = tags | {
        b"wtpt": _xyz((0.9642, 1.0, 0.8249)),
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78 + 4),
        b"cprt": b"text\0\0\0\0" + text,
    }
    start = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(
        ">I4sI4s4s4s12s4s",
        start + len(body),
        b"",
        0x02100000,
        b"mntr",
        space,
        b"XYZ ",
        b"",
        b"acsp",
    )
    return header.ljust(68, b"\0") + _xyz((0.9642, 1.0, 0.8249))[8:].ljust(60, b"\0") + table + body
