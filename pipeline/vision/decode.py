"""Bytes of a picture -> an upright image, scaled down while it is being decoded.

Files of strangers are decoded in a process of their own: `pipeline.vision.isolated`.
"""

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import pillow_heif
from PIL import Image as PilImage
from PIL import UnidentifiedImageError

from pipeline.domain.arrays import Image
from pipeline.errors import NoRoomError, UnreadablePhotoError
from pipeline.vision.cost import cost_bytes, heif_cost_bytes, webp_cost_bytes, webp_size
from pipeline.vision.limits import LARGEST_BYTES, MAX_ASPECT, MAX_PIXELS, MAX_SIDE_PX
from pipeline.vision.rows import Rows, heif_rows, pillow_rows, scaled_into

# MPO (two JPEGs in one file) is opened by the JPEG reader.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")

DAMAGED = "the picture is damaged or cut off"

_HEIF_TYPES = ("image/heic", "image/heif")
_MAX_DRAFT = 8
# EXIF 2.3, tag 0x0112: which way rows and columns of the upright picture are read, and whether
# columns are stored as rows.
_STORED = {
    2: (1, -1, False),
    3: (-1, -1, False),
    4: (-1, 1, False),
    5: (1, 1, True),
    6: (1, -1, True),
    7: (-1, -1, True),
    8: (-1, 1, True),
}
_NEARLY = 0.75
_HEAD_BYTES = 512
# How files of these formats begin; one whose header can't be read is damaged.
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*")

# Sizes are checked here against MAX_PIXELS; Pillow's own limit would only warn.
PilImage.MAX_IMAGE_PIXELS = None
# Photos are the unit of parallel work; several threads of libde265's take longer than one, too.
pillow_heif.options.DECODE_THREADS = 1


def _new_image(shape: tuple[int, int, int]) -> Image:
    return np.empty(shape, np.uint8)


