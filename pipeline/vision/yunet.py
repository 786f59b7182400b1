"""YuNet on OpenVINO.

Network: `face_detection_yunet_2023mar.onnx`, OpenCV Zoo, MIT (Wu et al., "YuNet: A Tiny
Millisecond-level Face Detector", 2023). It sees faces of about 10 to 300 px, so a photo is read
at two scales: a large one for the people at the back and a small one for the face that fills it.

Around a face many anchors answer, each with its own idea of the landmarks. Their mean, weighted by
score, is steadier than the strongest one's: on LFW it takes `retail` from TAR 0.984 to 0.986 at
FAR 1e-3 and from 0.965 to 0.969 at 1e-4 (0.972 where both scales saw the face), at no cost.

Both scales are always read. A first look that decides whether the large one pays saves nothing: at
960 px a crowd of faces of 12 px in 2,000 leaves no trace above what walls and clothes do, and at
1,280 px, where it does, looking takes half as long as the large scale itself.

Landmarks follow less than half of a head's tilt, so each face is looked at once more, turned
upright and at one size; the mean of both looks takes TAR at FAR 1e-4 from 0.969 to 0.975 on LFW.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.arrays import Image, Landmarks
from pipeline.domain.model import Box, Detection
from pipeline.vision.align import crop_faces, resized, similarity
from pipeline.vision.openvino_runtime import Network

_STRIDES = (8, 16, 32)
_MULTIPLE = 32
_VOTE_MIN_SCORE = 0.3
_VOTE_MIN_OVERLAP = 0.5

# When to look closer. At the scale of the first look a face of 24 px in a 12-megapixel photo has
# 12 px, and mostly scores below 0.3. Measured: a photo with 198 such faces gives 130 hints, 21
# photos without small faces give 2 at the most.
_SMALL_INPUT_PX = 22.0
_ANY_MIN_SCORE = 0.05
_HINT_MIN_SCORE = 0.15
_SEVERAL = 4
# The second look: a small picture with the face upright in its middle.
_LOOK_PX = 160
_LOOK_POINTS: Landmarks = np.array(
    [(67.2, 76.8), (92.8, 76.8), (80.0, 91.2), (69.6, 104.0), (90.4, 104.0)], np.float32
)
_LOOK_ASIDE = 0.2

# A picture that is nearly at the scale wanted is read as it is, and one that is to be made smaller
# by nearly a whole number by that: resizing costs a fifth then.
_NEARLY = 0.9
_LEAST_WHOLE = 2

_TILE_PX = 1000
_TILE_OVERLAP_PX = 100
_ENLARGE = 1.28


class YuNet:
    """Finds faces with their five landmarks."""

    def __init__(
        self,
        path: Path,
        *,
        long_sides_px: tuple[int, ...] = (640, 1920),
        min_score: float = 0.6,
        max_overlap: float = 0.3,
    ) -> None:
        self._network = Network(path, input_shape=(1, 3, -1, -1), takes_pixels=True)
        self._long_sides_px = long_sides_px
        self._min_score = min_score
        self._max_overlap = max_overlap

    def detect(
        self, image: Image, *, closer: Callable[[], Image | None] = lambda: None
    ) -> list[Detection]:
        """Faces scored `min_score` or more, strongest first, in px of `image`.

        Where something small may be a face, the picture is read once more, tile by tile, at the
        scale of `closer`. None of the faces overlaps a stronger one by more than `max_overlap`.
        """
        longest = max(image.shape[:2])
        # A side that the image doesn't reach shows nothing new: the image is never scaled up.
        sides = sorted({min(side, longest) for side in self._long_sides_px})
        scales = [_simple(side / longest) for side in sides]
        rows = np.concatenate([self._at_scale(image, scale) for scale in scales])
        hints = self._small(rows, 1.0 / scales[-1])
        if len(hints):
            close = closer()
            if close is not None:
                rows = np.concatenate([rows, *self._closer(close, hints, longest)])
        rows = rows[rows[:, 14] >= _VOTE_MIN_SCORE]
        return [
            _detection(row, self._looked_at_again(image, _voted_landmarks(row, rows)))
            for row in rows[self._strongest(rows)]
        ]

    def _looked_at_again(self, image: Image, landmarks: Landmarks) -> Landmarks:
        """The mean of these landmarks and of those seen when the face is turned upright."""
        crop = crop_faces(image, [landmarks], template=_LOOK_POINTS, side_px=_LOOK_PX)[0]
        rows = self._at_scale(crop, 1.0)
        aside = np.abs(rows[:, :2] + rows[:, 2:4] / 2 - _LOOK_PX / 2).max(axis=1)
        rows = rows[(rows[:, 14] >= _VOTE_MIN_SCORE) & (aside < _LOOK_ASIDE * _LOOK_PX)]
        if not len(rows):
            return landmarks
        seen = _voted_landmarks(rows[np.argmax(rows[:, 14])], rows)
        matrix = similarity(landmarks, _LOOK_POINTS)
        back = (seen - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
        return ((landmarks + back) / 2).astype(np.float32)

    def _small(self, rows: NDArray[np.float32], px_per_input_px: float) -> NDArray[np.float32]:
        """Candidates so small that a closer look pays; none if it doesn't."""
        small = rows[rows[:, 3] < _SMALL_INPUT_PX * px_per_input_px]
        score = small[:, 14]
        clear = (score >= _VOTE_MIN_SCORE).any()
        several = np.count_nonzero(score >= _HINT_MIN_SCORE) >= _SEVERAL
        return small if clear or several else small[:0]

    def _closer(
        self, close: Image, hints: NDArray[np.float32], longest: int
    ) -> Iterator[NDArray[np.float32]]:
        """Candidates in each tile of `close` that holds a hint, in px of the image hinted at."""
        zoom = max(close.shape[:2]) / longest
        centres = (hints[:, :2] + hints[:, 2:4] / 2) * zoom
        height, width = close.shape[:2]
        for top in _tile_starts(height):
            for left in _tile_starts(width):
                corner = np.array([left, top], np.float32)
                inside = (centres >= corner) & (centres < corner + _TILE_PX)
                if inside.all(axis=1).any():
                    tile = close[top : top + _TILE_PX, left : left + _TILE_PX]
                    rows = self._at_scale(tile, _ENLARGE)
                    rows[:, :14] += np.concatenate([corner, [0, 0], np.tile(corner, 5)])
                    rows[:, :14] /= zoom
                    yield rows

    def _at_scale(self, image: Image, scale: float) -> NDArray[np.float32]:
        """Candidates (N, 15): x y w h, five landmarks x y, score; in px of `image`."""
        if scale != 1.0:
            image = resized(image, scale)
        batch = _padded(image)
        outputs = self._network(batch[None])
        columns = batch.shape[1]
        rows = np.concatenate(
            [_decode_stride(outputs, stride, columns // stride) for stride in _STRIDES]
        )
        rows[:, :14] /= scale
        return rows

    def _strongest(self, rows: NDArray[np.float32]) -> NDArray[np.intp]:
        if not len(rows):
            return np.empty(0, np.intp)
        kept = cv2.dnn.NMSBoxes(
            rows[:, :4].tolist(), rows[:, 14].tolist(), self._min_score, self._max_overlap
        )
        return np.asarray(kept, np.intp)


def _tile_starts(side_px: int) -> list[int]:
    """Where tiles begin that cover a side and overlap by at least the size of a small face."""
    last = max(0, side_px - _TILE_PX)
    count = -(-last // (_TILE_PX - _TILE_OVERLAP_PX))
    return [round(last * i / count) for i in range(count + 1)] if count else [0]


def _simple(scale: float) -> float:
    """That scale, or one close to it at which resizing costs little."""
    if scale >= _NEARLY:
        return 1.0
    whole = round(1.0 / scale)
    return 1.0 / whole if whole >= _LEAST_WHOLE and whole * scale >= _NEARLY else scale


def _padded(image: Image) -> Image:
    """The image with black below and to the right, to sides that the network takes."""
    height, width = image.shape[:2]
    below, beside = _round_up(height) - height, _round_up(width) - width
    if not below and not beside:
        return np.ascontiguousarray(image)
    padded = cv2.copyMakeBorder(image, 0, below, 0, beside, cv2.BORDER_CONSTANT)
    return np.asarray(padded, np.uint8)


def _round_up(side_px: int) -> int:
    return -(-side_px // _MULTIPLE) * _MULTIPLE


def _decode_stride(
    outputs: dict[str, NDArray[np.float32]], stride: int, columns: int
) -> NDArray[np.float32]:
    """One stride's anchors as rows (N, 15), in px of the network's input.

    A score is the geometric mean of class and objectness; boxes are centre offset and log size in
    strides, landmarks offsets in strides (as `cv2.FaceDetectorYN` reads them).
    """
    cls = outputs[f"cls_{stride}"][0, :, 0].clip(0.0, 1.0)
    obj = outputs[f"obj_{stride}"][0, :, 0].clip(0.0, 1.0)
    score = np.sqrt(cls * obj)
    kept = np.flatnonzero(score >= _ANY_MIN_SCORE)
    anchor = np.stack([kept % columns, kept // columns], axis=1).astype(np.float32)
    raw_box = outputs[f"bbox_{stride}"][0, kept]
    raw_points = outputs[f"kps_{stride}"][0, kept].reshape(-1, 5, 2)
    centre = (anchor + raw_box[:, :2]) * stride
    size = np.exp(raw_box[:, 2:]) * stride
    points = (anchor[:, None] + raw_points) * stride
    return np.concatenate(
        [centre - size / 2, size, points.reshape(-1, 10), score[kept, None]], axis=1
    ).astype(np.float32)


def _voted_landmarks(row: NDArray[np.float32], rows: NDArray[np.float32]) -> Landmarks:
    """Mean landmarks of all candidates that overlap the face, weighted by their score squared."""
    corner = np.maximum(row[:2], rows[:, :2])
    far_corner = np.minimum(row[:2] + row[2:4], rows[:, :2] + rows[:, 2:4])
    shared = np.prod(np.maximum(far_corner - corner, 0.0), axis=1)
    areas = np.prod(rows[:, 2:4], axis=1)
    voters = rows[shared / (row[2] * row[3] + areas - shared) >= _VOTE_MIN_OVERLAP]
    mean = np.average(voters[:, 4:14], axis=0, weights=voters[:, 14] ** 2)
    return mean.reshape(5, 2).astype(np.float32)


def _detection(row: NDArray[np.float32], landmarks: Landmarks) -> Detection:
    x, y, width, height = (float(value) for value in row[:4])
    return Detection(
        box=Box(x_px=x, y_px=y, width_px=width, height_px=height),
        landmarks=landmarks,
        score=float(row[14]),
    )
