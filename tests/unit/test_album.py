"""The demo's album: the same on every run, and as odd as a real channel."""

import hashlib
import subprocess
import sys
from collections import Counter
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

pytest.importorskip("skimage", reason="the demo's pictures: pip install -e '.[demo]'")
pytest.importorskip("matplotlib", reason="the demo's pictures: pip install -e '.[demo]'")

from bot.demo import portraits
from bot.demo.album import AlbumPhoto, make_album

DIGEST_PROGRAM = """
import hashlib
from bot.demo.album import make_album
print(hashlib.sha256(b"".join(photo.data for photo in make_album())).hexdigest())
"""


@pytest.fixture(scope="module")
def album() -> tuple[AlbumPhoto, ...]:
    return make_album()


def named(album: tuple[AlbumPhoto, ...], note: str) -> AlbumPhoto:
    return next(photo for photo in album if note in photo.note)


def opened(photo: AlbumPhoto) -> Image.Image:
    image = Image.open(BytesIO(photo.data))
    image.load()
    return image


def coarse(image: Image.Image) -> NDArray[np.float64]:
    small = np.asarray(image.convert("L").resize((32, 24)), dtype=np.float64)
    centred: NDArray[np.float64] = small - small.mean()
    return centred


def likeness(one: Image.Image, other: Image.Image) -> float:
    a, b = coarse(one), coarse(other)
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def test_another_process_makes_the_same_bytes(album: tuple[AlbumPhoto, ...]) -> None:
    here = hashlib.sha256(b"".join(photo.data for photo in album)).hexdigest()

    there = subprocess.run(
        [sys.executable, "-c", DIGEST_PROGRAM], capture_output=True, text=True, check=True
    )

    assert there.stdout.strip() == here


def test_there_are_thirty_photos_each_under_its_own_name(album: tuple[AlbumPhoto, ...]) -> None:
    assert len(album) >= 30
    assert len({photo.name for photo in album}) == len(album)


def test_about_a_third_is_posted_live_after_all_the_others(album: tuple[AlbumPhoto, ...]) -> None:
    live = [photo.live for photo in album]

    assert 0.25 < sum(live) / len(live) < 0.4
    assert live == sorted(live)


def test_every_kind_of_company_is_there(album: tuple[AlbumPhoto, ...]) -> None:
    company = Counter(photo.who for photo in album if photo.kind == "photo")

    assert company[frozenset({"eileen", "grace"})] >= 3
    assert company[frozenset()] >= 3
    assert company[frozenset({"eileen"})] >= 8
    assert company[frozenset({"grace"})] >= 8


@pytest.mark.parametrize(
    "note",
    [
        "15° to the left",
        "15° to the right",
        "dark",
        "overexposed",
        "out of focus",
        "quality 35",
        "mirrored",
        "face 50 px",
        "face 54 px",
        "crop",
    ],
)
def test_every_difficulty_is_there(album: tuple[AlbumPhoto, ...], note: str) -> None:
    assert named(album, note).who


def test_every_format_is_there(album: tuple[AlbumPhoto, ...]) -> None:
    opening = {
        "PNG": b"\x89PNG\r\n",
        "JPEG": b"\xff\xd8\xff",
        "WebP": b"RIFF",
        "HEIC": b"\x00\x00\x00",
    }
    for note, magic in opening.items():
        assert named(album, note).data.startswith(magic), note
    assert named(album, "HEIC").data[4:8] == b"ftyp"
    assert opened(named(album, "greyscale")).mode == "L"
    assert opened(named(album, "CMYK")).mode == "CMYK"
    assert opened(named(album, "progressive")).info["progressive"]
    assert opened(named(album, "profile")).info["icc_profile"]


def test_one_photo_has_twelve_megapixels(album: tuple[AlbumPhoto, ...]) -> None:
    assert Image.open(BytesIO(named(album, "12 megapixels").data)).size == (4000, 3000)


def test_turned_photos_are_upright_to_one_scene_once_their_tag_is_obeyed(
    album: tuple[AlbumPhoto, ...],
) -> None:
    turned = [photo for photo in album if photo.note.startswith("EXIF")]
    upright = [ImageOps.exif_transpose(opened(photo)) for photo in turned]

    tags = {photo.note[-1]: opened(photo).getexif()[0x0112] for photo in turned}
    assert tags == {"3": 3, "6": 6, "8": 8}
    for image in upright:
        assert image.size == (1280, 960)
        assert likeness(image, upright[0]) > 0.5
        assert likeness(image.transpose(Image.Transpose.ROTATE_180), upright[0]) < 0.3


def test_the_repost_has_the_bytes_and_the_people_of_an_earlier_photo(
    album: tuple[AlbumPhoto, ...],
) -> None:
    (repost,) = (photo for photo in album if photo.kind == "repost")
    (original,) = (photo for photo in album if photo.data == repost.data and photo is not repost)

    assert album.index(original) < album.index(repost)
    assert (original.who, original.kind) == (repost.who, "photo")
    assert (original.name, original.poster) != (repost.name, repost.poster)
    assert original.poster != repost.poster


def test_no_other_bytes_are_posted_twice(album: tuple[AlbumPhoto, ...]) -> None:
    assert len({photo.data for photo in album}) == len(album) - 1


def test_broken_files_cannot_be_decoded_and_show_nobody(album: tuple[AlbumPhoto, ...]) -> None:
    cut, text = sorted((p for p in album if p.kind == "broken"), key=lambda p: p.name)

    assert cut.data.startswith(b"\xff\xd8\xff")
    assert not cut.who | text.who
    for photo in (cut, text):
        with pytest.raises((OSError, UnidentifiedImageError)):
            opened(photo)


def test_every_other_jpeg_png_and_webp_decodes(album: tuple[AlbumPhoto, ...]) -> None:
    for photo in album:
        if photo.kind != "broken" and photo.note != "HEIC":
            assert min(opened(photo).size) > 100, photo.name


@pytest.mark.parametrize("who", ["eileen", "grace"])
def test_a_profile_picture_is_a_square_jpeg_that_the_album_lacks(
    album: tuple[AlbumPhoto, ...], who: portraits.Who
) -> None:
    data = portraits.portrait(who)

    image = Image.open(BytesIO(data))
    assert (image.format, image.size) == ("JPEG", (512, 512))
    assert data == portraits.portrait(who)
    assert data not in {photo.data for photo in album}


@pytest.mark.parametrize(("who", "missing"), [("eileen", "skimage"), ("grace", "matplotlib")])
def test_without_the_extra_one_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, who: portraits.Who, missing: str
) -> None:
    portraits.studio.cache_clear()
    for module in [name for name in sys.modules if name.split(".")[0] == missing]:
        monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(portraits.DemoNeedsExtraError, match=r"pip install -e '\.\[demo\]'"):
        portraits.portrait(who)
