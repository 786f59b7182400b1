"""Findme itself, seen on the page: what the fixture `office` gives is a bot that answers."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.acceptance.office import Office, snapshot
from tests.browser.conftest import Visit, photos_are_read


def test_photos_dropped_on_the_page_come_back_as_an_answer(visit: Visit, office: Office) -> None:
    grace = office.person("grace")
    channel = office.channel(grace)
    visitor = visit(office.slack)
    visitor.act_as(office.organiser.real_name)
    visitor.open_channel(channel.name)
    visitor.post_pictures(
        {f"party {number}.jpg": snapshot("grace", number) for number in (1, 2)}, "from today"
    )
    visitor.act_as(grace.real_name)
    expect(visitor.messages().last.locator(".photos img")).to_have_count(2)
    photos_are_read(office, 2)
    answer = visitor.ask("/findme")
    expect(answer).to_contain_text("2 photos of you")
    visitor.pictures_are_shown(answer)
    visitor.screenshot("answer")
    visitor.fits_the_width()
