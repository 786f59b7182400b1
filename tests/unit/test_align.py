"""A face is turned and scaled onto the template, wherever and however large it is."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.domain.arrays import Image, Landmarks
from pipeline.vision.align import crop_faces, resized, similarity

SIDE_PX = 128
TEMPLATE: Landmarks = np.array([(40, 59), (87, 59), (64, 82), (45, 106), (84, 106)], np.float32)


def moved(scale: float, degrees: float, x_px: float, y_px: float) -> NDArray[np.float64]:
    """The matrix that turns, scales and shifts."""
    cos, sin = (scale * f(math.radians(degrees)) for f in (math.cos, math.sin))
    return np.array([[cos, -sin, x_px], [sin, cos, y_px]])


def applied(matrix: NDArray[np.float64], points: Landmarks) -> Landmarks:
    return (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def face_of(side_px: float, degrees: float, centre_px: float) -> Landmarks:
    """The template as a face of that size would show it, turned, in the middle of an image."""
    scale = side_px / SIDE_PX
    turn = moved(scale, degrees, 0, 0)
    return applied(turn, TEMPLATE - TEMPLATE.mean(axis=0)) + np.float32(centre_px)


def spot(size_px: int, point: NDArray[np.float32], sigma_px: float) -> Image:
    """A black image with one bright, soft spot."""
    y, x = np.mgrid[:size_px, :size_px]
    bright = 255 * np.exp(-((x - point[0]) ** 2 + (y - point[1]) ** 2) / (2 * sigma_px**2))
    return np.repeat(bright.astype(np.uint8)[:, :, None], 3, axis=2)


@given(
    scale=st.floats(0.02, 50),
    degrees=st.floats(-180, 180),
    x_px=st.floats(-3000, 3000),
    y_px=st.floats(-3000, 3000),
)
def test_any_rotation_scale_and_shift_is_recovered(
    scale: float, degrees: float, x_px: float, y_px: float
) -> None:
    wanted = moved(scale, degrees, x_px, y_px)

    found = similarity(TEMPLATE, applied(wanted, TEMPLATE))

    assert found[:, :2] == pytest.approx(wanted[:, :2], abs=1e-4)
    assert found[:, 2] == pytest.approx(wanted[:, 2], abs=0.02)


def test_a_mirrored_face_is_never_flipped_back() -> None:
    mirrored = TEMPLATE * np.array([-1, 1], np.float32)

    assert np.linalg.det(similarity(mirrored, TEMPLATE)[:, :2]) >= 0


def test_five_points_in_one_place_give_finite_numbers() -> None:
    assert np.isfinite(similarity(np.zeros((5, 2), np.float32), TEMPLATE)).all()


@pytest.mark.parametrize("degrees", [0, 25, -80, 180])
@pytest.mark.parametrize("side_px", [40, 127, 300, 700])
@pytest.mark.parametrize("point", range(5))
def test_the_crop_places_each_point_on_the_template(
    side_px: int, degrees: float, point: int
) -> None:
    size_px = side_px * 2 + 1
    face = face_of(side_px, degrees, size_px / 2)
    image = spot(size_px, face[point], sigma_px=max(1.5, side_px / 40))

    (crop,) = crop_faces(image, [face], template=TEMPLATE, side_px=SIDE_PX)

    weight = crop[:, :, 0].astype(np.float64)
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX]
    centre = np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()
    assert np.abs(centre - TEMPLATE[point]).max() < 0.2


def test_a_large_face_is_not_aliased() -> None:
    stripes = np.zeros((1024, 1024, 3), np.uint8)
    stripes[:, ::2] = 255
    face = face_of(700, 10, 512)
    matrix = similarity(face, TEMPLATE)
    naive = cv2.warpAffine(stripes, matrix, (SIDE_PX, SIDE_PX), flags=cv2.INTER_LINEAR)
    assert naive.std() > 40  # what sampling alone would give

    (crop,) = crop_faces(stripes, [face], template=TEMPLATE, side_px=SIDE_PX)

    assert crop.std() < 2
    assert crop.mean() == pytest.approx(127.5, abs=2)


@pytest.mark.parametrize("centre_px", [(0, 0), (37, 1001), (500, 611), (1200, 1023)])
@pytest.mark.parametrize("side_px", [260, 700, 3000])
def test_a_crop_is_that_of_the_whole_image_halved(side_px: int, centre_px: tuple[int, int]) -> None:
    image: Image = np.random.default_rng(0).integers(0, 256, (1024, 1200, 3)).astype(np.uint8)
    face = face_of(side_px, 20, 0) + np.array(centre_px, np.float32)
    whole, matrix = image, similarity(face, TEMPLATE)
    while np.hypot(matrix[0, 0], matrix[1, 0]) < 0.5:
        whole = resized(whole, 0.5)
        matrix = np.column_stack([2 * matrix[:, :2], matrix @ [0.5, 0.5, 1.0]])
    wanted = cv2.warpAffine(whole, matrix, (SIDE_PX, SIDE_PX), flags=cv2.INTER_LINEAR)

    (crop,) = crop_faces(image, [face], template=TEMPLATE, side_px=SIDE_PX)

    # Rounding of positions alone.
    assert np.abs(crop.astype(int) - wanted).max() <= 2


def test_five_points_in_one_place_give_a_crop() -> None:
    image = np.full((200, 300, 3), 9, np.uint8)
    nowhere = np.full((5, 2), 50, np.float32)

    crops = crop_faces(image, [nowhere], template=TEMPLATE, side_px=SIDE_PX)

    assert crops.shape == (1, SIDE_PX, SIDE_PX, 3)


def test_what_lies_outside_the_image_is_black() -> None:
    white = np.full((200, 200, 3), 255, np.uint8)
    face = face_of(128, 0, 0)

    (crop,) = crop_faces(white, [face], template=TEMPLATE, side_px=SIDE_PX)

    assert crop[0, 0].tolist() == [0, 0, 0]
    assert crop[-1, -1].tolist() == [255, 255, 255]


def test_each_face_has_its_own_crop() -> None:
    image = np.zeros((300, 300, 3), np.uint8)
    image[:, 150:] = 255
    faces = [face_of(60, 0, 60), face_of(60, 0, 240)]

    crops = crop_faces(image, faces, template=TEMPLATE, side_px=SIDE_PX)

    assert crops.shape == (2, SIDE_PX, SIDE_PX, 3)
    assert [crop[64, 64, 0] for crop in crops] == [0, 255]


def test_no_faces_make_no_crops() -> None:
    crops = crop_faces(np.zeros((9, 9, 3), np.uint8), [], template=TEMPLATE, side_px=SIDE_PX)

    assert crops.shape == (0, SIDE_PX, SIDE_PX, 3)
