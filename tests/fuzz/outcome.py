"""What may come of a damaged file: a picture, or a reason in plain words; nothing else."""

import re
import time
from dataclasses import dataclass

import numpy as np

from pipeline.errors import UnreadablePhotoError
from pipeline.vision.isolated import STOPPED, decode_sized
from pipeline.vision.limits import MAX_ASPECT, MAX_PIXELS, MAX_SIDE_PX

DECODED = "decoded"
_REASONS = (
    "the file is empty",
    "the file is text, not a picture",
    "the file is a web page, not a picture",
    "the file is not a picture that Findme can read",
    "the picture is damaged or cut off",
    r"the picture is a strip of \d+×\d+ px",
    "the picture is too large",
    r"the picture is too large: \d+×\d+ px, 250 megapixels at most",
    r"the picture is too large: to read \d+×\d+ px of \w+ takes \d+ MB of memory, 340 MB at most",
    "reading the picture took too long",
    STOPPED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one file."""

    kind: str
    said: str
    took_s: float


def outcome(kind: str, data: bytes) -> Outcome:
    """Decode it as a worker does. Raises: AssertionError, or whatever the decoder lets through."""
    started = time.monotonic()
    try:
        image, (width, height) = decode_sized(data)
    except UnreadablePhotoError as error:
        said = next((known for known in _REASONS if re.fullmatch(known, str(error))), "")
        if not said:
            raise AssertionError(f"{kind}: {error}") from error
    else:
        said = DECODED
        assert image.dtype == np.uint8
        assert image.ndim == 3
        assert image.shape[2] == 3
        assert 1 <= max(image.shape[:2]) <= MAX_SIDE_PX
        assert 1 <= width * height <= MAX_PIXELS
        assert max(width, height) <= MAX_ASPECT * min(width, height)
    return Outcome(kind=kind, said=said, took_s=time.monotonic() - started)
