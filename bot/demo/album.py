"""The demo's album: what a team would have posted, good and bad, made in memory.

Two people, thirty-some files: every format, light, size and mishap that a photo channel sees. The
same bytes come out on every run with the same versions of Pillow and its codecs: the only chance
is seeded, and no file carries a time.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Final, Literal

import pillow_heif
from PIL import Image, ImageCms, ImageFilter, ImageOps

from bot.demo import scenes
from bot.demo.portraits import SceneryName, Who, scenery, studio

_LANCZOS: Final = Image.Resampling.LANCZOS
_BICUBIC: Final = Image.Resampling.BICUBIC
_EXIF_ORIENTATION: Final = 0x0112
_OUT_OF_FOCUS: Final[tuple[tuple[Who, str, float], ...]] = (
    ("eileen", "Tom", 0.0095),
    ("grace", "Maya", 0.016),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlbumPhoto:
    """One file that somebody posts, and the truth about it.

    `who` is everyone whose face shows; `live` photos are posted while the bot runs, the others
    before it starts; `note` says what is special.
    """

    name: str
    data: bytes
    who: frozenset[Who]
    live: bool
    poster: str
    kind: Literal["photo", "repost", "broken"] = "photo"
    note: str


def make_album() -> tuple[AlbumPhoto, ...]:
    """The whole album in the order of posting: first what was there before, then the live ones.

    Raises DemoNeedsExtraError without scikit-image or matplotlib.
    """
    photos = [*_alone(), *_together(), *_held_sideways(), *_formats(), *_nobody(), *_broken()]
    random.Random(2024).shuffle(photos)
    before = [photo for photo in photos if not photo.live]
    original = next(photo for photo in before if photo.name == "group at the launch.png")
    repost = replace(
        original,
        name="best one of the day.png",
        poster="Olu",
        live=True,
        kind="repost",
        note="same bytes as “group at the launch.png”",
    )
    return (*before, *(photo for photo in photos if photo.live), repost)


def _alone() -> Iterator[AlbumPhoto]:
    yield _jpeg(
        studio("eileen").crop((70, 0, 420, 420)).resize((1000, 1200), _LANCZOS),
        "IMG_2041.jpg",
        "eileen",
        poster="Maya",
        note="head and shoulders",
    )
    whole = studio("grace").resize((1024, 1200), _LANCZOS)
    yield _jpeg(whole, "Commodore Hopper.jpg", "grace", poster="Tom", note="the whole portrait")
    yield _jpeg(
        studio("grace").crop((95, 40, 440, 385)).resize((640, 640), _LANCZOS),
        "IMG_2043 (cropped).jpg",
        "grace",
        poster="Inés",
        live=True,
        note="tight crop",
    )

    for who, poster, blur in _OUT_OF_FOCUS:
        blurred = scenes.out_of_focus(studio(who), blur)
        name = f"dance floor {poster.lower()}.jpg"
        yield _jpeg(blurred, name, who, poster=poster, note="out of focus: who can be sure?")

    scene = scenes.add(scenes.park((1500, 1125)), "eileen", face_px=170, x_px=690)
    yield _jpeg(
        scenes.rolled(scene, 15),
        "IMG_2044.jpg",
        "eileen",
        poster="Maya",
        note="tilted 15° to the left",
    )
    scene = scenes.add(scenes.garage((1500, 1125)), "grace", face_px=280, x_px=760)
    yield _jpeg(
        scenes.rolled(scene, -15),
        "IMG_2047.jpg",
        "grace",
        poster="Olu",
        note="tilted 15° to the right",
    )
    scene = scenes.add(scenes.cafe((1300, 1000)), "grace", face_px=230, x_px=560)
    yield _jpeg(
        scenes.rolled(scene, 7), "IMG_2048.jpg", "grace", poster="Tom", live=True, note="tilted 7°"
    )

    scene = scenes.add(scenes.launch((1280, 960)), "eileen", face_px=160, x_px=480, light=0.8)
    yield _jpeg(
        scenes.lit(scene, 0.5),
        "night shift.jpg",
        "eileen",
        poster="Inés",
        note="dark, half the light",
    )
    scene = scenes.add(scenes.park((1200, 1500)), "grace", face_px=330, x_px=600)
    yield _jpeg(
        scenes.lit(scene, 1.45),
        "IMG_2052.jpg",
        "grace",
        poster="Maya",
        note="overexposed, 1.45 times the light",
    )
    scene = scenes.add(scenes.party((1280, 960), seed=5), "grace", face_px=210, x_px=800, light=0.8)
    yield _jpeg(
        scenes.lit(scene, 0.7),
        "IMG_2055.jpg",
        "grace",
        poster="Olu",
        live=True,
        note="evening light",
    )
    scene = scenes.add(scenes.cafe((1200, 900)), "eileen", face_px=140, x_px=420)
    yield _jpeg(
        scene.filter(ImageFilter.GaussianBlur(3)),
        "IMG_2058.jpg",
        "eileen",
        poster="Tom",
        note="out of focus",
    )
    scene = scenes.add(scenes.garage((1024, 768)), "grace", face_px=150, x_px=420)
    yield _jpeg(
        scene, "WhatsApp image.jpg", "grace", poster="Inés", note="JPEG quality 35", quality=35
    )
    scene = scenes.add(scenes.launch((1200, 900)), "eileen", face_px=150, x_px=700, light=0.9)
    yield _jpeg(
        ImageOps.mirror(scene), "selfie 3.jpg", "eileen", poster="Maya", live=True, note="mirrored"
    )
    scene = scenes.add(scenes.wall((900, 1200)), "grace", face_px=260, x_px=450)
    yield _jpeg(ImageOps.mirror(scene), "selfie.jpg", "grace", poster="Olu", note="mirrored")

    scene = scenes.add(scenes.park((1280, 960)), "eileen", face_px=50, x_px=820, floor_px=640)
    far = scenes.low_wall(scene, 640)
    yield _jpeg(far, "IMG_2063.jpg", "eileen", poster="Tom", note="face 50 px, far away")
    yield _jpeg(
        scenes.hung(scenes.wall((1280, 960)), "grace", face_px=54, at=(610, 400)),
        "hallway.jpg",
        "grace",
        poster="Inés",
        live=True,
        note="face 54 px, a portrait on the wall",
    )
    yield _jpeg(
        studio("eileen").crop((128, 10, 318, 228)).resize((122, 140), _LANCZOS),
        "thumb_eileen.jpg",
        "eileen",
        poster="Maya",
        note="tiny file, face 73 px",
    )
    scene = scenes.add(scenes.stars((1080, 1920)), "eileen", face_px=250, x_px=480)
    yield _jpeg(
        scene, "story_1080x1920.jpg", "eileen", poster="Inés", live=True, note="upright story"
    )


def _together() -> Iterator[AlbumPhoto]:
    scene = scenes.add(scenes.launch((1200, 900)), "eileen", face_px=150, x_px=400, light=0.95)
    scene = scenes.add(scene, "grace", face_px=160, x_px=830, light=0.9)
    yield _png(scene, "group at the launch.png", ("eileen", "grace"), poster="Maya", note="PNG")

    scene = scenes.add(scenes.park((2400, 900)), "grace", face_px=120, x_px=1880, floor_px=680)
    scene = scenes.add(scene, "eileen", face_px=120, x_px=560, floor_px=790, mirrored=True)
    yield _jpeg(
        scenes.low_wall(scene, 640),
        "panorama garden.jpg",
        "eileen",
        "grace",
        poster="Tom",
        note="wide, both far apart",
    )

    scene = scenes.add(scenes.cafe((1600, 1200)), "grace", face_px=230, x_px=1120, mirrored=True)
    scene = scenes.add(scene, "eileen", face_px=220, x_px=520)
    yield _jpeg(
        scenes.rolled(scene, -5),
        "lunch (2).jpg",
        "eileen",
        "grace",
        poster="Olu",
        live=True,
        note="both, tilted 5°",
    )

    scene = scenes.hung(scenes.wall((1600, 1000)), "eileen", face_px=66, at=(540, 390))
    scene = scenes.hung(scene, "grace", face_px=96, at=(1050, 390))
    yield _jpeg(
        scene, "hall of fame.jpg", "eileen", "grace", poster="Maya", note="two portraits on a wall"
    )

    scene = scenes.add(scenes.garage((4000, 3000)), "grace", face_px=560, x_px=2850)
    scene = scenes.add(scene, "eileen", face_px=500, x_px=1250)
    yield _jpeg(
        scene, "DSC_0113.JPG", "eileen", "grace", poster="Inés", note="12 megapixels", quality=88
    )


def _held_sideways() -> Iterator[AlbumPhoto]:
    """One scene with the phone held three ways; Eileen walks from left to right meanwhile."""
    shots: tuple[tuple[str, int, int, bool], ...] = (
        ("IMG_2071.jpg", 6, 420, False),
        ("IMG_2072.jpg", 8, 640, False),
        ("IMG_2073.jpg", 3, 860, True),
    )
    for name, orientation, x_px, live in shots:
        scene = scenes.add(scenes.garage((1280, 960)), "eileen", face_px=150, x_px=x_px)
        yield _jpeg(
            scene,
            name,
            "eileen",
            poster="Tom",
            live=live,
            note=f"EXIF orientation {orientation}",
            orientation=orientation,
        )


def _formats() -> Iterator[AlbumPhoto]:
    scene = scenes.add(scenes.party((1200, 900), seed=8), "eileen", face_px=140, x_px=460)
    yield _encoded(
        scene,
        "WEBP",
        "PXL_5518.webp",
        ("eileen",),
        poster="Olu",
        live=True,
        note="WebP",
        quality=80,
    )

    heic = BytesIO()
    scene = scenes.add(scenes.park((1200, 900)), "grace", face_px=190, x_px=640)
    # Straight from pillow-heif: registering its Pillow plugin would change the whole process.
    pillow_heif.from_pillow(scene).save(heic, quality=70, enc_params={"preset": "ultrafast"})
    yield AlbumPhoto(
        name="IMG_3007.HEIC",
        data=heic.getvalue(),
        who=frozenset({"grace"}),
        live=False,
        poster="Inés",
        note="HEIC",
    )

    yield _jpeg(
        ImageOps.grayscale(studio("eileen").crop((0, 0, 420, 512)).resize((840, 1024), _LANCZOS)),
        "scan0003.jpg",
        "eileen",
        poster="Tom",
        note="greyscale scan",
    )
    scene = scenes.add(scenes.stars((1200, 900)), "grace", face_px=220, x_px=560)
    yield _encoded(
        scene,
        "JPEG",
        "download.jpg",
        ("grace",),
        poster="Maya",
        live=True,
        note="progressive JPEG",
        quality=85,
        progressive=True,
    )
    scene = scenes.add(scenes.cafe((1100, 825)), "eileen", face_px=130, x_px=700, mirrored=True)
    yield _encoded(
        scene,
        "JPEG",
        "coffee with eileen.jpeg",
        ("eileen",),
        poster="Inés",
        note="embedded sRGB profile",
        quality=88,
        icc_profile=_srgb_profile(),
    )
    scene = scenes.add(scenes.wall((900, 1100)), "grace", face_px=250, x_px=430)
    yield _encoded(
        scene.convert("CMYK"),
        "JPEG",
        "poster for print.jpg",
        ("grace",),
        poster="Olu",
        note="CMYK JPEG",
        quality=88,
    )


def _nobody() -> Iterator[AlbumPhoto]:
    pictures: tuple[tuple[SceneryName, str, tuple[int, int], str, bool], ...] = (
        ("coffee", "first things first.jpg", (1200, 800), "Olu", False),
        ("rocket", "IMG_2079.jpg", (1280, 854), "Maya", False),
        ("chelsea", "office cat.jpg", (902, 600), "Inés", True),
        ("moon", "moon tonight.jpg", (900, 900), "Tom", False),
    )
    for picture, name, size, poster, live in pictures:
        yield _jpeg(
            scenery(picture).resize(size, _LANCZOS),
            name,
            poster=poster,
            live=live,
            note="no face",
        )


def _broken() -> Iterator[AlbumPhoto]:
    whole = _jpeg(scenery("rocket"), "IMG_2080.jpg", poster="Tom", note="cut off in its header")
    # 150 bytes end inside the tables, before the size of the picture is known.
    yield replace(whole, data=whole.data[:150], kind="broken")
    yield AlbumPhoto(
        name="notes.jpg",
        data=b"Launch party: bring cake. Photos go in this channel, please.\n",
        who=frozenset(),
        live=True,
        poster="Maya",
        kind="broken",
        note="a text file named .jpg",
    )


def _jpeg(
    image: Image.Image,
    name: str,
    *who: Who,
    poster: str,
    note: str,
    live: bool = False,
    quality: int = 86,
    orientation: int = 1,
) -> AlbumPhoto:
    """A JPEG; an EXIF `orientation` of 3, 6 or 8 stores the pixels turned and says so."""
    # What a viewer must do: 3 turns by 180°, 6 by 90° clockwise, 8 by 90° anticlockwise.
    # The pixels are stored turned the other way.
    stored_turn = {
        3: Image.Transpose.ROTATE_180,
        6: Image.Transpose.ROTATE_90,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    if orientation != 1:
        exif[_EXIF_ORIENTATION] = orientation
        image = image.transpose(stored_turn[orientation])
    return _encoded(
        image, "JPEG", name, who, poster=poster, note=note, live=live, quality=quality, exif=exif
    )


def _png(
    image: Image.Image, name: str, who: Sequence[Who], *, poster: str, note: str
) -> AlbumPhoto:
    # Level 3 is the knee: level 6 takes twice the time for a few per cent.
    return _encoded(image, "PNG", name, who, poster=poster, note=note, compress_level=3)


def _encoded(
    image: Image.Image,
    file_format: str,
    name: str,
    who: Sequence[Who],
    *,
    poster: str,
    note: str,
    live: bool = False,
    **options: object,
) -> AlbumPhoto:
    out = BytesIO()
    image.save(out, file_format, **options)
    return AlbumPhoto(
        name=name, data=out.getvalue(), who=frozenset(who), live=live, poster=poster, note=note
    )


def _srgb_profile() -> bytes:
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    # Bytes 24 to 35 of an ICC header are the date of creation (ICC.1:2022, 7.2): now, from lcms.
    profile[24:36] = bytes((7, 232, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0))
    return bytes(profile)
