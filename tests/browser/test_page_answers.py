"""Answers on the page: what their parts are called, pictures that are no more, where one reads."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Route, expect

from bot.sandbox.model import FileId
from tests.browser import menu
from tests.browser.conftest import Visit
from tests.browser.kitchen import Kitchen, picture
from tests.browser.visitor import Visitor


@pytest.fixture
def visitor(visit: Visit, kitchen: Kitchen) -> Visitor:
    """Ann, in #photos."""
    visitor = visit(kitchen.slack)
    visitor.act_as("Ann Lee")
    visitor.open_channel("photos")
    return visitor


def _answer(kitchen: Kitchen, *blocks: menu.Block) -> None:
    kitchen.client.chat_postMessage(channel=kitchen.photos.id, text="here", blocks=list(blocks))


def _image(file_id: str) -> menu.Block:
    return {"type": "image", "slack_file": {"id": file_id}, "alt_text": "a sunset"}


def test_each_menu_is_named_by_what_stands_above_it(visitor: Visitor, kitchen: Kitchen) -> None:
    for name in ("sea.jpg", "sky.jpg"):
        kitchen.post(name)
    answer = visitor.ask("/findme")
    for number in range(2):
        menu_button = answer.get_by_role("button", name=f"More actions for IMG_{number}.jpg")
        expect(menu_button).to_have_count(1)
    expect(answer.get_by_role("button", name=re.compile("^More actions"))).to_have_count(2)


def test_a_menu_goes_by_its_own_label_or_by_the_text_beside_it(
    visitor: Visitor, kitchen: Kitchen
) -> None:
    more = {"type": "overflow", "action_id": "m", "options": menu.options("one", "two")}
    plain = {"type": "section", "text": menu.marked("Something without a name"), "accessory": more}
    named = {"type": "actions", "elements": [more]}
    photo = {"type": "section", "text": menu.marked("see *that one* and this")}
    _answer(kitchen, plain, photo, named)
    buttons = visitor.last_answer().locator(".is-overflow")
    expect(buttons.first).to_have_accessible_name("More actions for Something without a name")
    expect(buttons.last).to_have_accessible_name("More actions for that one")


def test_optional_is_said_only_where_something_else_must_be_filled_in(
    visitor: Visitor, kitchen: Kitchen
) -> None:
    visitor.type("/findme modal")
    modal = visitor.modal()
    expect(modal.get_by_text("(optional)")).to_have_count(1)
    (view,) = kitchen.slack.workspace.modals[kitchen.ann.id]
    content = menu.modal()
    content["blocks"] = [
        each | {"optional": True} if each["type"] == "input" else each for each in content["blocks"]
    ]
    kitchen.client.views_update(view_id=view.id, view=content)
    expect(modal.get_by_text("(optional)")).to_have_count(0)
    expect(modal.get_by_label("Size")).to_be_visible()


def test_a_picture_whose_file_was_deleted_is_not_asked_for_again(
    visitor: Visitor, kitchen: Kitchen
) -> None:
    file_id = kitchen.post("sunset.jpg")
    _answer(kitchen, _image(file_id), menu.answer([file_id])[2])
    expect(visitor.last_answer().locator("button.picture img")).to_have_count(2)
    visitor.pictures_are_shown(visitor.page.locator("#messages"))
    kitchen.slack.people.delete_file(kitchen.ben, FileId(file_id))
    gone = visitor.last_answer().get_by_text("picture no longer available")
    expect(gone).to_have_count(2)
    expect(visitor.last_answer().locator("img:not(.avatar)")).to_have_count(0)
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    visitor.page.reload()
    expect(gone).to_have_count(2)
    assert [url for url in asked if file_id in url] == []
    visitor.fits_the_width()


