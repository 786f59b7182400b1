"""Which face a verdict is about, as a button carries it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.payloads import (
    FaceInPhoto,
    StaleButtonError,
)
from pipeline.domain.model import Box, PhotoId
from pipeline.domain.verdicts import SAME_FACE_OVERLAP


def faces() -> st.SearchStrategy[Box]:
    """Boxes that a face can have, in photos of up to 200 megapixels."""
    return st.builds(
        Box,
        x_px=st.floats(-500, 20_000),
        y_px=st.floats(-500, 20_000),
        width_px=st.floats(10, 20_000),
        height_px=st.floats(10, 20_000),
    )


@given(faces(), st.integers(1, 2**63 - 1))
def test_a_face_comes_back_as_the_same_face(box: Box, photo_id: int) -> None:
    face = FaceInPhoto(photo_id=PhotoId(photo_id), box=box)

    back = FaceInPhoto.from_value(face.value())

    assert back.photo_id == photo_id
    assert back.box.overlap(box) >= SAME_FACE_OVERLAP
    assert back.value() == face.value()


@given(faces(), st.integers(1, 2**63 - 1))
def test_a_verdict_with_its_face_fits_an_option(box: Box, photo_id: int) -> None:
    value = FaceInPhoto(photo_id=PhotoId(photo_id), box=box).value()

    assert len(f"not me {value}") <= 150


@pytest.mark.parametrize(
    "value",
    ["", "1", "1:2:3:4", "1:2:3:4:5:6", "a:2:3:4:5", "1:2.5:3:4:5", "01:2:3:4:5", " 1:2:3:4:5"],
)
def test_a_face_of_an_earlier_version_is_stale(value: str) -> None:
    with pytest.raises(StaleButtonError):
        FaceInPhoto.from_value(value)
