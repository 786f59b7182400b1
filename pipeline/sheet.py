"""A contact sheet: found photos as cards on one page, with the faces boxed.

Drawn with Pillow and its built-in font, so that it looks the same on every machine.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Rgb: TypeAlias = tuple[int, int, int]
MIN_CELL_PX = 120

Box: TypeAlias = tuple[float, float, float, float]
"""x, y, width, height in px."""
Edges: TypeAlias = tuple[float, float, float, float]
"""Left, upper, right, lower in px."""
Tone: TypeAlias = Literal["sure", "maybe"]

BOX_COLOURS: Final[dict[Tone, Rgb]] = {
    "sure": (34, 197, 94),
    "maybe": (245, 166, 11),
}
MARGIN_PX: Final = 32
GAP_PX: Final = 20
HEADER_PX: Final = 92
TEXT_PX: Final = 62
FRAME_ASPECT: Final = 4 / 3

_PAGE: Final[Rgb] = (241, 243, 246)
_CARD: Final[Rgb] = (255, 255, 255)
_SHADOW: Final[Rgb] = (221, 225, 231)
_INK: Final[Rgb] = (24, 29, 38)
_GREY: Final[Rgb] = (108, 117, 130)
_PILL_INK: Final[dict[Tone, Rgb]] = {
    "sure": (4, 40, 18),
    "maybe": (59, 36, 0),
}
_RADIUS_PX: Final = 14
_PAD_PX: Final = 14
_LINE_PX: Final = 3
_MIN_BOX_PX: Final = 18
_FINER: Final = 3
"""Shapes are drawn this many times larger and scaled down: Pillow's own have jagged edges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One card.

    `image` is BGR uint8 (H, W, 3); `boxes` are x, y, width, height in px of it. `label` is the
    text of the pill ("sure 0.82"); without one it reads as the tone.
    """

    image: NDArray[np.uint8]
    boxes: Sequence[Box]
    tone: Tone
    caption: str
    detail: str
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Which part of an image its frame shows: left, upper, width, height in px of the image.

    `whole` tells a letterboxed image, one that could only be cropped through a box.
    """

    left: float
    upper: float
    width: float
    height: float
    whole: bool


def save_sheet(
    path: Path, cells: Sequence[Cell], *, title: str, columns: int = 4, cell_px: int = 300
) -> None:
    """Write the sheet as PNG. Raises OSError when the file can't be written."""
    path.write_bytes(draw_sheet(cells, title=title, columns=columns, cell_px=cell_px))


