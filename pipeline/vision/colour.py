"""Colours of a picture with a profile of its own, as sRGB."""

import io
from collections.abc import Callable

from PIL import Image as PilImage

# What the colour space of a profile (ICC.1:2022, 7.2.6) makes of pixels of that mode.
_MODES = {"RGB ": "RGB", "CMYK": "CMYK", "GRAY": "L"}


def to_srgb(
    profile: bytes | None, mode: str
) -> tuple[Callable[[PilImage.Image], PilImage.Image], bool]:
    """How pixels become sRGB, and whether they have to be handed over in the picture's own mode.

    A profile that says sRGB, is damaged or belongs to other pixels changes nothing.
    """
    if not profile:
        return _as_rgb, False
    # Most pictures have no profile: loading Little CMS takes longer than decoding a small one.
    from PIL import ImageCms  # noqa: PLC0415

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in (source.profile.profile_description or ""):
            return _as_rgb, False
        takes = _MODES.get(source.profile.xcolor_space)
        keeps_mode = takes == mode
        # With transparency, from a palette: those are RGB by the time they come here.
        if takes is None or not (keeps_mode or takes == "RGB"):
            return _as_rgb, False
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), takes, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return _as_rgb, False

    def convert(picture: PilImage.Image) -> PilImage.Image:
        converted = ImageCms.applyTransform(picture, transform)
        assert converted is not None  # it is None only where the picture is changed in place
        return converted

    return convert, keeps_mode and takes != "RGB"


def _as_rgb(picture: PilImage.Image) -> PilImage.Image:
    return picture.convert("RGB")