def test_a_long_last_answer_is_shown_from_its_beginning_when_one_comes(
    visitor: Visitor, kitchen: Kitchen
) -> None:
    visitor.open_channel("secret")
    files = [kitchen.post(f"{number}.jpg") for number in range(8)]
    first = {"type": "section", "text": menu.marked("Eight photos of you")}
    _answer(kitchen, first, *[_image(file_id) for file_id in files])
    visitor.open_channel("photos")
    answer = visitor.last_answer()
    expect(answer.get_by_text("Eight photos of you")).to_be_in_viewport()
    visitor.pictures_are_shown(answer)
    visitor.page.reload()
    expect(answer.locator("img").nth(1)).to_have_js_property("complete", value=True)
    visitor.page.wait_for_timeout(300)
    expect(answer.get_by_text("Eight photos of you")).to_be_in_viewport()


def test_a_long_answer_that_is_drawn_anew_is_shown_from_its_beginning_again(
    visitor: Visitor, kitchen: Kitchen
) -> None:
    # Without its pictures, which come one after the other, it is not longer than the window.
    under_way: list[Route] = []
    files = [kitchen.post(f"{number}.jpg") for number in range(16)]
    first = {"type": "section", "text": menu.marked("Eight photos of you")}
    posted = kitchen.client.chat_postMessage(
        channel=kitchen.photos.id, text="here", blocks=[first, *map(_image, files[:8])]
    )
    expect(visitor.last_answer().locator("img").nth(1)).to_have_js_property("complete", value=True)
    visitor.page.wait_for_timeout(300)
    expect(visitor.last_answer().get_by_text("Eight photos of you")).to_be_in_viewport()
    held = [True]
    visitor.page.route(
        "**/sandbox/files/*",
        lambda route: under_way.append(route) if held else route.continue_(),
    )
    last = {"type": "section", "text": menu.marked("Eight others of you")}
    kitchen.client.chat_update(
        channel=posted["channel"],
        ts=posted["ts"],
        text="here",
        blocks=[last, *map(_image, files[8:])],
    )
    expect(visitor.last_answer()).to_contain_text("Eight others of you")
    while not under_way:
        visitor.page.wait_for_timeout(20)
    visitor.page.wait_for_timeout(300)
    held.clear()
    for route in under_way:
        route.continue_()
    for number in range(len(under_way)):
        picture_there = visitor.last_answer().locator("img").nth(1 + number)
        expect(picture_there).to_have_js_property("complete", value=True)
    visitor.page.wait_for_timeout(300)
    expect(visitor.last_answer().get_by_text("Eight others of you")).to_be_in_viewport()


def test_a_line_that_becomes_a_long_answer_is_shown_from_its_beginning(
    visitor: Visitor, kitchen: Kitchen
) -> None:
    file_id = kitchen.post("sea.jpg")
    posted = kitchen.client.chat_postMessage(channel=kitchen.photos.id, text="Looking…")
    expect(visitor.last_answer()).to_contain_text("Looking…")
    first = {"type": "section", "text": menu.marked("Many photos of you")}
    kitchen.client.chat_update(
        channel=posted["channel"],
        ts=posted["ts"],
        text="Many",
        blocks=[first, *[_image(file_id)] * 8],
    )
    expect(visitor.last_answer().get_by_text("Many photos of you")).to_be_in_viewport()
    visitor.pictures_are_shown(visitor.last_answer())


def test_a_picture_that_no_browser_reads_is_previewed_as_a_file_and_sent_as_it_is(
    visitor: Visitor, kitchen: Kitchen
) -> None:
    visitor.drop_pictures({"broken.png": b"no picture", "good.png": picture("g", kind="PNG")})
    previews = visitor.page.get_by_role("list", name="Pictures to send")
    expect(previews.locator(".file-kind")).to_have_text(["png"])
    expect(previews.locator("img")).to_have_count(1)
    visitor.click_button("Send")
    expect(visitor.messages().last.locator(".file-card")).to_contain_text("broken.png")
    assert {file.name for file in kitchen.slack.workspace.files.values()} >= {"broken.png"}
