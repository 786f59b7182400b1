"""Where the keyboard is after something opened, closed or changed: never back at the start."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, expect

from tests.browser import menu
from tests.browser.conftest import Visit
from tests.browser.kitchen import Kitchen
from tests.browser.visitor import Visitor


@pytest.fixture
def visitor(visit: Visit, kitchen: Kitchen) -> Visitor:
    """Ann, in #photos."""
    visitor = visit(kitchen.slack)
    visitor.act_as("Ann Lee")
    visitor.open_channel("photos")
    return visitor


def _view(title: str, *blocks: menu.Block, **more: Any) -> menu.Block:
    return {"type": "modal", "title": menu.plain(title), "blocks": list(blocks), **more}


def _text(text: str) -> menu.Block:
    return {"type": "section", "text": menu.marked(text)}


def _buttons(*buttons: menu.Block) -> menu.Block:
    return {"type": "actions", "elements": list(buttons)}


LOOKING = _view("Gallery", _text("Looking…"))


def _press(button: Locator) -> None:
    button.focus()
    button.press("Enter")


def _opened_by(kitchen: Kitchen, action_id: str, view: menu.Block = LOOKING) -> str:
    """Open a modal as the app's answer to a click; gives its id."""
    trigger_id = kitchen.acted(action_id)["trigger_id"]
    opened = kitchen.client.views_open(trigger_id=trigger_id, view=view)
    return str(opened["view"]["id"])


def _replace(kitchen: Kitchen, action_id: str, **message: Any) -> None:
    """Change the message that was clicked, or take it away."""
    answer = httpx.post(kitchen.acted(action_id)["response_url"], json=message)
    assert answer.status_code == 200, answer.text


def test_a_modal_that_is_closed_gives_the_focus_back_to_what_opened_it(
    visitor: Visitor, kitchen: Kitchen
) -> None:
    gallery = visitor.ask("/findme").get_by_role("button", name="Gallery")
    _press(gallery)
    _opened_by(kitchen, "gallery")
    expect(visitor.modal()).to_be_visible()
    visitor.close_modal()
    expect(visitor.modal()).to_have_count(0)
    expect(gallery).to_be_focused()


def test_a_modal_that_is_submitted_gives_it_back_even_if_the_message_was_drawn_anew(
    visitor: Visitor, kitchen: Kitchen
) -> None:
    gallery = visitor.ask("/findme").get_by_role("button", name="Gallery")
    _press(gallery)
    _opened_by(kitchen, "gallery", _view("Share", _text("All of them?"), submit=menu.plain("Yes")))
    expect(visitor.modal()).to_be_visible()
    kitchen.slack.people.add_person("Cy New")  # names are drawn anew
    visitor.page.wait_for_timeout(300)
    _press(visitor.modal().get_by_role("button", name="Yes"))
    expect(visitor.modal()).to_have_count(0)
    expect(gallery).to_be_focused()


def test_a_modal_whose_message_is_gone_gives_the_focus_to_the_composer(
    visitor: Visitor, kitchen: Kitchen
) -> None:
    _press(visitor.ask("/findme").get_by_role("button", name="Gallery"))
    _opened_by(kitchen, "gallery")
    expect(visitor.modal()).to_be_visible()
    _replace(kitchen, "gallery", delete_original=True)
    expect(visitor.answers()).to_have_count(0)
    visitor.close_modal()
    expect(visitor.composer()).to_be_focused()


def test_the_modal_below_gets_the_focus_back_where_it_was(visitor: Visitor) -> None:
    visitor.type("/findme modal")
    _press(visitor.modal().get_by_role("button", name="More…"))
    expect(visitor.modal()).to_have_accessible_name("More")
    visitor.close_modal()
    expect(visitor.modal()).to_have_accessible_name("Your selfie")
    expect(visitor.modal().get_by_role("button", name="More…")).to_be_focused()


