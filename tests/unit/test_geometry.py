"""Boxes overlap and rows become unit vectors as mathematics says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_st
from numpy.typing import NDArray

from pipeline.domain.arrays import unit
from pipeline.domain.model import Box
from tests.strategies import boxes

UNIT = Box(x_px=0, y_px=0, width_px=2, height_px=2)


def rows() -> st.SearchStrategy[NDArray[np.float32]]:
    values = st.floats(-1000, 1000, width=32).map(lambda value: 0.0 if abs(value) < 1e-6 else value)
    shapes = numpy_st.array_shapes(min_dims=1, max_dims=3, max_side=6)
    return numpy_st.arrays(np.float32, shapes, elements=values)


@given(boxes(), boxes())
def test_overlap_is_a_share_between_nothing_and_all(one: Box, other: Box) -> None:
    assert 0.0 <= one.overlap(other) <= 1.0 + 1e-9


@given(boxes(), boxes())
def test_overlap_is_the_same_from_both_sides(one: Box, other: Box) -> None:
    assert one.overlap(other) == other.overlap(one)


@given(boxes())
def test_a_box_overlaps_itself_whole(box: Box) -> None:
    assert box.overlap(box) == pytest.approx(1.0)


@given(boxes(), st.floats(0, 100))
def test_boxes_apart_do_not_overlap(box: Box, gap_px: float) -> None:
    beside = Box(
        x_px=box.x_px + box.width_px + gap_px,
        y_px=box.y_px,
        width_px=box.width_px,
        height_px=box.height_px,
    )

    assert box.overlap(beside) == pytest.approx(0.0, abs=1e-9)


@given(boxes(), st.floats(0.1, 1.0), st.floats(0.1, 1.0))
def test_a_box_inside_another_overlaps_by_their_areas(box: Box, across: float, down: float) -> None:
    inside = Box(
        x_px=box.x_px,
        y_px=box.y_px,
        width_px=box.width_px * across,
        height_px=box.height_px * down,
    )

    assert box.overlap(inside) == pytest.approx(across * down, rel=1e-6)


@pytest.mark.parametrize(
    ("x_px", "y_px", "share"), [(1, 0, 1 / 3), (0, 1, 1 / 3), (1, 1, 1 / 7), (2, 0, 0), (0, -2, 0)]
)
def test_overlap_is_intersection_over_union(x_px: float, y_px: float, share: float) -> None:
    moved = Box(x_px=x_px, y_px=y_px, width_px=2, height_px=2)

    assert UNIT.overlap(moved) == pytest.approx(share)


@given(rows())
def test_rows_come_out_with_unit_length_and_zeros_stay_zeros(values: NDArray[np.float32]) -> None:
    lengths = np.linalg.norm(unit(values), axis=-1)

    assert lengths == pytest.approx(np.any(values != 0, axis=-1).astype(float), abs=1e-5)


@given(rows())
def test_scaling_to_unit_length_keeps_the_direction(values: NDArray[np.float32]) -> None:
    lengths = np.linalg.norm(values.astype(np.float64), axis=-1, keepdims=True)

    assert np.allclose(unit(values) * lengths, values, rtol=1e-5, atol=1e-5)


@given(rows())
def test_unit_rows_are_float32(values: NDArray[np.float32]) -> None:
    assert unit(values.astype(np.float64)).dtype == np.float32
