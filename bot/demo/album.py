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

import numpy as np
import pillow_heif
from PIL import Image, ImageCms, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from bot.demo.portraits import SITTERS, SceneryName, Who, cut_out, scenery, studio

_LANCZOS: Final = Image.Resampling.LANCZOS
_BICUBIC: Final = Image.Resampling.BICUBIC
_EXIF_ORIENTATION: Final = 0x0112


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


# --- the photos ---------------------------------------------------------------------------------


def _alone() -> Iterator[AlbumPhoto]:
    yield _jpeg(
        studio("eileen").crop((70, 0, 420, 420)).resize((1000, 1200), _LANCZOS),
        "IMG_2041.jpg",
        "eileen",
        poster="Maya",
        note="head and shoulders",
    )
    yield _jpeg(
        studio("grace").resize((1024, 1200), _LANCZOS),
        "Commodore Hopper.jpg",
        "grace",
        poster="Tom",
        note="the whole portrait",
    )
    yield _jpeg(
        studio("grace").crop((95, 40, 440, 385)).resize((640, 640), _LANCZOS),
        "IMG_2043 (cropped).jpg",
        "grace",
        poster="Inés",
        live=True,
        note="tight crop",
    )

    scene = _add(_park((1500, 1125)), "eileen", face_px=170, x_px=690)
    yield _jpeg(
        _rolled(scene, 15), "IMG_2044.jpg", "eileen", poster="Maya", note="tilted 15° to the left"
    )
    scene = _add(_garage((1500, 1125)), "grace", face_px=280, x_px=760)
    yield _jpeg(
        _rolled(scene, -15), "IMG_2047.jpg", "grace", poster="Olu", note="tilted 15° to the right"
    )
    scene = _add(_cafe((1300, 1000)), "grace", face_px=230, x_px=560)
    yield _jpeg(
        _rolled(scene, 7), "IMG_2048.jpg", "grace", poster="Tom", live=True, note="tilted 7°"
    )

    scene = _add(_launch((1280, 960)), "eileen", face_px=160, x_px=480, light=0.8)
    yield _jpeg(
        _lit(scene, 0.5), "night shift.jpg", "eileen", poster="Inés", note="dark, half the light"
    )
    scene = _add(_park((1200, 1500)), "grace", face_px=330, x_px=600)
    yield _jpeg(
        _lit(scene, 1.45),
        "IMG_2052.jpg",
        "grace",
        poster="Maya",
        note="overexposed, 1.45 times the light",
    )
    scene = _add(_party((1280, 960), seed=5), "grace", face_px=210, x_px=800, light=0.8)
    yield _jpeg(
        _lit(scene, 0.7), "IMG_2055.jpg", "grace", poster="Olu", live=True, note="evening light"
    )
    scene = _add(_cafe((1200, 900)), "eileen", face_px=140, x_px=420)
    yield _jpeg(
        scene.filter(ImageFilter.GaussianBlur(3)),
        "IMG_2058.jpg",
        "eileen",
        poster="Tom",
        note="out of focus",
    )
    scene = _add(_garage((1024, 768)), "grace", face_px=150, x_px=420)
    yield _jpeg(
        scene, "WhatsApp image.jpg", "grace", poster="Inés", note="JPEG quality 35", quality=35
    )
    scene = _add(_launch((1200, 900)), "eileen", face_px=150, x_px=700, light=0.9)
    yield _jpeg(
        ImageOps.mirror(scene), "selfie 3.jpg", "eileen", poster="Maya", live=True, note="mirrored"
    )
    scene = _add(_wall((900, 1200)), "grace", face_px=260, x_px=450)
    yield _jpeg(ImageOps.mirror(scene), "selfie.jpg", "grace", poster="Olu", note="mirrored")

    scene = _add(_park((1280, 960)), "eileen", face_px=50, x_px=820, floor_px=640)
    yield _jpeg(
        _low_wall(scene, 640), "IMG_2063.jpg", "eileen", poster="Tom", note="face 50 px, far away"
    )
    yield _jpeg(
        _hung(_wall((1280, 960)), "grace", face_px=54, at=(610, 400)),
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
    scene = _add(_stars((1080, 1920)), "eileen", face_px=250, x_px=480)
    yield _jpeg(
        scene, "story_1080x1920.jpg", "eileen", poster="Inés", live=True, note="upright story"
    )


def _together() -> Iterator[AlbumPhoto]:
    scene = _add(_launch((1200, 900)), "eileen", face_px=150, x_px=400, light=0.95)
    scene = _add(scene, "grace", face_px=160, x_px=830, light=0.9)
    yield _png(scene, "group at the launch.png", ("eileen", "grace"), poster="Maya", note="PNG")

    scene = _add(_park((2400, 900)), "grace", face_px=120, x_px=1880, floor_px=680)
    scene = _add(scene, "eileen", face_px=120, x_px=560, floor_px=790, mirrored=True)
    yield _jpeg(
        _low_wall(scene, 640),
        "panorama garden.jpg",
        "eileen",
        "grace",
        poster="Tom",
        note="wide, both far apart",
    )

    scene = _add(_cafe((1600, 1200)), "grace", face_px=230, x_px=1120, mirrored=True)
    scene = _add(scene, "eileen", face_px=220, x_px=520)
    yield _jpeg(
        _rolled(scene, -5),
        "lunch (2).jpg",
        "eileen",
        "grace",
        poster="Olu",
        live=True,
        note="both, tilted 5°",
    )

    scene = _hung(_wall((1600, 1000)), "eileen", face_px=66, at=(540, 390))
    scene = _hung(scene, "grace", face_px=96, at=(1050, 390))
    yield _jpeg(
        scene, "hall of fame.jpg", "eileen", "grace", poster="Maya", note="two portraits on a wall"
    )

    scene = _add(_garage((4000, 3000)), "grace", face_px=560, x_px=2850)
    scene = _add(scene, "eileen", face_px=500, x_px=1250)
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
        scene = _add(_garage((1280, 960)), "eileen", face_px=150, x_px=x_px)
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
    scene = _add(_party((1200, 900), seed=8), "eileen", face_px=140, x_px=460)
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
    scene = _add(_park((1200, 900)), "grace", face_px=190, x_px=640)
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
    scene = _add(_stars((1200, 900)), "grace", face_px=220, x_px=560)
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
    scene = _add(_cafe((1100, 825)), "eileen", face_px=130, x_px=700, mirrored=True)
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
    scene = _add(_wall((900, 1100)), "grace", face_px=250, x_px=430)
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


# --- files --------------------------------------------------------------------------------------


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


# --- scenes -------------------------------------------------------------------------------------


def _launch(size: tuple[int, int]) -> Image.Image:
    return _backdrop("rocket", size, blur_px=size[0] / 300)


def _garage(size: tuple[int, int]) -> Image.Image:
    # Without the motorcycle's wheels: two blurred wheels look like a face to a detector.
    return _backdrop("stereo_motorcycle", size, blur_px=size[0] / 110, part=(40, 0, 741, 250))


def _cafe(size: tuple[int, int]) -> Image.Image:
    return _backdrop("coffee", size, blur_px=size[0] / 22)


def _stars(size: tuple[int, int]) -> Image.Image:
    # Galaxies too; blurred, they no longer do.
    return _backdrop("hubble_deep_field", size, blur_px=max(size) / 80)


def _backdrop(
    name: SceneryName,
    size: tuple[int, int],
    *,
    blur_px: float,
    part: tuple[int, int, int, int] | None = None,
) -> Image.Image:
    """Scenery, or a `part` of it (left, upper, right, lower), that fills `size`, out of focus."""
    # Blurred at a quarter of the size: it looks the same and costs a sixteenth.
    small = ImageOps.fit(scenery(name).crop(part), (size[0] // 4, size[1] // 4), _LANCZOS)
    return small.filter(ImageFilter.GaussianBlur(blur_px / 4)).resize(
        size, Image.Resampling.BILINEAR
    )


def _wall(size: tuple[int, int]) -> Image.Image:
    """A brick wall, level courses, in warm light."""
    courses = scenery("brick").transpose(Image.Transpose.ROTATE_90).rotate(3, _BICUBIC)
    grey = ImageOps.fit(courses.crop((40, 40, 472, 472)), size, _BICUBIC).convert("L")
    return _shaded(ImageOps.colorize(grey, (52, 30, 26), (226, 190, 168), (150, 92, 74)))


def _park(size: tuple[int, int]) -> Image.Image:
    """A lawn with trees behind it under a clear sky, out of focus."""
    chance = random.Random(3)
    width, height = size
    horizon = round(height * 0.5)
    sky = Image.linear_gradient("L").resize(size)
    picture = ImageOps.colorize(sky, (82, 134, 200), (246, 246, 240), (206, 222, 232))
    draw = ImageDraw.Draw(picture)
    for _ in range(90):
        x, radius = chance.uniform(0, width), chance.uniform(0.03, 0.1) * height
        shade = chance.uniform(0.6, 1.2)
        green = tuple(round(level * shade) for level in (58, 84, 46))
        y = horizon - chance.uniform(0, 0.12) * height
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=green)
    picture = picture.filter(ImageFilter.GaussianBlur(width / 80))
    # The far end of the lawn takes in more ground than the near end: blades shrink with distance.
    grass = scenery("grass").convert("L")
    plot = Image.new("L", (512 * 4, 512 * 2))
    for left in range(0, plot.width, 512):
        for top in range(0, plot.height, 512):
            plot.paste(grass, (left, top))
    corners = (0, 0, 700, plot.height, plot.width - 700, plot.height, plot.width, 0)
    ground = plot.transform(
        (width, height - horizon), Image.Transform.QUAD, corners, Image.Resampling.BILINEAR
    )
    lawn = ImageOps.colorize(ground, (34, 52, 20), (176, 190, 112), (96, 124, 58))
    picture.paste(lawn.filter(ImageFilter.GaussianBlur(width / 600)), (0, horizon))
    return picture


def _party(size: tuple[int, int], *, seed: int) -> Image.Image:
    """A dark room with lights far behind."""
    chance = random.Random(seed)
    width, height = size
    picture = ImageOps.colorize(Image.linear_gradient("L").resize(size), (34, 24, 46), (86, 52, 44))
    draw = ImageDraw.Draw(picture, "RGBA")
    for _ in range(46):
        radius = chance.uniform(0.012, 0.045) * width
        x, y = chance.uniform(0, width), chance.uniform(0, height * 0.7)
        colour = chance.choice(((255, 190, 110), (255, 226, 170), (240, 120, 120), (150, 180, 255)))
        box = (x - radius, y - radius, x + radius, y + radius)
        draw.ellipse(box, fill=(*colour, chance.randrange(50, 130)))
    return picture.filter(ImageFilter.GaussianBlur(width / 300))


def _shaded(image: Image.Image) -> Image.Image:
    """The picture with its corners in shade, as a lamp from above leaves them."""
    shade = Image.radial_gradient("L").point([round(level * 0.55) for level in range(256)])
    dark = ImageEnhance.Brightness(image).enhance(0.45)
    return Image.composite(dark, image, shade.resize(image.size))


# --- people in scenes ---------------------------------------------------------------------------


def _add(
    scene: Image.Image,
    who: Who,
    *,
    face_px: float,
    x_px: int,
    floor_px: int | None = None,
    light: float = 1.0,
    mirrored: bool = False,
) -> Image.Image:
    """The scene with one more person in front.

    `face_px` is the height of her face, hair-line to chin, `x_px` where its middle is across. Her
    portrait ends at the waist: that edge lies on `floor_px`, by default just below the picture.
    """
    x, _, width, height = SITTERS[who].face
    person = cut_out(who)
    middle_x = x + width / 2
    if mirrored:
        person, middle_x = ImageOps.mirror(person), person.width - middle_x
    scale = face_px / height
    person = person.resize((round(person.width * scale), round(person.height * scale)), _LANCZOS)
    floor_px = scene.height + 2 if floor_px is None else floor_px
    crowd = scene.copy()
    crowd.paste(
        _lit(person.convert("RGB"), light),
        (round(x_px - middle_x * scale), floor_px - person.height),
        person.getchannel("A"),
    )
    return crowd


def _low_wall(scene: Image.Image, top_px: int) -> Image.Image:
    """The scene behind a low brick wall whose upper edge is at `top_px`."""
    width, height = scene.size
    bricks = _wall((width, height - top_px))
    ImageDraw.Draw(bricks).rectangle((0, 0, width, 12), fill=(186, 170, 154))
    picture = scene.copy()
    picture.paste(bricks, (0, top_px))
    return picture


def _hung(scene: Image.Image, who: Who, *, face_px: float, at: tuple[int, int]) -> Image.Image:
    """The scene with a framed portrait on the wall, the frame's middle at `at`."""
    scale = face_px / SITTERS[who].face[3]
    print_ = studio(who)
    print_ = print_.resize((round(print_.width * scale), round(print_.height * scale)), _LANCZOS)
    framed = ImageOps.expand(print_, round(face_px * 0.35), (236, 230, 218))
    framed = ImageOps.expand(framed, round(face_px * 0.16), (58, 40, 28))
    corner = (at[0] - framed.width // 2, at[1] - framed.height // 2)
    shadow = Image.new("L", scene.size)
    ImageDraw.Draw(shadow).rectangle(
        (
            corner[0] + 6,
            corner[1] + 10,
            corner[0] + framed.width + 6,
            corner[1] + framed.height + 12,
        ),
        fill=150,
    )
    picture = scene.copy()
    picture.paste((0, 0, 0), (0, 0), shadow.filter(ImageFilter.GaussianBlur(8)))
    picture.paste(framed, corner)
    return picture


def _rolled(image: Image.Image, anticlockwise_deg: float) -> Image.Image:
    """The picture taken with a tilted camera: turned, and cropped so that no corner is empty."""
    turned = image.rotate(anticlockwise_deg, _BICUBIC)
    angle = np.deg2rad(abs(anticlockwise_deg))
    width, height = image.size
    # The largest crop of the same shape inside a turned rectangle.
    long_px, short_px = max(image.size), min(image.size)
    shrink = 1 / (np.cos(angle) + np.sin(angle) * long_px / short_px)
    dx, dy = round(width * (1 - shrink) / 2), round(height * (1 - shrink) / 2)
    return turned.crop((dx, dy, width - dx, height - dy))


def _lit(image: Image.Image, light: float) -> Image.Image:
    return image if light == 1.0 else ImageEnhance.Brightness(image).enhance(light)
