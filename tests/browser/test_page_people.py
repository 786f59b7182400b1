"""Furnishing the workspace from its page: people, their pictures, channels."""

from __future__ import annotations

import re

from playwright.sync_api import expect

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
