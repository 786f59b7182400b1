"""Quality tells a face that can be relied on from one that can't."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.arrays import Image, Landmarks
from pipeline.domain.model import Box, Detection
from pipeline.vision.quality import (
    QualityFactors,
    pose_factor,
    quality,
    quality_factors,
    score_factor,
    sharpness_factor,
    size_factor,
)

# A face that looks straight at us, about 60 px between the eyes.
FRONTAL: Landmarks = np.array([(70, 80), (130, 80), (100, 115), (75, 150), (125, 150)], np.float32)
FACE = Box(x_px=40, y_px=20, width_px=120, height_px=160)


def textured(side_px: int = 200) -> Image:
    """Noise with detail at every scale, as skin and hair have it."""
    random = np.random.default_rng(7)
    noise = np.zeros((side_px, side_px), np.float32)
    for scale, amount in ((2, 10), (4, 15), (8, 20), (20, 25)):
        coarse = random.normal(0, amount, (side_px // scale, side_px // scale)).astype(np.float32)
        noise += cv2.resize(coarse, (side_px, side_px), interpolation=cv2.INTER_CUBIC)
    grey = np.clip(128 + noise, 0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)


def blurred(image: Image, sigma_px: float) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px), np.uint8)


def turned(landmarks: Landmarks, degrees: float) -> Landmarks:
    angle = math.radians(degrees)
    matrix = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return np.asarray(landmarks @ matrix.T, np.float32)


def with_nose_at(x_px: float) -> Landmarks:
    moved = FRONTAL.copy()
    moved[2, 0] = x_px
    return moved


def detection(box: Box = FACE, score: float = 0.95) -> Detection:
    return Detection(box=box, landmarks=FRONTAL, score=score)


def test_a_large_sharp_frontal_face_is_nearly_perfect() -> None:
    assert quality(textured(), detection()) > 0.95


def test_the_overall_quality_is_the_product_of_its_factors() -> None:
    factors = QualityFactors(size=0.5, sharpness=0.5, pose=0.8, score=1.0)
    assert factors.overall == pytest.approx(0.2)
    assert quality(textured(), detection()) == quality_factors(textured(), detection()).overall


@pytest.mark.parametrize(("side_px", "expected"), [(8, 0), (16, 0), (64, 0.5), (112, 1), (900, 1)])
def test_a_face_counts_for_more_the_larger_it_is(side_px: float, expected: float) -> None:
    assert size_factor(side_px) == pytest.approx(expected)


@given(st.floats(0, 1e5), st.floats(0, 1e5))
def test_size_never_counts_against_a_face(one: float, other: float) -> None:
    assert (size_factor(one) - size_factor(other)) * (one - other) >= 0


def test_a_face_out_of_focus_falls_below_half() -> None:
    skimage_data = pytest.importorskip("skimage.data", reason="pip install -e '.[demo]'")
    image = np.ascontiguousarray(skimage_data.astronaut()[:, :, ::-1])
    face = Box(x_px=181, y_px=58, width_px=89, height_px=118)
    assert sharpness_factor(image, face) > 0.9
    assert sharpness_factor(blurred(image, 0.02 * face.short_side_px), face) > 0.5
    assert sharpness_factor(blurred(image, 0.035 * face.short_side_px), face) < 0.5


def test_sharpness_falls_as_the_blur_grows() -> None:
    values = [sharpness_factor(blurred(textured(), sigma), FACE) for sigma in (0.5, 2, 3, 4, 5, 7)]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize(("gain", "shift"), [(0.4, 20), (1, 40), (0.7, 0)])
def test_sharpness_does_not_ask_for_light_or_contrast(gain: float, shift: int) -> None:
    for sigma_px in (1.0, 3.5):
        image = blurred(textured(), sigma_px)
        dim = np.clip(image * gain + shift, 0, 255).astype(np.uint8)
        assert sharpness_factor(dim, FACE) == pytest.approx(sharpness_factor(image, FACE), abs=0.1)


def test_a_very_large_face_is_judged_as_its_smaller_copy_is() -> None:
    small = blurred(textured(), 2.5)
    large = np.asarray(cv2.resize(small, None, fx=6, fy=6), np.uint8)
    box = Box(x_px=240, y_px=120, width_px=720, height_px=960)
    assert sharpness_factor(large, box) == pytest.approx(sharpness_factor(small, FACE), abs=0.1)


@pytest.mark.parametrize(
    "box",
    [
        Box(x_px=-50, y_px=-50, width_px=100, height_px=100),
        Box(x_px=150, y_px=150, width_px=100, height_px=100),
        Box(x_px=-500, y_px=10, width_px=100, height_px=100),
        Box(x_px=500, y_px=10, width_px=100, height_px=100),
        Box(x_px=10, y_px=10, width_px=0.2, height_px=0.2),
    ],
)
def test_a_face_at_or_past_the_edge_has_a_quality_too(box: Box) -> None:
    assert 0.0 <= quality(textured(), detection(box)) <= 1.0


@pytest.mark.parametrize("degrees", [-180, -90, -20, 15, 45])
def test_a_tilted_head_is_as_good_as_an_upright_one(degrees: float) -> None:
    assert pose_factor(turned(FRONTAL, degrees)) == pytest.approx(pose_factor(FRONTAL), abs=1e-5)


def test_a_head_turned_aside_counts_for_less() -> None:
    values = [pose_factor(with_nose_at(x)) for x in (100, 118, 125, 135, 150)]
    assert values[0] == 1.0
    assert values == sorted(values, reverse=True)
    assert values[-1] == 0.0


@given(st.floats(0, 60))
def test_left_and_right_are_alike(aside_px: float) -> None:
    left, right = with_nose_at(100 - aside_px), with_nose_at(100 + aside_px)
    assert pose_factor(left) == pytest.approx(pose_factor(right), abs=1e-4)


def test_five_points_in_one_place_are_no_pose() -> None:
    assert pose_factor(np.zeros((5, 2), np.float32)) == 0.0


@given(st.floats(0, 1))
def test_a_score_becomes_a_factor(score: float) -> None:
    assert 0.0 <= score_factor(score) <= 1.0


def test_a_doubtful_detection_counts_for_less() -> None:
    assert score_factor(0.6) == pytest.approx(0.5)
    assert score_factor(0.9) == 1.0