def test_an_answer_that_changes_under_its_button_keeps_the_focus(
    visitor: Visitor, kitchen: Kitchen
) -> None:
    answer = visitor.ask("/findme")
    _press(answer.get_by_role("button", name="Show 10 more"))
    blocks = [_text("One is gone."), _text("Another is not."), _buttons(menu.button("x", "Other"))]
    _replace(kitchen, "more", replace_original=True, text="changed", blocks=blocks)
    expect(answer).to_contain_text("One is gone.")
    expect(answer).to_be_focused()
    _press(answer.get_by_role("button", name="Other"))
    _replace(kitchen, "x", delete_original=True)
    expect(visitor.answers()).to_have_count(0)
    expect(visitor.composer()).to_be_focused()


def test_a_question_gives_the_focus_back_whatever_the_answer(
    visitor: Visitor, kitchen: Kitchen
) -> None:
    answer = visitor.ask("/findme everything")
    forget = answer.get_by_role("button", name="Forget all")
    asked = visitor.page.get_by_role("alertdialog", name="Really?")
    for choice in ("Keep it", "Yes, all"):
        _press(forget)
        _press(asked.get_by_role("button", name=choice))
        expect(asked).to_have_count(0)
        expect(forget).to_be_focused()
    _press(forget)
    visitor.page.keyboard.press("Escape")
    expect(forget).to_be_focused()
    _replace(kitchen, "all", replace_original=True, text="All is gone.")
    expect(answer).to_contain_text("All is gone.")
    expect(answer).to_be_focused()


def test_a_switch_in_home_leads_to_what_came_in_its_place(
    visitor: Visitor, kitchen: Kitchen
) -> None:
    visitor.open_bot("Home")
    kitchen.wait_for("app_home_opened")
    home = visitor.home()
    expect(home).to_contain_text("references")
    for at, (name, action_id) in enumerate([("Turn on", "on"), ("Turn off", "off")]):
        blocks = [_text("Alerts"), _buttons(menu.button(action_id, name))]
        view = {"type": "home", "blocks": blocks}
        kitchen.client.views_publish(user_id=kitchen.ann.id, view=view)
        switch = home.get_by_role("button", name=name)
        expect(switch).to_be_visible()
        if not at:
            _press(switch)
            kitchen.acted("on")
    expect(switch).to_be_focused()
    kitchen.client.views_publish(
        user_id=kitchen.ann.id, view={"type": "home", "blocks": [_text("Nothing")]}
    )
    expect(home).to_contain_text("Nothing")
    expect(home).to_be_focused()


def test_a_modal_is_entered_at_its_heading_and_then_at_the_first_control(
    visitor: Visitor, kitchen: Kitchen
) -> None:
    _press(visitor.ask("/findme").get_by_role("button", name="Gallery"))
    view_id = _opened_by(kitchen, "gallery")
    heading = visitor.modal().get_by_role("heading", name="Gallery")
    expect(heading).to_be_focused()
    found = _view("Gallery", _text("2 photos"), _buttons(menu.button("next", "Next")))
    kitchen.client.views_update(view_id=view_id, view=found)
    expect(visitor.modal().get_by_role("button", name="Next")).to_be_focused()


def test_a_modal_with_much_to_read_before_its_first_control_is_read_from_its_heading(
    visitor: Visitor, kitchen: Kitchen
) -> None:
    _press(visitor.ask("/findme").get_by_role("button", name="Gallery"))
    lines = [_text(f"line {number}") for number in range(60)]
    view = _view("Much", *lines, _buttons(menu.button("next", "Next")))
    _opened_by(kitchen, "gallery", view)
    expect(visitor.modal().get_by_role("heading", name="Much")).to_be_focused()
    expect(visitor.modal().get_by_text("line 0", exact=True)).to_be_in_viewport()


def test_a_form_that_is_sent_gives_the_focus_back(visitor: Visitor, kitchen: Kitchen) -> None:
    acting = visitor._sidebar().get_by_role("button", name="Acting as")
    _press(acting)
    visitor.page.get_by_role("menuitem", name="Change my picture…").press("Enter")
    form = visitor.page.get_by_role("dialog", name="A picture of Ann Lee")
    _press(form.get_by_role("button", name="Use it"))
    expect(form).to_have_count(0)
    # It was drawn anew, without the picture.
    expect(visitor.page.locator(".acting img")).to_have_count(0)
    expect(acting).to_be_focused()
    assert kitchen.slack.people.person(kitchen.ann).picture is None
