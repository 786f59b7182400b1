"""YuNet on OpenVINO.

Network: `face_detection_yunet_2023mar.onnx`, OpenCV Zoo, MIT (Wu et al., "YuNet: A Tiny
Millisecond-level Face Detector", 2023). It sees faces of about 10 to 300 px, so a photo is read
at two scales: a large one for the people at the back and a small one for the face that fills it.

Around a face many anchors answer, each with its own idea of the landmarks. Their mean, weighted by
score, is steadier than the strongest one's: on LFW it takes `retail` from TAR 0.984 to 0.986 at
FAR 1e-3 and from 0.965 to 0.969 at 1e-4 (0.972 where both scales saw the face), at no cost.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.arrays import Image, Landmarks
from pipeline.domain.model import Box, Detection
from pipeline.vision.align import shrink
from pipeline.vision.openvino_runtime import Network

_STRIDES = (8, 16, 32)
_MULTIPLE = 32
_VOTE_MIN_SCORE = 0.3
_VOTE_MIN_OVERLAP = 0.5


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
        self._network = Network(path, input_shape=(1, 3, -1, -1))
        self._long_sides_px = long_sides_px
        self._min_score = min_score
        self._max_overlap = max_overlap

    def detect(self, image: Image) -> list[Detection]:
        """Faces scored `min_score` or more, strongest first; none overlaps a stronger one much."""
        height, width = image.shape[:2]
        longest = max(height, width)
        # A side that the image doesn't reach shows nothing new: the image is never scaled up.
        sides = sorted({min(side, longest) for side in self._long_sides_px})
        rows = np.concatenate([self._at_scale(image, side / longest) for side in sides])
        return [_detection(row, _voted_landmarks(row, rows)) for row in rows[self._strongest(rows)]]

    def _at_scale(self, image: Image, scale: float) -> NDArray[np.float32]:
        """Candidates (N, 15): x y w h, five landmarks x y, score; in px of `image`."""
        if scale < 1.0:
            image = shrink(image, scale)
        height, width = image.shape[:2]
        padded_height, padded_width = _round_up(height), _round_up(width)
        batch = np.zeros((1, 3, padded_height, padded_width), np.float32)
        batch[0, :, :height, :width] = image.transpose(2, 0, 1)
        outputs = self._network(batch)
        rows = np.concatenate(
            [_decode_stride(outputs, stride, padded_width // stride) for stride in _STRIDES]
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
    kept = np.flatnonzero(score >= _VOTE_MIN_SCORE)
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
