"""Turn and scale a face onto an embedder's template. Pure geometry, no model."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.arrays import Crops, Embeddings, Image, Landmarks, unit

_MIN_REDUCTION = 2.0
# What becomes one pixel when an image is halved five times: no face of one of 2,048 px needs more.
_BLOCK_PX = 32

# Each crop and its mirror image take 15 MB within the network, and 217 faces were seen in a photo.
# Of 2, 4, 8 and 32 crops at once, 4 are the fastest (`retail`: 10.2 ms each, 8: 12.2, 32: 13.7).
_AT_ONCE = 2


def similarity(points: Landmarks, template: Landmarks) -> NDArray[np.float64]:
    """The (2, 3) matrix of rotation, scale and shift that brings `points` closest to `template`.

    Least squares over the five points, without reflection (Umeyama, 1991, in its 2-D closed form).
    """
    source = points.astype(np.float64)
    target = template.astype(np.float64)
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    a, b = source - source_mean, target - target_mean
    spread = max(float((a * a).sum()), 1e-9)
    cos = float((a * b).sum()) / spread
    sin = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / spread
    matrix = np.array([[cos, -sin], [sin, cos]])
    return np.hstack([matrix, (target_mean - matrix @ source_mean)[:, None]])


def crop_faces(
    image: Image, faces: Sequence[Landmarks], *, template: Landmarks, side_px: int
) -> Crops:
    """Crops (N, side_px, side_px, 3) of the faces; what lies outside the image is black.

    A face much larger than the crop is first halved as often as needed: bilinear sampling alone
    would skip pixels and alias.
    """
    crops = np.empty((len(faces), side_px, side_px, 3), np.uint8)
    for i, points in enumerate(faces):
        matrix = similarity(points, template)
        scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
        source = image
        if 0.0 < scale * _MIN_REDUCTION < 1.0:
            source, corner = _part(image, matrix, side_px)
            matrix = _compose(matrix, np.array([[1.0, 0.0, corner[0]], [0.0, 1.0, corner[1]]]))
        while scale * _MIN_REDUCTION < 1.0 and min(source.shape[:2]) > 1:
            source = resized(source, 0.5)
            # Pixel centres move by half a pixel when an image is halved.
            matrix = _compose(matrix, np.array([[2.0, 0.0, 0.5], [0.0, 2.0, 0.5]]))
            scale *= 2.0
        crops[i] = cv2.warpAffine(source, matrix, (side_px, side_px), flags=cv2.INTER_LINEAR)
    return crops


def _part(image: Image, matrix: NDArray[np.float64], side_px: int) -> tuple[Image, tuple[int, int]]:
    """The part of the image that a crop shows, and where it begins: to halve it all takes longer.

    It begins where whole blocks of pixels do that become one, so that they are the same blocks.
    """
    edges = (-1.0, float(side_px))
    corners = np.array([(x, y) for x in edges for y in edges])
    seen = (corners - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    height, width = image.shape[:2]
    # A pixel of the halved image on each side, which bilinear sampling may look at.
    left, top = np.floor(seen.min(axis=0) / _BLOCK_PX - 1).astype(int) * _BLOCK_PX
    right, bottom = np.ceil(seen.max(axis=0) / _BLOCK_PX + 1).astype(int) * _BLOCK_PX
    left, right = np.clip([left, right], 0, width)
    top, bottom = np.clip([top, bottom], 0, height)
    if left >= right or top >= bottom:
        return image, (0, 0)
    return image[top:bottom, left:right], (int(left), int(top))


def embedded_with_mirror(crops: Crops, run: Callable[[Crops], NDArray[np.float32]]) -> Embeddings:
    """Embeddings (N, D): of each crop and its mirror image the mean direction.

    `run` turns crops (2n, S, S, 3) into rows (2n, D) of any length; it is given few at a time.
    """
    parts = (crops[i : i + _AT_ONCE] for i in range(0, len(crops), _AT_ONCE))
    return np.concatenate([_with_mirror(part, run) for part in parts])


def _with_mirror(crops: Crops, run: Callable[[Crops], NDArray[np.float32]]) -> Embeddings:
    straight, mirrored = np.split(unit(run(np.concatenate([crops, crops[:, :, ::-1]]))), 2)
    return unit(straight + mirrored)


def resized(image: Image, scale: float) -> Image:
    """The image at `scale` of its size; smaller, each new pixel is the mean of those it covers."""
    how = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    other = cv2.resize(image, None, fx=scale, fy=scale, interpolation=how)
    return np.asarray(other, np.uint8)


def _compose(second: NDArray[np.float64], first: NDArray[np.float64]) -> NDArray[np.float64]:
    """The affine map that does `first`, then `second`."""
    row = np.array([[0.0, 0.0, 1.0]])
    both: NDArray[np.float64] = np.vstack([second, row]) @ np.vstack([first, row])
    return both[:2]