class LargePictureError(Exception):
    """Decoding it takes more memory than was allowed just now, but not more than it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Budget:
    """What decoding a file may take just now."""

    file_bytes: int
    allowed_bytes: int

    def check(self, decoding_bytes: int, what: str) -> None:
        """Raises: UnreadablePhotoError if it is too much at any time, else LargePictureError."""
        # The caller of this process has the file, too.
        cost = decoding_bytes + 2 * self.file_bytes
        if cost > LARGEST_BYTES:
            raise UnreadablePhotoError(
                f"the picture is too large: to read {what} takes {cost // 10**6} MB of memory, "
                f"{LARGEST_BYTES // 10**6} MB at most"
            )
        if cost > self.allowed_bytes:
            raise LargePictureError


def decode(data: bytes, *, max_side_px: int = MAX_SIDE_PX) -> Image:
    """Decode JPEG, PNG, WebP, GIF and TIFF (first frame), BMP or HEIC, turned upright by EXIF.

    Returns: an image whose longer side is at most `max_side_px`.
    Raises: UnreadablePhotoError, its text being the reason in plain words.
    """
    return decode_file(io.BytesIO(data), max_side_px=max_side_px)[0]


def decode_file(
    file: BinaryIO,
    *,
    max_side_px: int,
    allowed_bytes: int = LARGEST_BYTES,
    allocate: Callable[[tuple[int, int, int]], Image] = _new_image,
) -> tuple[Image, tuple[int, int]]:
    """As `decode`, into memory from `allocate`; and the upright picture's own (width, height).

    Raises: UnreadablePhotoError; LargePictureError if it takes more than `allowed_bytes`.
    """
    head = file.read(_HEAD_BYTES)
    if not head:
        raise UnreadablePhotoError("the file is empty")
    budget = _Budget(file_bytes=file.seek(0, io.SEEK_END), allowed_bytes=allowed_bytes)
    file.seek(0)
    try:
        with warnings.catch_warnings():
            # Pillow warns of odd EXIF blocks and palettes; the picture itself is still fine.
            warnings.simplefilter("ignore")
            rows, orientation = _opened(file, head, max_side_px, budget)
            size = _fit(*rows.size, max_side_px)
            turned = orientation in _STORED and _STORED[orientation][2]
            image = allocate((size[0], size[1], 3) if turned else (size[1], size[0], 3))
            scaled_into(stored_view(image, orientation), rows)
    except UnidentifiedImageError as error:
        raise UnreadablePhotoError(_what_it_is(head)) from error
    except (UnreadablePhotoError, LargePictureError, NoRoomError):
        raise
    except MemoryError as error:
        # It takes more than its header says: let it be tried alone, if it wasn't.
        if allowed_bytes < LARGEST_BYTES:
            raise LargePictureError from error
        raise UnreadablePhotoError("the picture is too large") from error
    except Exception as error:
        # A damaged file makes Pillow and its codecs raise nearly anything.
        raise UnreadablePhotoError(DAMAGED) from error
    return image, (rows.full_size[::-1] if turned else rows.full_size)


def stored_view(image: Image, orientation: int) -> Image:
    """The upright image as the camera stores it: a view, to write into."""
    rows, columns, is_sideways = _STORED.get(orientation, (1, 1, False))
    flipped = image[::rows, ::columns]
    return flipped.transpose(1, 0, 2) if is_sideways else flipped


def _opened(file: BinaryIO, head: bytes, max_side_px: int, budget: _Budget) -> tuple[Rows, int]:
    """The decoded rows and the orientation that is left to apply."""
    if pillow_heif.get_file_mimetype(head).startswith(_HEIF_TYPES):
        return _opened_heif(file, max_side_px, budget)
    webp = webp_size(head)
    if webp is not None:
        _check_shape(*webp)
        budget.check(webp_cost_bytes(webp), f"{webp[0]}×{webp[1]} px of WebP")
    picture = PilImage.open(file, formats=FORMATS)
    full_size = picture.size
    _check_shape(*full_size)
    if picture.format in {"JPEG", "MPO"}:
        picture.draft(None, _draft(*full_size, max_side_px))
    budget.check(
        cost_bytes(picture, full_size) + _output_bytes(picture.size, max_side_px),
        f"{full_size[0]}×{full_size[1]} px of {picture.format}",
    )
    picture.load()
    # Some readers learn of the orientation only from what follows the pixels.
    orientation = picture.getexif().get(0x0112, 1)
    return pillow_rows(picture, full_size), orientation


def _opened_heif(file: BinaryIO, max_side_px: int, budget: _Budget) -> tuple[Rows, int]:
    """HEIF's own turns and mirrors are applied by libheif; the standard says to ignore EXIF's.

    Through Pillow the pixels would be in memory twice.
    """
    opened = pillow_heif.open_heif(file, convert_hdr_to_8bit=True, remove_stride=False)
    picture = opened[opened.primary_index]
    _check_shape(*picture.size)
    budget.check(
        heif_cost_bytes(picture.size) + _output_bytes(picture.size, max_side_px),
        f"{picture.size[0]}×{picture.size[1]} px of HEIC",
    )
    return heif_rows(picture), 1


def _check_shape(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise UnreadablePhotoError(
            f"the picture is too large: {width}×{height} px, "
            f"{MAX_PIXELS // 10**6} megapixels at most"
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise UnreadablePhotoError(f"the picture is a strip of {width}×{height} px")


def _draft(width: int, height: int, max_side_px: int) -> tuple[int, int]:
    """The size to ask the JPEG decoder for: it halves while it decodes, up to three times.

    Half of 4,032 px is better read as 2,016 px than decoded whole and resized to 2,048.
    """
    reduction = 1
    while reduction < _MAX_DRAFT and max(width, height) / (2 * reduction) >= _NEARLY * max_side_px:
        reduction *= 2
    return max(1, width // reduction), max(1, height // reduction)


def _fit(width: int, height: int, max_side_px: int) -> tuple[int, int]:
    scale = min(1.0, max_side_px / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _output_bytes(size: tuple[int, int], max_side_px: int) -> int:
    width, height = _fit(*size, max_side_px)
    return 3 * width * height


def _what_it_is(head: bytes) -> str:
    if head.startswith(_MAGIC) or webp_size(head) is not None:
        return DAMAGED
    head = head.lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "the file is a web page, not a picture"
    if b"\0" not in head and all(byte >= ord(" ") or byte in b"\t\r\n\f" for byte in head):
        return "the file is text, not a picture"
    return "the file is not a picture that Findme can read"
