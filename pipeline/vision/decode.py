"""Bytes of a picture -> an upright image, scaled down while it is being decoded."""

import io
import warnings

import numpy as np
import pillow_heif
from PIL import Image as PilImage
from PIL import ImageOps, UnidentifiedImageError

from pipeline.domain.arrays import Image
from pipeline.errors import UnreadablePhotoError

MAX_SIDE_PX = 2048
"""A decoded image is at most this long: 12 megapixels at half their scale, decoded as such."""

MAX_PIXELS = 120_000_000
"""Larger pictures are refused by their header, before anything is allocated for them."""

MAX_ASPECT = 40
"""A strip longer than this many times its width is no photo; scaled down, nothing of it is left."""

# MPO (two JPEGs in one file) is opened by the JPEG reader.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF")

_MAX_DRAFT = 8
_SIDEWAYS = {5, 6, 7, 8}  # EXIF orientations that swap width and height
_NEARLY = 0.75

pillow_heif.register_heif_opener(thumbnails=False)
# Sizes are checked here against MAX_PIXELS; Pillow's own limit would only warn.
PilImage.MAX_IMAGE_PIXELS = None


def decode(data: bytes, *, max_side_px: int = MAX_SIDE_PX) -> Image:
    """Decode JPEG, PNG, WebP, GIF and TIFF (first frame), BMP or HEIC, turned upright by EXIF.

    Returns: an image whose longer side is at most `max_side_px`.
    Raises: UnreadablePhotoError, its text being the reason in plain words.
    """
    return decode_sized(data, max_side_px=max_side_px)[0]


def decode_sized(data: bytes, *, max_side_px: int = MAX_SIDE_PX) -> tuple[Image, tuple[int, int]]:
    """As `decode`, and the upright picture's own (width, height) in px."""
    if not data:
        raise UnreadablePhotoError("the file is empty")
    try:
        with warnings.catch_warnings():
            # Pillow warns of odd EXIF blocks and palettes; the picture itself is still fine.
            warnings.simplefilter("ignore")
            with PilImage.open(io.BytesIO(data), formats=FORMATS) as picture:
                return _upright(picture, max_side_px)
    except UnidentifiedImageError as error:
        raise UnreadablePhotoError(_what_it_is(data)) from error
    except MemoryError as error:
        raise UnreadablePhotoError("the picture is too large") from error
    except UnreadablePhotoError:
        raise
    except Exception as error:
        # A damaged file makes Pillow and its codecs raise nearly anything.
        raise UnreadablePhotoError("the picture is damaged or cut off") from error


def _upright(picture: PilImage.Image, max_side_px: int) -> tuple[Image, tuple[int, int]]:
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise UnreadablePhotoError(
            f"the picture is too large: {width}×{height} px, "
            f"{MAX_PIXELS // 10**6} megapixels at most"
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise UnreadablePhotoError(f"the picture is a strip of {width}×{height} px")
    if picture.format in {"JPEG", "MPO"}:
        picture.draft(None, _draft(width, height, max_side_px))
    picture.load()
    rgb = _rgb(picture)
    size = _fit(*rgb.size, max_side_px)
    if size != rgb.size:
        rgb = rgb.resize(size, PilImage.Resampling.BOX, reducing_gap=None)
    # exif_transpose reads the tag from the picture that was opened, so it is carried over.
    orientation = picture.getexif().get(0x0112, 1)
    if orientation != 1:
        rgb.getexif()[0x0112] = orientation
        rgb = ImageOps.exif_transpose(rgb)
    image = np.ascontiguousarray(np.asarray(rgb)[:, :, ::-1])
    return image, (height, width) if orientation in _SIDEWAYS else (width, height)


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


def _rgb(picture: PilImage.Image) -> PilImage.Image:
    """Any Pillow mode as RGB; transparency becomes white, 16 bits become 8."""
    if picture.mode == "RGB":
        return picture
    if picture.mode.startswith("I;16") or picture.mode in {"I", "F"}:
        values = np.asarray(picture, dtype=np.float32)
        # 16-bit greys fill their range; 32-bit ones are stretched to what they hold.
        top = 65535.0 if picture.mode.startswith("I;16") else max(float(values.max()), 1.0)
        return PilImage.fromarray(np.clip(values * (255.0 / top), 0, 255).astype(np.uint8)).convert(
            "RGB"
        )
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        white = PilImage.new("RGBA", rgba.size, "white")
        return PilImage.alpha_composite(white, rgba).convert("RGB")
    return picture.convert("RGB")


def _what_it_is(data: bytes) -> str:
    head = data[:512].lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "the file is a web page, not a picture"
    if b"\0" not in head and all(byte >= ord(" ") or byte in b"\t\r\n\f" for byte in head):
        return "the file is text, not a picture"
    return "the file is not a picture that Findme can read"
