"""Damaged files, the same ones for the same seed."""

import random
import zlib
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image as PilImage

from tests.made_pictures import KINDS, png, saved

_HEADER_BYTES = 96
_PNG = b"\x89PNG\r\n\x1a\n"
# Sizes and counts that readers stumble over.
_NUMBERS = (0, 1, 2, 255, 256, 4097, 20_000, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1)


def originals() -> dict[str, bytes]:
    """A good file of every kind, and some whose pixels don't fit into one block of their format."""
    noise = np.random.default_rng(7).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    picture = PilImage.fromarray(np.cumsum(noise // 60, axis=1, dtype=np.uint8))
    large = {
        "large jpeg": saved(picture, "JPEG"),
        "large progressive jpeg": saved(picture, "JPEG", progressive=True),
        "large png": saved(picture, "PNG"),
        "large interlaced png": png(np.asarray(picture), colour_type=2, is_interlaced=True),
        "large webp": saved(picture, "WEBP"),
        "large lossless webp": saved(picture, "WEBP", lossless=True, method=0),
        "large gif": saved(picture.quantize(64), "GIF"),
        "large tiff": saved(picture, "TIFF", compression="tiff_lzw"),
        "large heic": saved(picture, "HEIF"),
    }
    return {kind: make() for kind, make in KINDS.items()} | large


def damaged(count: int, *, seed: int) -> Iterator[tuple[str, bytes]]:
    """So many files, each with the kind it was made of; every kind comes equally often."""
    chance = random.Random(seed)  # noqa: S311  # the same files on every run, not secrets
    files = originals()
    kinds = sorted(files)
    for i in range(count):
        kind = kinds[i % len(kinds)]
        data = bytearray(files[kind])
        for _ in range(chance.choice((1, 1, 2, 5))):
            chance.choice(_WAYS)(data, chance)
        if chance.random() < 0.1:  # one in ten goes on as another one
            other = files[chance.choice(kinds)]
            data[_place(data, chance) :] = other[chance.randrange(len(other)) :]
        if chance.random() < 0.8:
            _mend_checksums(data)
        yield kind, bytes(data)


def _place(data: bytearray, chance: random.Random) -> int:
    """Half the time in the header."""
    end = min(len(data), _HEADER_BYTES) if chance.random() < 0.5 else len(data)
    return chance.randrange(end) if end else 0


def _flip_a_bit(data: bytearray, chance: random.Random) -> None:
    if data:
        data[_place(data, chance)] ^= 1 << chance.randrange(8)


def _replace(data: bytearray, chance: random.Random) -> None:
    at, length = _place(data, chance), chance.choice((1, 2, 4, 16, 300))
    data[at : at + length] = chance.randbytes(min(length, len(data) - at))


def _remove(data: bytearray, chance: random.Random) -> None:
    at = _place(data, chance)
    del data[at : at + chance.choice((1, 2, 4, 16, 300))]


def _repeat(data: bytearray, chance: random.Random) -> None:
    at = _place(data, chance)
    data[at:at] = data[at : at + chance.choice((1, 4, 16, 300))] * chance.choice((1, 1, 2, 50))


def _cut_off(data: bytearray, chance: random.Random) -> None:
    del data[_place(data, chance) :]


def _write_a_number(data: bytearray, chance: random.Random) -> None:
    """A size, a length, a count or an offset, of two or four bytes, in either order."""
    at, size = _place(data, chance), chance.choice((2, 4))
    number = chance.choice(_NUMBERS) % 256**size
    order = "big" if chance.random() < 0.5 else "little"
    if at + size <= len(data):
        data[at : at + size] = number.to_bytes(size, order)


def _mend_checksums(data: bytearray) -> None:
    """Of a PNG's chunks; else its reader would look no further than the first that was damaged."""
    at = len(_PNG)
    while data.startswith(_PNG) and at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        data[end : end + 4] = zlib.crc32(data[at + 4 : end]).to_bytes(4, "big")
        at = end + 4


_WAYS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip_a_bit,
    _replace,
    _remove,
    _repeat,
    _cut_off,
    _write_a_number,
    _write_a_number,
)
