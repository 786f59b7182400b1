"""What people really upload, kind by kind: it shows what it should, or says why not."""

import io
import struct

import numpy as np
import pytest
from PIL import Image as PilImage

from pipeline.domain.arrays import Image
from pipeline.errors import UnreadablePhotoError
from pipeline.vision.cost import cost_bytes, heif_cost_bytes
from pipeline.vision.decode import decode, decode_file
from pipeline.vision.limits import SMALL_BYTES
from pipeline.vision.rows import on_white
from tests.made_pictures import (
    ADOBE_RGB,
    CORNERS,
    DISPLAY_P3,
    HEIGHT_PX,
    KINDS,
    WIDTH_PX,
    black,
    colours,
    corners,
    grey_profile,
    heic_of,
    png,
    png_chunk,
    rgb_profile,
    saved,
)

DAMAGED = "the picture is damaged or cut off"


def sized(data: bytes, max_side_px: int = 2048) -> tuple[Image, tuple[int, int]]:
    return decode_file(io.BytesIO(data), max_side_px=max_side_px)


def reason(data: bytes) -> str:
    with pytest.raises(UnreadablePhotoError) as caught:
        decode(data)
    return str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("max_side_px", [2048, WIDTH_PX // 2])
def test_every_kind_shows_its_colours_and_tells_its_full_size(kind: str, max_side_px: int) -> None:
    image, full_size = sized(KINDS[kind](), max_side_px)

    tolerance = 30 if kind in {"cmyk jpeg", "jpeg in display p3"} else 12
    assert full_size == (WIDTH_PX, HEIGHT_PX)
    assert max(image.shape) == min(max_side_px, WIDTH_PX)
    assert np.abs(np.array(colours(image)) - np.array(CORNERS)).max() <= tolerance


def test_an_adobe_cmyk_jpeg_is_not_inverted() -> None:
    data = saved(PilImage.new("CMYK", (16, 16), (0, 0, 0, 0)), "JPEG")

    assert b"Adobe" in data
    assert decode(data)[8, 8].tolist() == pytest.approx([255, 255, 255], abs=2)


@pytest.mark.parametrize(
    ("primaries", "expected"), [(DISPLAY_P3, (211, 88, 68)), (ADOBE_RGB, (216, 99, 77))]
)
def test_wide_gamut_colours_become_those_of_srgb(
    primaries: tuple[tuple[float, ...], ...], expected: tuple[int, ...]
) -> None:
    picture = PilImage.new("RGB", (16, 16), (196, 98, 76))
    profile = rgb_profile(primaries)

    for kind in ("PNG", "TIFF", "WEBP", "JPEG", "HEIF"):
        lossless = {"lossless": True} if kind == "WEBP" else {}
        image = decode(saved(picture, kind, icc_profile=profile, **lossless))
        assert image[8, 8, ::-1].tolist() == pytest.approx(expected, abs=9), kind


def test_grey_with_a_gamma_of_its_own_gets_the_brightness_it_means() -> None:
    data = saved(PilImage.new("L", (16, 16), 128), "PNG", icc_profile=grey_profile(1.0))

    # Half the light is 188 of 255 in sRGB.
    assert decode(data)[8, 8].tolist() == pytest.approx([188, 188, 188], abs=2)


@pytest.mark.parametrize(
    "profile", [b"no profile", grey_profile(1.0), rgb_profile(DISPLAY_P3)[:200], b"\0" * 300]
)
def test_a_profile_that_is_damaged_or_of_other_pixels_changes_nothing(profile: bytes) -> None:
    data = saved(corners(), "PNG", icc_profile=profile)

    assert colours(decode(data)) == list(CORNERS)


def test_a_palette_with_a_profile_is_read_in_its_colours() -> None:
    profile = rgb_profile(DISPLAY_P3)
    flat = saved(PilImage.new("RGB", (16, 16), (196, 98, 76)), "PNG", icc_profile=profile)
    palette = PilImage.new("RGB", (16, 16), (196, 98, 76)).quantize(2)

    image = decode(saved(palette, "PNG", icc_profile=profile))

    assert image[8, 8].tolist() == pytest.approx(decode(flat)[8, 8].tolist(), abs=2)


def test_one_bit_a_pixel_is_black_and_white_in_a_png() -> None:
    picture = PilImage.new("1", (20, 20), 0)
    picture.paste(1, (10, 0, 20, 20))

    image = decode(saved(picture, "PNG"))

    assert [image[5, 5, 0], image[5, 15, 0]] == [0, 255]


@pytest.mark.parametrize("is_interlaced", [False, True])
def test_sixteen_bits_with_transparency_lie_on_white(is_interlaced: bool) -> None:  # noqa: FBT001  # a parameter of pytest's
    pixels = np.zeros((20, 20, 4), np.uint16)
    pixels[10:] = (65535, 0, 0, 65535)

    image = decode(png(pixels, colour_type=6, is_interlaced=is_interlaced))

    assert image[5, 5].tolist() == [255, 255, 255]
    assert image[15, 5].tolist() == [0, 0, 255]


def test_a_colour_that_stands_for_transparency_becomes_white() -> None:
    pixels = np.zeros((20, 20, 3), np.uint8)
    pixels[10:] = (200, 0, 0)
    transparent = png_chunk(b"tRNS", struct.pack(">HHH", 0, 0, 0))

    image = decode(png(pixels, colour_type=2, extra=transparent))

    assert [image[5, 5].tolist(), image[15, 5].tolist()] == [[255, 255, 255], [0, 0, 200]]


@pytest.mark.parametrize("primary", [0, 1, 2])
def test_of_a_heic_with_several_pictures_the_primary_one_is_shown(primary: int) -> None:
    pictures = [black(), black(), black()]
    pictures[primary] = corners()

    assert (
        np.abs(np.array(colours(decode(heic_of(pictures, primary=primary)))) - CORNERS).max() < 12
    )


def test_a_heic_that_says_twice_how_it_was_held_is_turned_once() -> None:
    exif = PilImage.Exif()
    exif[0x0112] = 6
    stored = corners().transpose(PilImage.Transpose.ROTATE_90)
    data = saved(stored, "HEIF", quality=95, exif=exif.tobytes())

    image, full_size = sized(data)

    assert b"irot" in data
    assert full_size == (WIDTH_PX, HEIGHT_PX)
    assert np.abs(np.array(colours(image)) - CORNERS).max() < 12


@pytest.mark.parametrize("kind", ["RGB", "RGBA", "P", "L", "LA", "1", "CMYK", "I;16"])
def test_reading_in_strips_shows_what_reading_at_once_shows(kind: str) -> None:
    """A picture of 4.5 megapixels is read in five strips, and scaled across their borders."""
    noise = np.random.default_rng(5).integers(0, 255, (1500, 3000, 3), dtype=np.uint8)
    picture = PilImage.fromarray(np.cumsum(noise, axis=1, dtype=np.uint8))
    made = (
        PilImage.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
        if kind == "I;16"
        else picture.convert(kind)
    )
    whole = on_white(made).resize((1000, 500), PilImage.Resampling.BOX)

    image = decode(saved(made, "TIFF" if kind == "CMYK" else "PNG"), max_side_px=1000)

    assert np.abs(image[:, :, ::-1].astype(int) - np.asarray(whole)).max() <= 1


@pytest.mark.parametrize("kind", ["png", "webp", "heic", "gif"])
def test_a_wrong_extension_or_type_is_of_no_matter(kind: str) -> None:
    """Only the bytes are looked at: nobody tells the decoder a name."""
    assert decode(KINDS[kind]()).shape == (HEIGHT_PX, WIDTH_PX, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_cut_off_anywhere_is_a_picture_or_says_why(kind: str) -> None:
    data = KINDS[kind]()
    for end in range(0, len(data), max(1, len(data) // 40)):
        try:
            image = decode(data[:end])
        except UnreadablePhotoError as error:
            assert str(error) in {  # noqa: PT017  # either way is right
                DAMAGED,
                "the file is empty",
                "the file is not a picture that Findme can read",
                "the file is text, not a picture",
            }
        else:
            assert image.shape == (HEIGHT_PX, WIDTH_PX, 3)


def webp_bomb(width_px: int, height_px: int) -> bytes:
    canvas = (width_px - 1).to_bytes(3, "little") + (height_px - 1).to_bytes(3, "little")
    return b"RIFF\xff\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + canvas + b"\0" * 500


def gif_bomb(width_px: int, height_px: int) -> bytes:
    size = struct.pack("<HH", width_px, height_px)
    return b"GIF89a" + size + b"\0\0\0,\0\0\0\0" + size + b"\0\x02\x02\x4c\x01\0;" + b"\0" * 500


def bmp_bomb(width_px: int, height_px: int) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width_px, height_px, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 600, 0, 0, 54) + info + b"\0" * 500


def png_bomb(width_px: int, height_px: int) -> bytes:
    whole = png(np.zeros((1, 1, 3), np.uint8), colour_type=2)
    header = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    return whole[:8] + png_chunk(b"IHDR", header) + whole[33:]


def jpeg_bomb(width_px: int, height_px: int) -> bytes:
    data = bytearray(saved(PilImage.new("RGB", (16, 16)), "JPEG"))
    frame = data.index(b"\xff\xc0") + 5
    data[frame : frame + 4] = struct.pack(">HH", height_px, width_px)
    return bytes(data)


@pytest.mark.parametrize("make", [webp_bomb, gif_bomb, bmp_bomb, png_bomb, jpeg_bomb])
def test_300_megapixels_are_refused_by_their_header_in_every_format(make: object) -> None:
    assert callable(make)
    said = reason(make(20_000, 15_000))

    assert said == "the picture is too large: 20000×15000 px, 250 megapixels at most"


@pytest.mark.parametrize("make", [webp_bomb, gif_bomb, bmp_bomb, png_bomb, jpeg_bomb])
def test_a_strip_is_refused_in_every_format(make: object) -> None:
    assert callable(make)
    assert reason(make(1, 12_000)) == "the picture is a strip of 1×12000 px"


def test_what_phones_take_is_read_while_others_are() -> None:
    """12 megapixels of HEIC, and of a PNG; with the file's own 3 MB counted twice."""
    size = (4032, 3024)
    with PilImage.open(io.BytesIO(png_bomb(*size))) as picture:
        as_png = cost_bytes(picture, size)

    assert max(heif_cost_bytes(size), as_png) + 3 * 2048**2 + 2 * 3_000_000 <= SMALL_BYTES


def test_what_a_progressive_jpeg_takes_counts_its_coefficients() -> None:
    data = saved(corners(), "JPEG", progressive=True, subsampling=0)
    frame = data.index(b"\xff\xc2") + 5
    large = data[:frame] + struct.pack(">HH", 9000, 12_000) + data[frame + 4 :]

    said = reason(large)

    assert said.startswith("the picture is too large: to read 12000×9000 px of JPEG takes 7")
    assert said.endswith("340 MB at most")
