"""How far a face can be trusted as a reference: large, sharp, turned to the camera, surely a face.

Each factor runs from 0 (tells nothing) to 1 (nothing to wish for), so that the weakest one can be
told in words. Where they bend was measured on LFW with the engine `retail`; see each function.

LFW's own faces are all good enough: their similarity to other photos of the person is the same
(0.67 to 0.69) in each quarter by quality. Shrunk to 15-100% and blurred by 0-5% of the face at
random, it is 0.41, 0.53, 0.63 and 0.67 from the worst quarter to the best.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.arrays import Image, Landmarks
from pipeline.domain.model import Box, Detection

_SHARPNESS_SIDE_PX = 48
_REBLUR_SIGMA_PX = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityFactors:
    """What makes a face good or poor, each 0 to 1."""

    size: float
    sharpness: float
    pose: float
    score: float

    @property
    def overall(self) -> float:
        """Their product, 0 to 1."""
        return self.size * self.sharpness * self.pose * self.score


def quality(image: Image, detection: Detection) -> float:
    """How far the face can be trusted as a reference, 0 to 1."""
    return quality_factors(image, detection).overall


def quality_factors(image: Image, detection: Detection) -> QualityFactors:
    """The four factors of one face, in 0.14 ms; 0.3 ms if it is 2,000 px large."""
    return QualityFactors(
        size=size_factor(detection.box.short_side_px),
        sharpness=sharpness_factor(image, detection.box),
        pose=pose_factor(detection.landmarks),
        score=score_factor(detection.score),
    )


def size_factor(short_side_px: float) -> float:
    """0 up to 16 px, half at 64 px, 1 from 112 px, about the size of an embedder's crop."""
    return _ramp(short_side_px, start=16.0, end=112.0)


def sharpness_factor(image: Image, box: Box) -> float:
    """How much detail the face would lose if it were blurred.

    After Crete et al., "The blur effect", 2007: a blurred face has little to lose. Independent of
    light and contrast, unlike the variance of the Laplacian. On 308 LFW faces blurred by a Gaussian
    of 0, 2, 3 and 4% of the box's short side, the median is 1.0, 0.8, 0.3 and 0.0, while the
    similarity to the sharp face falls to 1.0, 0.97, 0.84 and 0.68. A face outside the image has
    none.
    """
    crop = _crop(image, box)
    if crop.size == 0:
        return 0.0
    # Every n-th pixel of a very large face tells enough, and spares most of the time.
    step = max(1, min(crop.shape[:2]) // (4 * _SHARPNESS_SIDE_PX))
    side = (_SHARPNESS_SIDE_PX, _SHARPNESS_SIDE_PX)
    small = cv2.resize(crop[::step, ::step], side, interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32)
    blurred = cv2.GaussianBlur(grey, (0, 0), _REBLUR_SIGMA_PX)
    lost = 1.0 - _detail(np.asarray(blurred, np.float32)) / max(_detail(grey), 1.0)
    return _ramp(lost, start=0.22, end=0.40)


def pose_factor(landmarks: Landmarks) -> float:
    """1 while the nose is near the midline of eyes and mouth, 0 where it is far beyond an eye.

    Turned sideways (yaw), the nose leaves the midline; tilting the head (roll) changes nothing,
    since all is measured along the face's own axis. The nose's distance is told in halves of the
    eyes' (and mouth's) distance: similarity on LFW holds up to 0.6 and drops beyond 1.
    """
    points = landmarks.astype(np.float64)
    left_eye, right_eye, nose, left_mouth, right_mouth = points
    across = (right_eye - left_eye) + (right_mouth - left_mouth)
    length = float(np.linalg.norm(across))
    if length == 0.0:
        return 0.0
    middle = (left_eye + right_eye + left_mouth + right_mouth) / 4
    # `across` holds both distances, the eyes' and the mouth's: a quarter is half of their mean.
    aside = abs(float((nose - middle) @ across)) / length / (length / 4)
    return 1.0 - _ramp(aside, start=0.4, end=1.6)


def score_factor(score: float) -> float:
    """1 from a detection score of 0.9, half at 0.6; both detectors' scores mean much the same."""
    return _ramp(score, start=0.3, end=0.9)


def _ramp(value: float, *, start: float, end: float) -> float:
    """0 up to `start`, 1 from `end`, smooth in between (3t² - 2t³)."""
    t = min(1.0, max(0.0, (value - start) / (end - start)))
    return t * t * (3.0 - 2.0 * t)


def _crop(image: Image, box: Box) -> Image:
    """The part of the box that lies within the image, without a copy."""
    left, top = max(0, int(box.x_px)), max(0, int(box.y_px))
    right = max(0, int(box.x_px + box.width_px) + 1)
    bottom = max(0, int(box.y_px + box.height_px) + 1)
    return image[top:bottom, left:right]


def _detail(grey: NDArray[np.float32]) -> float:
    """The sum of all differences between neighbours."""
    return float(np.abs(np.diff(grey, axis=0)).sum() + np.abs(np.diff(grey, axis=1)).sum())
