"""Pictures as Slack serves them: sizes, thumbnails, avatars.

Bytes are only read, never changed: a file is served as it was posted.
"""

from __future__ import annotations

import hashlib
import io
import mimetypes
from functools import lru_cache

from PIL import Image, ImageDraw, ImageOps, UnidentifiedImageError

from bot.sandbox.model import Picture

AVATAR_SIDES_PX = (24, 32, 48, 72, 192, 512, 1024)
THUMB_SIDES_PX = (64, 80, 160, 360, 480, 720, 800, 960, 1024)
SQUARE_THUMB_SIDES_PX = (64, 80, 160)
"""These thumbnails Slack crops to a square; the others keep the shape."""

_MIMETYPES = {"heic": "image/heic", "heif": "image/heif", "webp": "image/webp"}
_FILETYPES = {"jpeg": "jpg", "tif": "tiff", "htm": "html", "txt": "text", "": "binary"}
_UNREADABLE = (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError)


def filetype_of(name: str) -> str:
    """Slack's `filetype`, from the name alone ("jpg" for a JPEG)."""
    ending = name.rsplit(".", 1)[-1].lower() if "." in name else ""
    return _FILETYPES.get(ending, ending)


def mimetype_of(name: str) -> str:
    """The media type that Slack would report, from the name alone."""
    ending = name.rsplit(".", 1)[-1].lower() if "." in name else ""
    return _MIMETYPES.get(ending) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def size_px(data: bytes) -> tuple[int, int] | None:
    """Width and height as stored (not turned by EXIF), or None if Pillow can't read the bytes."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.size
    except _UNREADABLE:
        return None


def as_picture(data: bytes) -> Picture:
    """Accept a profile picture. Raises ValueError if it is no image."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            side_px, mimetype = min(image.size), image.get_format_mimetype()
    except _UNREADABLE as e:
        msg = "a profile picture must be an image"
        raise ValueError(msg) from e
    digest = hashlib.sha256(data).hexdigest()[:12]
    return Picture(data=data, mimetype=mimetype or "image/jpeg", side_px=side_px, hash=digest)


def thumbnail(data: bytes, *, side_px: int) -> bytes:
    """Make a JPEG with the longer side (or, for small sizes, both) of `side_px`.

    Raises ValueError if the bytes are no image.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except _UNREADABLE as e:
        msg = "not an image"
        raise ValueError(msg) from e
    if side_px in SQUARE_THUMB_SIDES_PX:
        return _jpeg(ImageOps.fit(upright, (side_px, side_px)))
    upright.thumbnail((side_px, side_px))
    return _jpeg(upright)


def avatar(picture: Picture, *, side_px: int) -> bytes:
    """Crop a profile picture to a square JPEG of `side_px`."""
    with Image.open(io.BytesIO(picture.data)) as image:
        return _jpeg(ImageOps.fit(image.convert("RGB"), (side_px, side_px)))


@lru_cache(maxsize=256)
def neutral_avatar(seed: str, *, side_px: int) -> bytes:
    """Make the picture of a person without one: a pale disc on a colour of their own."""
    red, green, blue = (64 + byte % 128 for byte in hashlib.sha256(seed.encode()).digest()[:3])
    image = Image.new("RGB", (side_px, side_px), (red, green, blue))
    inset = side_px // 4
    box = (inset, inset, side_px - inset - 1, side_px - inset - 1)
    ImageDraw.Draw(image).ellipse(box, fill=(235, 235, 235))
    return _jpeg(image)


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
