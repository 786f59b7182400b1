"""A browser before the local workspace's page.

For a test of the page:

    def test_…(visit: Visit, kitchen: Kitchen) -> None:
        visitor = visit(kitchen.slack)

For a test of Findme itself (a real bot, database and engine; needs `../shared`):

    def test_…(visit: Visit, office: Office) -> None:
        ann = office.person("grace")           # a person with that face
        channel = office.channel(ann)          # with the bot in it
        visitor = visit(office.slack)
        visitor.act_as(ann.real_name)
        visitor.open_channel(channel.name)
        visitor.post_pictures({"a.jpg": snapshot("grace")})
        photos_are_read(office, 1)
        answer = visitor.ask("/findme")        # a Locator, for playwright's `expect`

Each test that takes `visit` runs twice, at a desktop's and at a phone's width (`screen`), and fails
if the browser had anything to complain about. `page` is Playwright's, should a `Visitor` not do.
The browser is Debian's `chromium`, or FINDME_CHROMIUM; tests are skipped where there is none, but
fail under `make test-browser`, which sets FINDME_BROWSER=required.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from bot.sandbox import Sandbox, SlackApp
from pipeline.ports import FaceReader
from tests.acceptance.office import Office, eventually, open_office, rows
from tests.browser.kitchen import HINTS, Kitchen, open_kitchen
from tests.browser.visitor import WAIT_MS, Visitor

# Read here: a test's own environment has no settings of ours left.
CHROMIUM = os.environ.get("FINDME_CHROMIUM") or shutil.which("chromium")
IS_REQUIRED = os.environ.get("FINDME_BROWSER") == "required"


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What a browser shows a page on."""

    name: str
    width_px: int
    height_px: int
    is_phone: bool


SCREENS = (
    Screen(name="desktop", width_px=1280, height_px=800, is_phone=False),
    Screen(name="phone", width_px=375, height_px=812, is_phone=True),
)

Visit: TypeAlias = Callable[[Sandbox], Visitor]
"""Open a workspace's page in the test's browser."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    if CHROMIUM is None:
        reason = "needs Chromium: apt-get install chromium, or set FINDME_CHROMIUM"
        if IS_REQUIRED:
            pytest.fail(reason)
        pytest.skip(reason)
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        # Chromium's own sandbox refuses to work for root, as which containers run.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(params=SCREENS, ids=lambda screen: screen.name)
def screen(request: pytest.FixtureRequest) -> Screen:
    """Desktop, then phone."""
    found: Screen = request.param
    return found


@pytest.fixture
def context(browser: Browser, screen: Screen) -> Iterator[BrowserContext]:
    """A browser profile of its own; its downloads are accepted."""
    context = browser.new_context(
        viewport={"width": screen.width_px, "height": screen.height_px},
        is_mobile=screen.is_phone,
        has_touch=screen.is_phone,
        device_scale_factor=2 if screen.is_phone else 1,
        locale="en-US",
        timezone_id="Europe/Berlin",
    )
    context.set_default_timeout(WAIT_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """An empty tab."""
    return context.new_page()


@pytest.fixture
def visit(page: Page, tmp_path: Path) -> Iterator[Visit]:
    """Opens a workspace's page; in the end, nothing may have gone wrong in the browser."""
    visitors: list[Visitor] = []

    def open_page(slack: Sandbox) -> Visitor:
        visitor = Visitor(page, slack.origin, tmp_path / "screenshots")
        visitors.append(visitor)
        visitor.open()
        return visitor

    yield open_page
    problems = [problem for visitor in visitors for problem in visitor.problems]
    # Leave before the workspace ends, so that the page doesn't miss it.
    page.close()
    assert not problems, problems


@pytest.fixture
def kitchen() -> Iterator[Kitchen]:
    """A workspace with a small Bolt app that shows all of Block Kit, and notes what it hears."""
    with open_kitchen() as opened:
        yield opened


@pytest.fixture
def office(conninfo: str, engine: FaceReader) -> Iterator[Office]:
    """Findme itself, running, over an empty database; see tests/acceptance/office.py."""
    with open_office(conninfo, engine, app=SlackApp(hints=HINTS)) as opened:
        opened.start_bot()
        yield opened


def photos_are_read(office: Office, count: int) -> None:
    """Wait until Findme has dealt with that many photos, however they were posted."""
    eventually(
        lambda: sum(row.state != "pending" for row in rows(office.conninfo)) >= count,
        what=f"the reading of {count} photos",
    )
