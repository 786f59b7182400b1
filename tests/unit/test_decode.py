"""Whatever a phone, camera or scanner writes is read upright; what is no picture says why."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PilImage

from pipeline.domain.arrays import Image
from pipeline.errors import UnreadablePhotoError
from pipeline.vision.decode import decode
from pipeline.vision.limits import LARGEST_BYTES, MAX_SIDE_PX

pillow_heif.register_heif_opener(thumbnails=False)

WIDTH_PX, HEIGHT_PX = 96, 64
RED, GREEN, BLUE, WHITE = (220, 20, 20), (20, 200, 20), (20, 20, 220), (255, 255, 255)
CORNERS = (RED, GREEN, BLUE, WHITE)
DAMAGED = "the picture is damaged or cut off"
NO_PICTURE = "the file is not a picture that Findme can read"

# How a camera that was held so stores the upright picture (EXIF 2.3, tag 0x0112).
Turn = PilImage.Transpose
STORED = {
    1: None,
    2: Turn.FLIP_LEFT_RIGHT,
    3: Turn.ROTATE_180,
    4: Turn.FLIP_TOP_BOTTOM,
    5: Turn.TRANSPOSE,
    6: Turn.ROTATE_90,
    7: Turn.TRANSVERSE,
    8: Turn.ROTATE_270,
}
FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    "jpeg": ("JPEG", {"quality": 95}),
    "progressive jpeg": ("JPEG", {"quality": 95, "progressive": True}),
    "mpo": ("MPO", {"quality": 95, "save_all": True}),
    "png": ("PNG", {}),
    "webp": ("WEBP", {"quality": 95}),
    "lossless webp": ("WEBP", {"lossless": True}),
    "gif": ("GIF", {}),
    "bmp": ("BMP", {}),
    "tiff": ("TIFF", {}),
    "lzw tiff": ("TIFF", {"compression": "tiff_lzw"}),
    "heic": ("HEIF", {"quality": 95}),
}


def corners(width_px: int = WIDTH_PX, height_px: int = HEIGHT_PX) -> PilImage.Image:
    """Red and green above, blue and white below."""
    picture = PilImage.new("RGB", (width_px, height_px))
    half = width_px // 2, height_px // 2
    for i, colour in enumerate(CORNERS):
        picture.paste(
            colour,
            (
                half[0] * (i % 2),
                half[1] * (i // 2),
                width_px if i % 2 else half[0],
                height_px if i // 2 else half[1],
            ),
        )
    return picture


def encoded(picture: PilImage.Image, kind: str, **options: Any) -> bytes:
    name, usual = FORMATS[kind]
    if kind == "mpo":
        usual = usual | {"append_images": [PilImage.new("RGB", picture.size, "black")]}
    buffer = io.BytesIO()
    picture.save(buffer, name, **usual, **options)
    return buffer.getvalue()


def colours(image: Image) -> list[tuple[int, ...]]:
    """R G B in the middle of each quarter."""
    height, width = image.shape[:2]
    return [
        tuple(int(value) for value in image[height * y // 4, width * x // 4, ::-1])
        for y in (1, 3)
        for x in (1, 3)
    ]


def reason(data: bytes) -> str:
    with pytest.raises(UnreadablePhotoError) as caught:
        decode(data)
    return str(caught.value)


def assert_corners(image: Image, *, tolerance: int = 12) -> None:
    assert np.abs(np.array(colours(image)) - np.array(CORNERS)).max() <= tolerance


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_read(kind: str) -> None:
    image = decode(encoded(corners(), kind))

    assert image.shape == (HEIGHT_PX, WIDTH_PX, 3)
    assert image.dtype == np.uint8
    assert_corners(image)


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("kind", ["jpeg", "progressive jpeg", "mpo", "png", "webp", "tiff", "heic"])
@pytest.mark.parametrize("max_side_px", [WIDTH_PX, WIDTH_PX // 2])
def test_every_orientation_comes_out_upright(kind: str, orientation: int, max_side_px: int) -> None:
    turn = STORED[orientation]
    stored = corners() if turn is None else corners().transpose(turn)
    exif = PilImage.Exif()
    exif[0x0112] = orientation

    # As bytes: pillow-heif then writes the HEIF properties that a phone writes, too.
    image = decode(encoded(stored, kind, exif=exif.tobytes()), max_side_px=max_side_px)

    assert image.shape[:2] == (max_side_px * HEIGHT_PX // WIDTH_PX, max_side_px)
    assert_corners(image)


def test_an_orientation_that_does_not_exist_changes_nothing() -> None:
    exif = PilImage.Exif()
    exif[0x0112] = 77

    assert_corners(decode(encoded(corners(), "jpeg", exif=exif.tobytes())))


def test_damaged_exif_does_not_spoil_the_picture() -> None:
    assert_corners(decode(encoded(corners(), "jpeg", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")))


@pytest.mark.parametrize("kind", ["png", "webp", "lossless webp", "tiff"])
def test_transparency_becomes_white(kind: str) -> None:
    picture = PilImage.new("RGBA", (40, 40), (255, 0, 0, 0))
    picture.paste((0, 0, 255, 255), (0, 20, 40, 40))

    image = decode(encoded(picture, kind))

    assert image[5, 20].tolist() == [255, 255, 255]
    assert np.abs(image[35, 20].astype(int) - [255, 0, 0]).max() <= 12


def test_a_half_transparent_colour_is_mixed_with_white() -> None:
    image = decode(encoded(PilImage.new("RGBA", (8, 8), (0, 0, 0, 128)), "png"))

    assert image[4, 4].tolist() == pytest.approx([127, 127, 127], abs=1)


def test_transparent_grey_becomes_white() -> None:
    image = decode(encoded(PilImage.new("LA", (8, 8), (0, 0)), "png"))

    assert image[4, 4].tolist() == [255, 255, 255]


@pytest.mark.parametrize("kind", ["png", "gif"])
def test_a_palette_with_a_transparent_colour_becomes_white_there(kind: str) -> None:
    picture = PilImage.new("P", (20, 20), 0)
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.paste(1, (0, 10, 20, 20))

    image = decode(encoded(picture, kind, transparency=0))

    assert image[3, 10].tolist() == [255, 255, 255]
    assert image[17, 10].tolist() == [255, 0, 0]


def test_a_palette_is_read_in_its_colours() -> None:
    assert_corners(decode(encoded(corners().quantize(8), "png")))


def test_one_bit_a_pixel_is_black_and_white() -> None:
    picture = PilImage.new("1", (20, 20), 0)
    picture.paste(1, (10, 0, 20, 20))

    image = decode(encoded(picture, "tiff"))

    assert [image[5, 5, 0], image[5, 15, 0]] == [0, 255]


@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_sixteen_bit_grey_keeps_its_brightness(kind: str) -> None:
    values = np.full((20, 20), 32768, np.uint16)

    image = decode(encoded(PilImage.fromarray(values), kind))

    assert image[10, 10].tolist() == pytest.approx([127, 127, 127], abs=1)


def test_thirty_two_bit_values_are_stretched_to_what_they_hold() -> None:
    values = np.full((20, 20), 1_000_000, np.int32)
    values[:10] = 500_000

    image = decode(encoded(PilImage.fromarray(values), "tiff"))

    assert [image[2, 2, 0], image[18, 2, 0]] == pytest.approx([127, 255], abs=1)


@pytest.mark.parametrize("kind", ["jpeg", "tiff"])
def test_cmyk_is_read_in_its_colours(kind: str) -> None:
    assert_corners(decode(encoded(corners().convert("CMYK"), kind)), tolerance=30)


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_grey_is_read(kind: str) -> None:
    image = decode(encoded(PilImage.new("L", (20, 20), 90), kind))

    assert image[10, 10].tolist() == pytest.approx([90, 90, 90], abs=3)


def test_an_animation_shows_its_first_frame() -> None:
    later = [PilImage.new("RGB", (WIDTH_PX, HEIGHT_PX), "black")]

    assert_corners(decode(encoded(corners(), "gif", save_all=True, append_images=later)))


@given(
    width_px=st.integers(1, 700),
    height_px=st.integers(1, 700),
    max_side_px=st.integers(16, 400),
    kind=st.sampled_from(["jpeg", "png", "bmp"]),
)
@settings(max_examples=60, deadline=None)
def test_scaling_while_decoding_keeps_within_the_limit_and_the_shape(
    width_px: int, height_px: int, max_side_px: int, kind: str
) -> None:
    width_px, height_px = max(width_px, height_px // 40 + 1), max(height_px, width_px // 40 + 1)
    longest_px = max(width_px, height_px)
    data = encoded(PilImage.new("RGB", (width_px, height_px)), kind)

    height, width = decode(data, max_side_px=max_side_px).shape[:2]

    # A JPEG is halved while it is decoded: that rounds up, and may come out a little smaller.
    assert 0.7 * min(longest_px, max_side_px) <= max(width, height) <= max_side_px
    scale = max(width, height) / longest_px
    assert width == pytest.approx(max(1, width_px * scale), abs=1.5)
    assert height == pytest.approx(max(1, height_px * scale), abs=1.5)


def test_a_photo_is_never_larger_than_the_usual_limit() -> None:
    image = decode(encoded(corners(6000, 4000), "jpeg"))

    assert image.shape[1] == MAX_SIDE_PX
    assert image.shape[0] == pytest.approx(MAX_SIDE_PX * 4000 / 6000, abs=1)
    assert_corners(image)


def test_a_small_picture_keeps_its_size() -> None:
    assert decode(encoded(corners(), "png"), max_side_px=4000).shape[:2] == (HEIGHT_PX, WIDTH_PX)


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind not in {"mpo", "lzw tiff"}])
def test_a_picture_that_is_cut_off_says_so(kind: str) -> None:
    noise = np.random.default_rng(3).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    data = encoded(PilImage.fromarray(noise), kind)

    assert reason(data[: len(data) // 2]) == DAMAGED


@pytest.mark.parametrize("kind", ["jpeg", "png", "gif", "tiff", "webp"])
def test_a_picture_cut_off_within_its_header_says_so(kind: str) -> None:
    assert reason(encoded(corners(), kind)[: 30 if kind == "webp" else 8]) == DAMAGED


def test_an_empty_file_says_so() -> None:
    assert reason(b"") == "the file is empty"


@pytest.mark.parametrize("text", [b"hello", b"\tName;Age\r\nAnn;33", "Grüße".encode()])
def test_text_says_so(text: bytes) -> None:
    assert reason(text) == "the file is text, not a picture"


@pytest.mark.parametrize(
    "page", [b"<!DOCTYPE html><p>Sign in", b"\n <HTML><body>", b"<html lang=x>"]
)
def test_a_web_page_says_so(page: bytes) -> None:
    assert reason(page) == "the file is a web page, not a picture"


@pytest.mark.parametrize("data", [b"\0\1\2\3" * 99, b"%PDF-1.7\n\0\0", b"PK\3\4\0\0", b"\0"])
def test_anything_else_says_so(data: bytes) -> None:
    assert reason(data) == NO_PICTURE


def png_header(width_px: int, height_px: int) -> bytes:
    """A PNG that says how large it is, and holds next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        whole = kind + body
        return struct.pack(">I", len(body)) + whole + struct.pack(">I", zlib.crc32(whole))

    header = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_a_bomb_is_refused_by_its_header() -> None:
    assert reason(png_header(20_000, 20_000)) == (
        "the picture is too large: 20000×20000 px, 250 megapixels at most"
    )


