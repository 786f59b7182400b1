"""Block Kit on the page: messages, modals, the Home tab; and all of it by keyboard."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Route, expect

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


def _action(body: dict[str, Any]) -> dict[str, Any]:
    (action,) = body["actions"]
    found: dict[str, Any] = action
    return found


def test_buttons_and_menus_of_an_answer_reach_the_bot(visitor: Visitor, kitchen: Kitchen) -> None:
    file_id = kitchen.post("sunset.jpg")
    answer = visitor.ask("/findme")
    visitor.click_button("That's me", answer)
    body = kitchen.acted("me")
    assert (_action(body)["value"], _action(body)["block_id"]) == (file_id, "verdict-0")
    assert body["user"]["id"] == kitchen.ann.id
    visitor.choose("Not me", answer)
    assert _action(kitchen.acted("photo_menu"))["selected_option"]["value"] == "not-me"
    visitor.click_button("Show 10 more", answer)
    assert _action(kitchen.acted("more"))["value"] == "10"


def test_a_picture_that_only_the_answer_shows_is_seen_by_its_reader(
    visitor: Visitor, kitchen: Kitchen
) -> None:
    made = kitchen.client.files_upload_v2(filename="thumb.png", content=picture("T", kind="PNG"))
    answer = visitor.ask("/findme")
    expect(answer.locator(".is-accessory")).to_have_count(1)
    visitor.pictures_are_shown(answer)
    assert made["file"]["id"]


def test_every_block_and_element_of_a_message_is_drawn(visitor: Visitor) -> None:
    answer = visitor.ask("/findme everything")
    expect(answer.get_by_role("heading", name="A header 🎉")).to_be_visible()
    expect(answer.locator(".fields .text")).to_have_text(["Photos14", "Faces32"])
    expect(answer.locator(".unknown")).to_have_count(0)
    expect(answer.locator(".rich-text li")).to_have_text("one point")
    expect(answer.get_by_role("link", name="Help")).to_have_attribute(
        "href", "https://example.com/help"
    )
    visitor.fits_the_width()


def test_a_choice_in_a_message_counts_at_once(visitor: Visitor, kitchen: Kitchen) -> None:
    answer = visitor.ask("/findme everything")
    answer.get_by_label("Pick one").select_option("South")
    assert _action(kitchen.acted("one"))["selected_option"]["value"] == "south"
    answer.get_by_label("Day", exact=True).fill("2026-05-12")
    assert _action(kitchen.acted("day"))["selected_date"] == "2026-05-12"
    answer.get_by_label("Channel").select_option("#photos")
    assert _action(kitchen.acted("where"))["selected_channel"] == kitchen.photos.id
    answer.get_by_label("Right").check()
    assert _action(kitchen.acted("radio"))["selected_option"]["value"] == "right"
    answer.get_by_label("Blue").check()
    body = kitchen.acted("boxes")
    assert [each["value"] for each in _action(body)["selected_options"]] == ["blue"]
    # What was chosen before is told along.
    assert body["state"]["values"]["choices"]["one"]["selected_option"]["value"] == "south"


def test_several_people_are_chosen_from_a_list(visitor: Visitor, kitchen: Kitchen) -> None:
    answer = visitor.ask("/findme everything")
    answer.get_by_role("button", name="Whom?").click()
    found = visitor.page.get_by_role("dialog", name="Whom?")
    found.get_by_label("Ben Ode").check()
    assert _action(kitchen.acted("people"))["selected_users"] == [kitchen.ben.id]
    visitor.page.keyboard.press("Escape")
    expect(found).to_have_count(0)
    expect(answer.get_by_role("button", name="Whom?")).to_have_text("Ben Ode")


def test_a_button_that_asks_first_does_nothing_until_one_agrees(
    visitor: Visitor, kitchen: Kitchen
) -> None:
    answer = visitor.ask("/findme everything")
    visitor.click_button("Forget all", answer)
    asked = visitor.page.get_by_role("alertdialog", name="Really?")
    expect(asked).to_contain_text("All of it goes.")
    visitor.click_button("Keep it", asked)
    expect(asked).to_have_count(0)
    assert [body for body in kitchen.heard if body.get("type") == "block_actions"] == []
    visitor.click_button("Forget all", answer)
    visitor.click_button("Yes, all", asked)
    kitchen.acted("all")


def test_a_modal_gathers_all_that_was_filled_in(visitor: Visitor, kitchen: Kitchen) -> None:
    visitor.type("/findme modal")
    modal = visitor.modal()
    expect(modal).to_have_accessible_name("Your selfie")
    modal.get_by_label("Name").fill("Ann")
    visitor.drop_pictures({"me.jpg": picture("me")}, onto=modal.locator(".file-input"))
    expect(modal.get_by_role("list", name="Chosen files")).to_contain_text("me.jpg")
    visitor.pictures_are_shown(modal.locator(".chosen-files"))
    modal.get_by_label("Size").select_option("Large")
    modal.get_by_label("Weekly").check()
    kitchen.acted("alerts")
    visitor.submit_modal("Use it")
    body = kitchen.wait_for("view_submission")
    values = body["view"]["state"]["values"]
    assert values["name"]["text"]["value"] == "Ann"
    assert values["size"]["size"]["selected_option"]["value"] == "large"
    assert [o["value"] for o in values["alerts"]["alerts"]["selected_options"]] == [
        "daily",
        "weekly",
    ]
    (file,) = values["selfie"]["file"]["files"]
    assert kitchen.client.files_info(file=file["id"])["file"]["name"] == "me.jpg"
    expect(modal).to_have_count(0)


def test_a_modal_that_is_sent_before_its_file_is_there_waits_for_it(
    visitor: Visitor, kitchen: Kitchen
) -> None:
    visitor.type("/findme modal")
    modal = visitor.modal()
    modal.get_by_label("Name").fill("Ann")
    under_way: list[Route] = []
    visitor.page.route("**/sandbox/uploads*", lambda route: under_way.append(route))  # noqa: PLW0108 - Playwright marks the function
    visitor.drop_pictures({"me.jpg": picture("me")}, onto=modal.locator(".file-input"))
    visitor.submit_modal("Use it")
    submit = modal.locator("footer button[type=submit]")
    expect(submit).to_have_attribute("aria-busy", "true")
    while not under_way:
        visitor.page.wait_for_timeout(20)
    (upload,) = under_way
    upload.continue_()
    values = kitchen.wait_for("view_submission")["view"]["state"]["values"]
    (file,) = values["selfie"]["file"]["files"]
    assert kitchen.client.files_info(file=file["id"])["file"]["name"] == "me.jpg"
    expect(modal).to_have_count(0)


def test_a_click_in_a_modal_tells_what_stands_in_its_inputs(
    visitor: Visitor, kitchen: Kitchen
) -> None:
    visitor.type("/findme modal")
    visitor.modal().get_by_label("Name").fill("half")
    visitor.modal().get_by_label("Daily").uncheck()
    values = kitchen.acted("alerts")["view"]["state"]["values"]
    assert values["name"]["text"]["value"] == "half"
    assert values["alerts"]["alerts"]["selected_options"] == []


def test_a_modal_asks_for_what_is_missing_and_shows_what_the_bot_refuses(
    visitor: Visitor, kitchen: Kitchen
) -> None:
    kitchen.on_submit = lambda _: {
        "response_action": "errors",
        "errors": {"selfie": "I see no face in this picture."},
    }
    visitor.type("/findme modal")
    modal = visitor.modal()
    visitor.submit_modal()
    expect(modal.get_by_role("alert").filter(visible=True)).to_have_count(2)
    expect(modal.get_by_label("Name")).to_be_focused()
    modal.get_by_label("Name").fill("Ann")
    modal.get_by_label("A picture of you").set_input_files(
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no"}
    )
    expect(modal).to_contain_text("Only these kinds of file fit here: jpg, jpeg, png.")
    modal.get_by_label("A picture of you").set_input_files(
        {"name": "wall.png", "mimeType": "image/png", "buffer": picture("w", kind="PNG")}
    )
    expect(modal).to_contain_text("wall.png")
    visitor.submit_modal()
    expect(modal).to_contain_text("I see no face in this picture.")
    expect(modal.get_by_label("Name")).to_have_value("Ann")


def test_an_updated_modal_keeps_what_was_typed_and_the_focus(
    visitor: Visitor, kitchen: Kitchen
) -> None:
    visitor.type("/findme modal")
    name = visitor.modal().get_by_label("Name")
    name.press_sequentially("An")
    (view,) = kitchen.slack.workspace.modals[kitchen.ann.id]
    kitchen.client.views_update(view_id=view.id, view=menu.modal(note="Now with *more*."))
    expect(visitor.modal()).to_contain_text("Now with more.")
    expect(name).to_be_focused()
    visitor.page.keyboard.type("n")
    expect(name).to_have_value("Ann")


def test_a_pushed_modal_lies_on_top_and_the_one_below_comes_back_as_it_was(
    visitor: Visitor, kitchen: Kitchen
) -> None:
    visitor.type("/findme modal")
    visitor.modal().get_by_label("Name").fill("Ann")
    visitor.click_button("More…", visitor.modal())
    expect(visitor.modal()).to_have_accessible_name("More")
    visitor.close_modal()
    expect(visitor.modal()).to_have_accessible_name("Your selfie")
    expect(visitor.modal().get_by_label("Name")).to_have_value("Ann")
    visitor.close_modal()
    expect(visitor.modal()).to_have_count(0)
    assert kitchen.wait_for("view_closed")["view"]["callback_id"] == "selfie"


def test_the_home_tab_is_drawn_and_drawn_anew(visitor: Visitor, kitchen: Kitchen) -> None:
    visitor.open_bot("Home")
    home = visitor.home()
    expect(home.get_by_role("heading", name="What Findme knows about you")).to_be_visible()
    home.get_by_label("New Photos").check()
    values = kitchen.acted("alerts")["view"]["state"]["values"]
    (chosen,) = values["alerts"]["alerts"]["selected_options"]
    assert chosen["value"] == "new photos"
    view = {"type": "home", "blocks": [{"type": "header", "text": menu.plain("Nothing left")}]}
    kitchen.client.views_publish(user_id=kitchen.ann.id, view=view)
    expect(home.get_by_role("heading")).to_have_text(["Nothing left"])
    visitor.open_bot("Messages")
    expect(home).to_be_hidden()
    visitor.fits_the_width()


def test_a_click_that_the_bot_never_acknowledges_is_told(
    visitor: Visitor, kitchen: Kitchen
) -> None:
    answer = visitor.ask("/findme everything")
    kitchen.deaf = True
    answer.get_by_label("Blue").check()
    expect(visitor.page.locator(".toast")).to_contain_text("did not answer: operation_timeout")


def test_the_way_from_a_command_to_a_modal_needs_no_pointer(
    visitor: Visitor, kitchen: Kitchen
) -> None:
    kitchen.post("sunset.jpg")
    expect(visitor.messages()).to_have_count(1)
    keyboard = visitor.page.keyboard
    visitor.composer().focus()
    keyboard.type("/findme")
    keyboard.press("Escape")
    keyboard.press("Enter")
    answer = visitor.last_answer()
    expect(answer).to_contain_text("1 photos of you")
    # Back from the composer into the answer: Gallery, More, the overflow menu.
    for _ in range(20):
        keyboard.press("Shift+Tab")
        if answer.locator(".is-overflow").evaluate("node => node === document.activeElement"):
            break
    keyboard.press("Enter")
    keyboard.press("ArrowDown")
    keyboard.press("Enter")
    assert _action(kitchen.acted("photo_menu"))["selected_option"]["value"] == "not-me"
    expect(answer.locator(".is-overflow")).to_be_focused()
    visitor.composer().focus()
    keyboard.type("/findme modal")
    keyboard.press("Enter")
    modal = visitor.modal()
    expect(modal.get_by_label("Name")).to_be_focused()
    keyboard.type("Ann")
    keyboard.press("Enter")
    expect(modal.get_by_role("alert").filter(visible=True)).to_have_count(1)
    keyboard.press("Escape")
    expect(modal).to_have_count(0)
    keyboard.press("Tab")
    assert visitor.page.evaluate("document.activeElement !== null")
