"""The contact sheet: boxes where the faces are, whatever the pictures and the words."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from pipeline.sheet import (
    BOX_COLOURS,
    GAP_PX,
    HEADER_PX,
    MARGIN_PX,
    TEXT_PX,
    Box,
    Cell,
    Tone,
    choose_view,
    draw_sheet,
    frame_height,
    save_sheet,
)


def cell(
    size: tuple[int, int] = (800, 600),
    boxes: tuple[Box, ...] = ((200, 200, 100, 120),),
    tone: Tone = "sure",
    caption: str = "IMG_2041.jpg",
    detail: str = "#launch · 14 June",
    label: str = "sure 0.82",
) -> Cell:
    image: NDArray[np.uint8] = np.full((size[1], size[0], 3), 128, np.uint8)
    return Cell(image=image, boxes=boxes, tone=tone, caption=caption, detail=detail, label=label)


def page(data: bytes) -> NDArray[np.int64]:
    image = Image.open(BytesIO(data))
    assert image.format == "PNG"
    return np.asarray(image.convert("RGB"), dtype=np.int64)


def paints(pixels: NDArray[np.int64], tone: Tone) -> bool:
    return bool((np.abs(pixels - np.array(BOX_COLOURS[tone])).max(axis=-1) < 12).any())


@pytest.mark.parametrize("tone", ["sure", "maybe"])
def test_a_box_is_drawn_in_its_tone_where_the_face_is(tone: Tone) -> None:
    pixels = page(draw_sheet([cell(tone=tone)], title="Photos"))

    # 800 px of image on 300 px of card: the left edge of the box lies at 75 px, its middle at 97.
    left_edge = pixels[HEADER_PX + 97, MARGIN_PX + 73 : MARGIN_PX + 78]
    inside = pixels[HEADER_PX + 97, MARGIN_PX + 85 : MARGIN_PX + 100]
    assert paints(left_edge, tone)
    assert not paints(inside, tone)


def test_a_box_is_parted_from_the_picture_by_a_dark_line() -> None:
    pixels = page(draw_sheet([cell()], title="Photos"))

    around = pixels[HEADER_PX + 97, MARGIN_PX + 70 : MARGIN_PX + 80]
    assert around.max(axis=-1).min() < 100


def test_boxes_and_pill_have_one_colour_on_a_card() -> None:
    pixels = page(draw_sheet([cell(tone="sure")], title="Photos"))

    assert paints(pixels, "sure")
    assert not paints(pixels, "maybe")


def test_a_photo_without_boxes_has_a_pill_alone() -> None:
    pixels = page(draw_sheet([cell(boxes=())], title="Photos"))

    frame = pixels[HEADER_PX : HEADER_PX + frame_height(300), MARGIN_PX : MARGIN_PX + 300]
    assert paints(frame[:40, :120], "sure")
    assert not paints(frame[40:], "sure")


def test_no_photos_is_a_card_without_colour() -> None:
    pixels = page(draw_sheet([], title="Photos"))

    assert not paints(pixels, "sure") | paints(pixels, "maybe")
    assert pixels[HEADER_PX + 40, pixels.shape[1] // 2].min() == 255


def test_the_page_grows_with_its_rows() -> None:
    card_height = frame_height(200) + TEXT_PX

    pixels = page(draw_sheet([cell()] * 7, title="Photos", columns=3, cell_px=200))

    assert pixels.shape[1] == 2 * MARGIN_PX + 3 * 200 + 2 * GAP_PX
    assert pixels.shape[0] == HEADER_PX + 3 * card_height + 2 * GAP_PX + MARGIN_PX


def test_the_same_cells_make_the_same_bytes() -> None:
    assert draw_sheet([cell()] * 2, title="Photos") == draw_sheet([cell()] * 2, title="Photos")


@pytest.mark.parametrize(
    "words",
    [
        "",
        "x" * 5000,
        "word " * 500,
        "naïve café – Łódź · …",
        "🎉",
        "写真.jpg",
        "line\nbreak\ttab\0",
    ],
)
def test_any_words_stay_inside_their_card(words: str) -> None:
    pixels = page(
        draw_sheet([cell(caption=words, detail=words, label=words)], title=words, cell_px=160)
    )

    top = HEADER_PX + frame_height(160)
    right_of_card = pixels[top : top + TEXT_PX, MARGIN_PX + 160 : MARGIN_PX + 160 + GAP_PX]
    assert right_of_card.min() > 200
    assert pixels[:, -MARGIN_PX + 1 :].min() > 200


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (60, 4000), (5000, 60), (6000, 4000), (90, 90)])
def test_huge_tiny_and_narrow_pictures_fill_their_frame(size: tuple[int, int]) -> None:
    pixels = page(draw_sheet([cell(size=size, boxes=((0, 0, *size),))], title="Photos"))

    frame = pixels[HEADER_PX : HEADER_PX + frame_height(300), MARGIN_PX : MARGIN_PX + 300]
    assert frame[30:-2, 2:-2].max() < 255
    assert paints(frame, "sure")


def test_fifty_boxes_are_all_drawn() -> None:
    boxes = tuple((40.0 + 76 * i, 40.0 + 110 * j, 40.0, 50.0) for i in range(10) for j in range(5))

    pixels = page(draw_sheet([cell(boxes=boxes, tone="maybe")], title="Photos"))

    for x, y, _, height in boxes:
        row, column = HEADER_PX + round((y + height / 2) * 0.375), MARGIN_PX + round(x * 0.375)
        assert paints(pixels[row, column - 3 : column + 4], "maybe"), (x, y)


def test_a_sheet_of_thirty_colourful_photos_stays_under_two_megabytes() -> None:
    chance = np.random.default_rng(1)
    small = chance.integers(0, 255, (24, 32, 3), dtype=np.uint8)
    image = np.asarray(Image.fromarray(small).resize((800, 600), Image.Resampling.BICUBIC))
    one = Cell(image=image, boxes=(), tone="sure", caption="a", detail="b")

    assert len(draw_sheet([one] * 30, title="Photos")) < 2_000_000


def test_a_sheet_is_saved_as_drawn(tmp_path: Path) -> None:
    save_sheet(tmp_path / "sheet.png", [cell()], title="Photos")

    assert (tmp_path / "sheet.png").read_bytes() == draw_sheet([cell()], title="Photos")


def test_an_empty_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="is empty"):
        draw_sheet([cell(size=(0, 10))], title="Photos")


@pytest.mark.parametrize(("columns", "cell_px"), [(0, 300), (4, 50)])
def test_a_page_without_room_is_refused(columns: int, cell_px: int) -> None:
    with pytest.raises(ValueError, match="no room"):
        draw_sheet([cell()], title="Photos", columns=columns, cell_px=cell_px)


@given(
    width=st.integers(1, 6000),
    height=st.integers(1, 6000),
    places=st.lists(
        st.tuples(*(st.floats(0, 1, allow_subnormal=False) for _ in range(4))), max_size=4
    ),
)
def test_a_crop_never_cuts_a_box_and_never_leaves_the_image(
    width: int, height: int, places: list[tuple[float, float, float, float]]
) -> None:
    boxes = [
        (x * width, y * height, w * (1 - x) * width, h * (1 - y) * height) for x, y, w, h in places
    ]

    view = choose_view((width, height), (300, 225), boxes)

    slack = 1e-6 * max(width, height)
    assert view.left >= -slack
    assert view.upper >= -slack
    assert view.left + view.width <= width + slack
    assert view.upper + view.height <= height + slack
    for x, y, w, h in boxes:
        assert view.left - slack <= x
        assert view.upper - slack <= y
        assert x + w <= view.left + view.width + slack
        assert y + h <= view.upper + view.height + slack


def test_a_face_at_the_upper_edge_of_a_portrait_photo_stays_in_view() -> None:
    view = choose_view((600, 1200), (300, 225), [(200, 20, 200, 250)])

    assert not view.whole
    assert view.upper == 0


def test_two_faces_too_far_apart_for_any_crop_show_the_whole_photo() -> None:
    view = choose_view((2400, 600), (300, 225), [(10, 100, 90, 120), (2250, 100, 90, 120)])

    assert view.whole
    assert (view.width, view.height) == (2400, 600)
