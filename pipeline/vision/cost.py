"""What a picture takes while it is decoded, told by its header.

Measured as the growth of a process's largest resident size, with Pillow 13 and pillow-heif 1.8,
in bytes a pixel: see each number.
"""

import struct

from PIL import Image as PilImage

# Pillow keeps colours in four bytes, whether three are used or not.
_KEPT = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}
_KEPT_ELSE = 4

# 16.3 to 17.5: two canvases of libwebp's, its own lossless pixels, the bytes, the picture.
_WEBP = 17.5
# 4.8 to 5.6: planes of brightness and colour, and from these three bytes.
_HEIF = 5.6
# The coefficients of all blocks, two bytes each, are kept until the last scan.
_COEFFICIENT = 2.1

_STRIPS_BYTES = 12_000_000
"""Strips on their way: on white, scaled, in another colour space."""

_ROWS_PER_STRIP, _TILE_WIDTH, _TILE_LENGTH, _SAMPLES, _BITS = 278, 322, 323, 277, 258


def cost_bytes(picture: PilImage.Image, full_size: tuple[int, int]) -> int:
    """For an opened picture, `draft` called, nothing loaded; `full_size` is the header's."""
    width, height = picture.size
    pixels, full_pixels = width * height, full_size[0] * full_size[1]
    kept = _KEPT.get(picture.mode, _KEPT_ELSE) * pixels
    match picture.format:
        case "WEBP":
            kept = int(_WEBP * pixels)
        case "JPEG" | "MPO" if "progressive" in picture.info:
            kept += int(_COEFFICIENT * _samples_a_pixel(picture) * full_pixels)
        case "TIFF":
            kept += _tiff_buffer_bytes(picture)
    return kept + _STRIPS_BYTES


def heif_cost_bytes(size: tuple[int, int]) -> int:
    """For a HEIC that is decoded by libheif and not by way of Pillow."""
    return int(_HEIF * size[0] * size[1]) + _STRIPS_BYTES


def webp_size(head: bytes) -> tuple[int, int] | None:
    """(width, height) in px, or None if it is no WebP.

    Pillow allocates for it when it opens it. Source: RFC 9649, 2.5 to 2.7.
    """
    if len(head) < 30 or head[:4] != b"RIFF" or head[8:12] != b"WEBP":  # noqa: PLR2004
        return None
    match head[12:16]:
        case b"VP8X":
            return _u24(head[24:27]) + 1, _u24(head[27:30]) + 1
        case b"VP8L":
            bits = struct.unpack_from("<I", head, 21)[0]
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", head, 26)
            return width & 0x3FFF, height & 0x3FFF
        case _:
            return None


def webp_cost_bytes(size: tuple[int, int]) -> int:
    """For a WebP, before it is opened."""
    return int(_WEBP * size[0] * size[1]) + _STRIPS_BYTES


def _u24(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _samples_a_pixel(picture: PilImage.Image) -> float:
    """1.5 for a phone's usual JPEG, 4 for CMYK that isn't subsampled."""
    layers: list[tuple[int, int]] = [(h, v) for _, h, v, *_ in getattr(picture, "layer", ())]
    if not layers:
        return float(_KEPT_ELSE)
    most = max(h for h, _ in layers) * max(v for _, v in layers)
    return sum(h * v for h, v in layers) / max(most, 1)


def _tiff_buffer_bytes(picture: PilImage.Image) -> int:
    """Libtiff decodes a strip or a tile at a time; a file may have one strip only."""
    tags = getattr(picture, "tag_v2", {})
    width, height = picture.size
    tile = tags.get(_TILE_WIDTH, width) * tags.get(_TILE_LENGTH, 0)
    strip = width * min(height, tags.get(_ROWS_PER_STRIP, height))
    bits = tags.get(_BITS, (8,))
    bytes_a_pixel = max(1, tags.get(_SAMPLES, 1) * max(bits) // 8)
    return int((tile or strip) * bytes_a_pixel)
