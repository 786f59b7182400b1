"""Places, and people in them: what the demo's photos are composed of.

Sizes are (width, height) in px; every picture is RGB and the same on each run.
"""

import random
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from bot.demo.portraits import SITTERS, SceneryName, Who, cut_out, scenery, studio

_LANCZOS: Final = Image.Resampling.LANCZOS
_BICUBIC: Final = Image.Resampling.BICUBIC


def launch(size: tuple[int, int]) -> Image.Image:
    """A rocket on its pad, at night."""
    return _backdrop("rocket", size, blur_px=size[0] / 300)


def garage(size: tuple[int, int]) -> Image.Image:
    """A workshop with a motorcycle."""
    # Without the motorcycle's wheels: two blurred wheels look like a face to a detector.
    return _backdrop("stereo_motorcycle", size, blur_px=size[0] / 110, part=(40, 0, 741, 250))


def cafe(size: tuple[int, int]) -> Image.Image:
    """A café, seen through the steam."""
    return _backdrop("coffee", size, blur_px=size[0] / 22)


def stars(size: tuple[int, int]) -> Image.Image:
    """A night full of stars."""
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


def wall(size: tuple[int, int]) -> Image.Image:
    """A brick wall, level courses, in warm light."""
    courses = scenery("brick").transpose(Image.Transpose.ROTATE_90).rotate(3, _BICUBIC)
    grey = ImageOps.fit(courses.crop((40, 40, 472, 472)), size, _BICUBIC).convert("L")
    return _shaded(ImageOps.colorize(grey, (52, 30, 26), (226, 190, 168), (150, 92, 74)))


def park(size: tuple[int, int]) -> Image.Image:
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


def party(size: tuple[int, int], *, seed: int) -> Image.Image:
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


def add(
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
        lit(person.convert("RGB"), light),
        (round(x_px - middle_x * scale), floor_px - person.height),
        person.getchannel("A"),
    )
    return crowd


def low_wall(scene: Image.Image, top_px: int) -> Image.Image:
    """The scene behind a low brick wall whose upper edge is at `top_px`."""
    width, height = scene.size
    bricks = wall((width, height - top_px))
    ImageDraw.Draw(bricks).rectangle((0, 0, width, 12), fill=(186, 170, 154))
    picture = scene.copy()
    picture.paste(bricks, (0, top_px))
    return picture


def hung(scene: Image.Image, who: Who, *, face_px: float, at: tuple[int, int]) -> Image.Image:
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


def rolled(image: Image.Image, anticlockwise_deg: float) -> Image.Image:
    """The picture taken with a tilted camera: turned, and cropped so that no corner is empty."""
    turned = image.rotate(anticlockwise_deg, _BICUBIC)
    angle = np.deg2rad(abs(anticlockwise_deg))
    width, height = image.size
    # The largest crop of the same shape inside a turned rectangle.
    long_px, short_px = max(image.size), min(image.size)
    shrink = 1 / (np.cos(angle) + np.sin(angle) * long_px / short_px)
    dx, dy = round(width * (1 - shrink) / 2), round(height * (1 - shrink) / 2)
    return turned.crop((dx, dy, width - dx, height - dy))


def lit(image: Image.Image, light: float) -> Image.Image:
    """The picture with `light` times its brightness."""
    return image if light == 1.0 else ImageEnhance.Brightness(image).enhance(light)


def out_of_focus(image: Image.Image, blur: float) -> Image.Image:
    """A small picture of it, blurred by `blur` of its shorter side."""
    small = ImageOps.contain(image, (420, 420), _LANCZOS)
    return small.filter(ImageFilter.GaussianBlur(min(small.size) * blur))
