"""A picture that is decoded only as far as somebody looks."""

import structlog

from pipeline.domain.arrays import Image
from pipeline.errors import UnreadablePhotoError
from pipeline.vision.isolated import decode_sized

log = structlog.get_logger(__name__)

CLOSE_SIDE_PX = 5000
"""A closer look is at most this long: 12 to 20 megapixels as they are."""

_WORTH_IT = 1.25


class Picture:
    """Decoded at a reduced scale; once more, larger, if somebody asks for a closer look."""

    def __init__(self, data: bytes) -> None:
        """Decode the reduced image. Raises UnreadablePhotoError."""
        self._data = data
        self.image, (self.width_px, self.height_px) = decode_sized(data)
        self._close: Image | None = None

    def closer(self) -> Image | None:
        """The picture at (nearly) its full scale; None if that shows no more or can't be had."""
        full_side = min(max(self.width_px, self.height_px), CLOSE_SIDE_PX)
        if self._close is None and full_side >= _WORTH_IT * max(self.image.shape[:2]):
            try:
                self._close, _ = decode_sized(self._data, max_side_px=CLOSE_SIDE_PX)
            except UnreadablePhotoError as error:
                # It was read once: at this scale it takes too much memory, or time.
                log.info("picture.no_closer_look", reason=str(error))
        return self._close

    @property
    def best(self) -> Image:
        """The largest image decoded so far."""
        return self.image if self._close is None else self._close