def test_a_picture_at_the_limit_is_not_refused_as_too_large() -> None:
    assert LARGEST_BYTES == 340_000_000
    assert reason(png_header(10_000, 7900)) == DAMAGED
    assert reason(png_header(10_000, 8000)) == (
        "the picture is too large: to read 10000×8000 px of PNG takes 342 MB of memory, "
        "340 MB at most"
    )


@pytest.mark.parametrize(("width_px", "height_px"), [(1, 20_000), (20_000, 1), (100, 4001)])
def test_a_strip_is_refused(width_px: int, height_px: int) -> None:
    data = encoded(PilImage.new("L", (width_px, height_px)), "png")

    assert reason(data) == f"the picture is a strip of {width_px}×{height_px} px"


@given(st.binary(max_size=300))
def test_no_bytes_at_all_make_anything_but_a_picture_or_a_reason(data: bytes) -> None:
    assert reason(data)


@given(
    kind=st.sampled_from(sorted(FORMATS)),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=20),
    keep=st.floats(0.05, 1),
)
@settings(max_examples=300, deadline=None)
def test_a_damaged_picture_is_a_picture_or_has_a_reason(
    kind: str, changes: list[tuple[float, int]], keep: float
) -> None:
    data = bytearray(GOOD[kind])
    for where, value in changes:
        data[int(where * (len(data) - 1))] = value
    data = data[: max(1, int(len(data) * keep))]

    try:
        image = decode(bytes(data))
    except UnreadablePhotoError as error:
        assert str(error)  # noqa: PT017  # either way is right
    else:
        assert image.ndim == 3


def test_a_tiff_whose_tag_is_of_the_wrong_type_says_so() -> None:
    data = bytearray(GOOD["tiff"])
    tag = data.index(struct.pack("<HH", 273, 4))  # StripOffsets, LONG
    data[tag + 2] = 2  # ASCII

    assert reason(bytes(data)) == DAMAGED


GOOD = {kind: encoded(corners(), kind) for kind in FORMATS}
