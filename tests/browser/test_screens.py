"""The pictures of the README.

To draw them anew: FINDME_SCREENSHOTS=$PWD/bot/demo/screens make test-browser
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image, ImageFilter
from playwright.sync_api import Locator, expect

from bot.demo.album import AlbumPhoto, make_album
from bot.demo.portraits import portrait
from bot.sandbox import Channel, Person
from tests.acceptance.office import Office, snapshot
from tests.browser.conftest import Screen, Visit
from tests.browser.visitor import Visitor

# Read here: a test's own environment has no settings of ours left.
_FOLDER = os.environ.get("FINDME_SCREENSHOTS")
LARGEST_BYTES = 150_000

PHOTOS = ("IMG_2041.jpg", "lunch (2).jpg", "group at the launch.png")


@pytest.fixture(scope="module")
def album() -> Mapping[str, AlbumPhoto]:
    return {photo.name: photo for photo in make_album()}


def out_of_focus() -> bytes:
    """Somebody who may be Eileen."""
    with Image.open(io.BytesIO(snapshot("eileen"))) as picture:
        blurred = picture.filter(ImageFilter.GaussianBlur(4))
    out = io.BytesIO()
    blurred.save(out, "JPEG", quality=80)
    return out.getvalue()


def save(what: Locator, folder: Path, name: str) -> Path:
    """A picture of one element, in few colours: it goes into the repository."""
    out = io.BytesIO(what.screenshot(animations="disabled"))
    path = (Path(_FOLDER) if _FOLDER else folder) / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(out) as picture:
        few = picture.convert("RGB").quantize(256)
        few.save(path, optimize=True)
    return path


def event(office: Office, album: Mapping[str, AlbumPhoto]) -> tuple[Person, Channel]:
    people = office.slack.people
    eileen = people.add_person("Eileen Collins", picture=portrait("eileen"))
    maya, tom = people.add_person("Maya"), people.add_person("Tom")
    channel = people.add_channel("offsite", members=[office.organiser, eileen, maya, tom])
    office.invite_bot(channel)
    posters = [maya, tom, office.organiser]
    posted = [
        office.post(channel, album[name].data, name, by=posters[number])
        for number, name in enumerate(PHOTOS)
    ]
    posted.append(office.post(channel, out_of_focus(), "dance floor.jpg", by=tom))
    office.read(*posted)
    return eileen, channel


def drawn(visitor: Visitor, within: Locator) -> None:
    visitor.pictures_are_shown(within)
    visitor.page.evaluate("document.fonts.ready")


def test_the_pictures_of_the_readme_are_drawn_and_small(
    visit: Visit,
    office: Office,
    album: Mapping[str, AlbumPhoto],
    screen: Screen,
    tmp_path: Path,
) -> None:
    if screen.is_phone:
        pytest.skip("the README shows a desktop's width")
    eileen, channel = event(office, album)
    visitor = visit(office.slack)
    visitor.page.set_viewport_size({"width": 900, "height": 1000})
    visitor.act_as(eileen.real_name)
    visitor.open_channel(channel.name)
    answer = visitor.ask("/findme")
    expect(answer).to_contain_text("4 photos of you in #offsite: 3 sure, 1 maybe")
    drawn(visitor, answer)
    paths = [save(answer, tmp_path, "answer")]
    visitor.click_button("Gallery", answer)
    expect(visitor.modal()).to_contain_text("4 photos of you")
    drawn(visitor, visitor.modal())
    visitor.modal().locator(".block").first.scroll_into_view_if_needed()
    paths.append(save(visitor.modal(), tmp_path, "gallery"))
    visitor.close_modal()
    visitor.open_bot("Home")
    home = visitor.home().locator(".home-blocks")
    expect(home).to_contain_text("4 photos of you")
    drawn(visitor, home)
    paths.append(save(home, tmp_path, "home"))
    assert [path.name for path in paths if path.stat().st_size > LARGEST_BYTES] == []