def draw_sheet(cells: Sequence[Cell], *, title: str, columns: int = 4, cell_px: int = 300) -> bytes:
    """The sheet as PNG: a title with the count, then one card of `cell_px` width per cell.

    Raises ValueError for fewer than one column, a card narrower than 120 px or an empty image.
    """
    if columns < 1 or cell_px < MIN_CELL_PX:
        raise ValueError(f"no room to draw: {columns} columns of {cell_px} px")
    # A single card on a wide page would look like a mistake; two columns hold the title.
    across = max(min(columns, len(cells)), min(columns, 2))
    rows = max(1, -(-len(cells) // across))
    card_height = frame_height(cell_px) + TEXT_PX
    page = Image.new(
        "RGB",
        (
            2 * MARGIN_PX + across * cell_px + (across - 1) * GAP_PX,
            HEADER_PX + rows * card_height + (rows - 1) * GAP_PX + MARGIN_PX,
        ),
        _PAGE,
    )
    _draw_header(page, title, len(cells))
    if not cells:
        _draw_nothing(page, card_height)
    for number, cell in enumerate(cells):
        row, column = divmod(number, across)
        corner = (
            MARGIN_PX + column * (cell_px + GAP_PX),
            HEADER_PX + row * (card_height + GAP_PX),
        )
        _draw_card(page, cell, corner, (cell_px, card_height))
    return _png(page)


def frame_height(cell_px: int) -> int:
    """Height in px of a card's picture."""
    return round(cell_px / FRAME_ASPECT)


def choose_view(
    image_size: tuple[int, int], frame_size: tuple[int, int], boxes: Sequence[Box]
) -> View:
    """The part of an image to show: it fills the frame, and no box is cut.

    Sizes are width, height in px. The crop starts from the middle and moves no further than the
    boxes ask; the whole image is shown where no crop holds them all.
    """
    width, height = image_size
    scale = min(width / frame_size[0], height / frame_size[1])
    view_width, view_height = frame_size[0] * scale, frame_size[1] * scale
    left, upper = (width - view_width) / 2, (height - view_height) / 2
    # Room for hair and chin where there is some; room for the line around a box always.
    for share, room in ((0.5, 0.0), (0.0, 2 * _LINE_PX * scale)):
        edges = [_grown(box, image_size, share, room) for box in boxes]
        if not edges:
            break
        x0, y0 = min(edge[0] for edge in edges), min(edge[1] for edge in edges)
        x1, y1 = max(edge[2] for edge in edges), max(edge[3] for edge in edges)
        if share == 0 and (x1 - x0 > view_width or y1 - y0 > view_height):
            return View(left=0, upper=0, width=width, height=height, whole=True)
        left = min(max(left, x1 - view_width), x0)
        upper = min(max(upper, y1 - view_height), y0)
    left, upper = min(left, width - view_width), min(upper, height - view_height)
    return View(left=left, upper=upper, width=view_width, height=view_height, whole=False)


def _grown(box: Box, image_size: tuple[int, int], share: float, room: float) -> Edges:
    """The box as left, upper, right, lower, grown by a share of its size or by `room` px.

    It stays inside the image.
    """
    x, y, width, height = box
    grow_x, grow_y = max(width * share, room), max(height * share, room)
    return (
        min(max(x - grow_x, 0), image_size[0]),
        min(max(y - grow_y, 0), image_size[1]),
        min(max(x + width + grow_x, 0), image_size[0]),
        min(max(y + height + grow_y, 0), image_size[1]),
    )


# --- drawing ------------------------------------------------------------------------------------


def _draw_header(page: Image.Image, title: str, count: int) -> None:
    draw = ImageDraw.Draw(page)
    counted = "" if count == 0 else "1 photo" if count == 1 else f"{count} photos"
    count_font, title_font = _font(17), _font(28)
    room = page.width - 2 * MARGIN_PX
    count_width = count_font.getlength(counted)
    shown = _fitted(_plain(title), title_font, room - count_width - 2 * GAP_PX)
    base = HEADER_PX - 36
    draw.text((MARGIN_PX, base), shown, _INK, title_font, "ls", stroke_width=0.4)
    draw.text((page.width - MARGIN_PX, base), counted, _GREY, count_font, "rs")


def _draw_nothing(page: Image.Image, height: int) -> None:
    size = (page.width - 2 * MARGIN_PX, height)
    card = Image.new("RGB", size, _CARD)
    middle = (size[0] / 2, size[1] / 2)
    ImageDraw.Draw(card).text(middle, "No photos", _GREY, _font(22), "mm")
    _paste_card(page, card, (MARGIN_PX, HEADER_PX))


def _draw_card(
    page: Image.Image, cell: Cell, corner: tuple[int, int], size: tuple[int, int]
) -> None:
    width, height = size
    card = Image.new("RGB", size, _CARD)
    card.paste(_picture(cell, (width, height - TEXT_PX)), (0, 0))
    draw = ImageDraw.Draw(card)
    room = width - 2 * _PAD_PX
    top = height - TEXT_PX
    caption_font, detail_font = _font(16), _font(13)
    caption = _fitted(_plain(cell.caption), caption_font, room)
    draw.text((_PAD_PX, top + 26), caption, _INK, caption_font, "ls", stroke_width=0.2)
    detail = _fitted(_plain(cell.detail), detail_font, room)
    draw.text((_PAD_PX, top + 47), detail, _GREY, detail_font, "ls")
    _paste_card(page, card, corner)


def _picture(cell: Cell, size: tuple[int, int]) -> Image.Image:
    """The cell's image in its frame, with boxes and pill."""
    height, width = cell.image.shape[:2]
    if not width or not height:
        raise ValueError(f"the image of {cell.caption!r} is empty")
    view = choose_view((width, height), size, cell.boxes)
    if view.whole:
        scale = min(size[0] / width, size[1] / height)
        shown = (max(1, round(width * scale)), max(1, round(height * scale)))
        offset = ((size[0] - shown[0]) // 2, (size[1] - shown[1]) // 2)
        around = _shown(cell.image, choose_view((width, height), size, ()), size)
        picture = around.filter(ImageFilter.GaussianBlur(14)).point(lambda level: level * 0.7)
        picture.paste(_shown(cell.image, view, shown), offset)
    else:
        scale, offset = size[0] / view.width, (0, 0)
        picture = _shown(cell.image, view, size)

    # A finer shade costs half the file and shows to nobody; the colours drawn later stay exact.
    picture = picture.point([level & 0xFC | level >> 6 for level in range(256)] * 3)

    edges = [_grown(box, (width, height), 0, 0) for box in cell.boxes]
    placed = [
        (
            offset[0] + (x0 - view.left) * scale,
            offset[1] + (y0 - view.upper) * scale,
            offset[0] + (x1 - view.left) * scale,
            offset[1] + (y1 - view.upper) * scale,
        )
        for x0, y0, x1, y1 in edges
    ]
    overlay = Image.new("RGBA", (size[0] * _FINER, size[1] * _FINER))
    draw = ImageDraw.Draw(overlay)
    colour = BOX_COLOURS[cell.tone]
    for box in placed:
        _draw_box(draw, box, size, colour)
    text = _fitted(_plain(cell.label) or cell.tone, _font(13), size[0] - 44)
    pill = _pill_place(text, size, placed)
    fine_pill = tuple(edge * _FINER for edge in pill)
    radius = (pill[3] - pill[1]) * _FINER / 2
    draw.rounded_rectangle(fine_pill, radius, fill=(*colour, 255))
    overlay = overlay.resize(size, Image.Resampling.BOX)
    picture.paste(overlay, (0, 0), overlay)
    middle = ((pill[0] + pill[2]) / 2, (pill[1] + pill[3]) / 2)
    ImageDraw.Draw(picture).text(middle, text, _PILL_INK[cell.tone], _font(13), "mm")
    return picture


def _draw_box(
    draw: ImageDraw.ImageDraw,
    box: Edges,
    size: tuple[int, int],
    colour: Rgb,
) -> None:
    """A rounded outline whose middle line is the box, kept inside the picture."""
    half = _LINE_PX / 2
    # A smaller ring would hide the face that it shows.
    x0, y0, x1, y1 = box
    grow_x, grow_y = max(0, _MIN_BOX_PX - (x1 - x0)) / 2, max(0, _MIN_BOX_PX - (y1 - y0)) / 2
    x0, x1 = max(x0 - grow_x, half + 1), min(x1 + grow_x, size[0] - half - 1)
    y0, y1 = max(y0 - grow_y, half + 1), min(y1 + grow_y, size[1] - half - 1)
    if x1 <= x0 or y1 <= y0:
        return
    radius = min(8.0, (x1 - x0) / 4, (y1 - y0) / 4)
    # A dark line under the coloured one: it parts them from a picture as bright as they are.
    for extra, ink in ((1.0, (0, 0, 0, 130)), (0.0, (*colour, 255))):
        reach = half + extra
        fine = tuple(edge * _FINER for edge in (x0 - reach, y0 - reach, x1 + reach, y1 + reach))
        draw.rounded_rectangle(
            (fine[0], fine[1], fine[2] - 1, fine[3] - 1),
            (radius + reach) * _FINER,
            outline=ink,
            width=round((_LINE_PX + 2 * extra) * _FINER),
        )


def _pill_place(text: str, size: tuple[int, int], boxes: Sequence[Edges]) -> Edges:
    """The first corner of the picture where the pill covers no face."""
    width, height = _font(13).getlength(text) + 20, 24
    lefts, uppers = (10, size[0] - 10 - width), (10, size[1] - 10 - height)
    places = [(x, y, x + width, y + height) for y in uppers for x in lefts]
    return next((place for place in places if not any(_meet(place, b) for b in boxes)), places[0])


def _meet(one: Edges, other: Edges) -> bool:
    room = 2 * _LINE_PX
    return (
        one[0] < other[2] + room
        and other[0] < one[2] + room
        and one[1] < other[3] + room
        and other[1] < one[3] + room
    )


def _shown(image: NDArray[np.uint8], view: View, size: tuple[int, int]) -> Image.Image:
    """The view of a BGR image, scaled to `size`, as RGB."""
    # Cut before converting: most of a large photo may lie outside.
    x0, y0 = int(view.left), int(view.upper)
    x1, y1 = int(np.ceil(view.left + view.width)), int(np.ceil(view.upper + view.height))
    part = Image.fromarray(np.ascontiguousarray(image[y0:y1, x0:x1, ::-1]))
    window = (
        max(0.0, view.left - x0),
        max(0.0, view.upper - y0),
        min(view.left - x0 + view.width, part.width),
        min(view.upper - y0 + view.height, part.height),
    )
    return part.resize(size, Image.Resampling.LANCZOS, window, reducing_gap=3.0)


def _paste_card(page: Image.Image, card: Image.Image, corner: tuple[int, int]) -> None:
    """Put a card on the page: round corners, and a shadow below it."""
    mask = _rounded_mask(card.size)
    page.paste(_SHADOW, (corner[0], corner[1] + 2), mask)
    page.paste(card, corner, mask)


@cache
def _rounded_mask(size: tuple[int, int]) -> Image.Image:
    large = Image.new("L", (size[0] * _FINER, size[1] * _FINER))
    edge = (0, 0, large.width - 1, large.height - 1)
    ImageDraw.Draw(large).rounded_rectangle(edge, _RADIUS_PX * _FINER, fill=255)
    return large.resize(size, Image.Resampling.BOX)


# --- text ---------------------------------------------------------------------------------------


@cache
def _font(size_px: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size_px)
    # Without FreeType, Pillow falls back to a bitmap font that has no sizes.
    assert isinstance(font, ImageFont.FreeTypeFont), "Pillow lacks FreeType"
    return font


# What the built-in font (a part of Aileron) lacks and no decomposition gives.
_STAND_INS: Final = str.maketrans(
    {
        "\N{EN DASH}": "-",
        "\N{EM DASH}": "-",
        "\N{MINUS SIGN}": "-",
        "\N{NON-BREAKING HYPHEN}": "-",
        "\N{MULTIPLICATION SIGN}": "x",
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
        "•": "·",
        "„": "“",
        "→": ">",
        "€": "EUR",
        "ß": "ss",
        **dict(zip("øØłŁđĐ", "oOlLdD", strict=True)),
        "æ": "ae",
        "Æ": "AE",
        "œ": "oe",
        "Œ": "OE",
    }
)


@cache
def _has_glyph(character: str) -> bool:
    font = _font(20)
    missing = bytes(font.getmask("\uffff"))
    return character == " " or bytes(font.getmask(character)) not in (missing, b"")


def _plain(text: str) -> str:
    """The text in characters that the font can draw: é loses its accent, an emoji goes."""
    decomposed = unicodedata.normalize("NFKD", text.replace("…", "\0").translate(_STAND_INS))
    kept = (character for character in decomposed.replace("\0", "…") if _has_glyph(character))
    return " ".join("".join(kept).split())


def _fitted(text: str, font: ImageFont.FreeTypeFont, room_px: float) -> str:
    """The text, or its beginning and an ellipsis, no wider than `room_px`."""
    if font.getlength(text) <= room_px:
        return text
    # A name of a thousand characters is not worth measuring a thousand times.
    text = text[:200]
    while text and font.getlength(text + "…") > room_px:
        text = text[:-1]
    return text.rstrip() + "…"


# --- file ---------------------------------------------------------------------------------------


def _png(page: Image.Image) -> bytes:
    out = BytesIO()
    page.save(out, "PNG", optimize=False, compress_level=6)
    return out.getvalue()
