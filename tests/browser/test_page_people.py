"""Furnishing the workspace from its page: people, their pictures, channels."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Route, expect

from bot.sandbox import Sandbox, SlackApp
from tests.browser.conftest import Visit
from tests.browser.kitchen import Kitchen, picture


def test_people_and_channels_can_be_added(visit: Visit, kitchen: Kitchen) -> None:
    visitor = visit(kitchen.slack)
    visitor._sidebar().get_by_role("button", name="Acting as").click()
    visitor.page.get_by_role("menuitem", name="Add a person…").click()
    form = visitor.page.get_by_role("dialog", name="Add a person")
    form.get_by_label("Name").fill("Dee New")
    form.get_by_label("Profile picture").set_input_files(
        {"name": "me.png", "mimeType": "image/png", "buffer": picture("D", kind="PNG")}
    )
    form.get_by_role("button", name="Add").click()
    expect(visitor.page.locator(".acting", has_text="Dee New").locator("img")).to_be_attached()
    visitor._sidebar().get_by_role("button", name="Add a channel").click()
    form = visitor.page.get_by_role("dialog", name="Add a channel")
    form.get_by_label("Name").fill("offsite")
    form.get_by_label("Ben Ode").uncheck()
    form.get_by_label("Invite findme").uncheck()
    form.get_by_role("button", name="Create").click()
    expect(visitor.page.get_by_role("heading", name="#offsite", level=1)).to_be_attached()
    visitor._leave_sidebar()
    expect(visitor.page.locator("#place-note")).to_have_text("2 people")
    visitor.click_button("Invite findme")
    expect(visitor.page.get_by_role("button", name="Invite findme")).to_have_count(0)
    (channel,) = [c for c in kitchen.slack.workspace.channels.values() if c.name == "offsite"]
    assert kitchen.slack.bot_user_id in channel.members


def test_a_person_can_change_their_picture(visit: Visit, kitchen: Kitchen) -> None:
    visitor = visit(kitchen.slack)
    visitor.act_as("Ben Ode")
    visitor._sidebar().get_by_role("button", name="Acting as").click()
    visitor.page.get_by_role("menuitem", name="Change my picture…").click()
    form = visitor.page.get_by_role("dialog", name="A picture of Ben Ode")
    form.get_by_label("Profile picture").set_input_files(
        {"name": "ben.jpg", "mimeType": "image/jpeg", "buffer": picture("Ben")}
    )
    form.get_by_role("button", name="Use it").click()
    expect(visitor.page.locator(".acting img")).to_have_attribute(
        "src", re.compile(f"/avatars/{kitchen.ben.id}")
    )


def test_the_page_says_what_it_is(visit: Visit, kitchen: Kitchen) -> None:
    visitor = visit(kitchen.slack)
    expect(visitor._sidebar()).to_contain_text(
        "A local workspace for trying things: on this machine only"
    )
    visitor.fits_the_width()


def test_nothing_that_one_person_saw_is_left_when_another_looks(
    visit: Visit, kitchen: Kitchen
) -> None:
    visitor = visit(kitchen.slack)
    visitor.act_as("Ann Lee")
    kitchen.slack.people.say(kitchen.ann, kitchen.secret, "between us")
    visitor.open_bot("Home")
    expect(visitor.home()).to_contain_text("references")
    visitor.open_channel("secret")
    visitor.type("/findme say for Ann alone")
    expect(visitor.messages()).to_contain_text(["between us", "for Ann alone"])
    visitor.type("/findme modal")
    expect(visitor.modal()).to_be_visible()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    visitor.page.route(f"**/sandbox/feed*person={kitchen.ben.id}*", hold)
    visitor.page.evaluate(f"location.hash = '#/{kitchen.ben.id}/{kitchen.secret.id}'")
    expect(visitor.page.locator(".acting", has_text="Ben Ode")).to_be_attached()
    # All of it, shown or hidden.
    left = visitor.page.evaluate("document.body.textContent + document.title")
    private = ["between us", "for Ann alone", "secret", "references", "Your selfie"]
    assert [each for each in private if each in left] == []
    expect(visitor.modal()).to_have_count(0)
    expect(visitor.messages()).to_have_count(0)
    visitor.page.unroute_all()
    expect(visitor.page.get_by_role("heading", name="#photos", level=1)).to_be_visible()


@pytest.mark.parametrize("what", ["Add a channel", "secret"])
def test_a_click_counts_although_the_list_of_channels_changes_under_it(
    visit: Visit, kitchen: Kitchen, what: str
) -> None:
    visitor = visit(kitchen.slack)
    visitor.act_as("Ann Lee")
    visitor.open_channel("photos")
    sidebar, mouse = visitor._sidebar(), visitor.page.mouse
    button = sidebar.get_by_role("button", name=what)
    place = button if button.count() else sidebar.locator(".place", has_text=what)
    place.click(trial=True)  # once it stands still
    box = place.bounding_box()
    assert box is not None
    mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    mouse.down()
    kitchen.client.chat_postMessage(channel=kitchen.photos.id, text="here")
    kitchen.slack.people.invite_bot(kitchen.secret, by=kitchen.ann)
    kitchen.client.chat_postMessage(channel=kitchen.secret.id, text="news")
    expect(sidebar.locator(".badge")).to_have_count(1)
    mouse.up()
    if what == "secret":
        expect(visitor.page.get_by_role("heading", name="#secret", level=1)).to_be_visible()
    else:
        expect(visitor.page.get_by_role("dialog", name=what)).to_be_visible()


def test_a_name_that_does_not_do_is_told_below_its_field(visit: Visit, kitchen: Kitchen) -> None:
    visitor = visit(kitchen.slack)
    visitor._sidebar().get_by_role("button", name="Add a channel").click()
    form = visitor.page.get_by_role("dialog", name="Add a channel")
    name = form.get_by_label("Name")
    create = form.get_by_role("button", name="Create")
    create.click()
    expect(name).to_have_accessible_description("Please fill this in.")
    name.fill("Secret Club!")
    create.click()
    problem = "Use only small letters, digits, - and _, as in offsite-2026."
    expect(name).to_have_accessible_description(problem)
    expect(form.get_by_role("alert").filter(visible=True)).to_have_text([problem])
    expect(name).to_be_focused()
    name.fill("secret-club")
    create.click()
    expect(form).to_have_count(0)
    assert "secret-club" in {each.name for each in kitchen.slack.workspace.channels.values()}


@pytest.mark.parametrize("is_read_only", [True, False])
def test_where_the_app_takes_no_messages_there_is_nowhere_to_write_one(
    visit: Visit, *, is_read_only: bool
) -> None:
    with Sandbox(app=SlackApp(messages_tab_read_only=is_read_only)) as slack:
        ann = slack.people.add_person("Ann Lee")
        slack.people.add_channel("photos", members=[ann])
        visitor = visit(slack)
        visitor.open_bot()
        expect(visitor.composer()).to_be_visible(visible=not is_read_only)
        said = visitor.page.get_by_text("findme takes no messages here.")
        expect(said).to_be_visible(visible=is_read_only)
        visitor.open_channel("photos")
        expect(visitor.composer()).to_be_visible()
        expect(visitor.composer()).to_be_enabled()
        expect(said).to_be_hidden()
        visitor.page.close()
