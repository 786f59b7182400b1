"""A person at the page: what they do, in their words. Nothing here looks into the workspace."""

from __future__ import annotations

import base64
import mimetypes
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playwright.sync_api import (
    ConsoleMessage,
    Error,
    Locator,
    Page,
    Request,
    Response,
    expect,
)

from bot.replies import LOOKING

WAIT_MS = 30_000
HTTP_ERROR = 400

# Read here: a test's own environment has no settings of ours left.
_SCREENSHOTS = os.environ.get("FINDME_SCREENSHOTS")

_DROP = """
([node, files]) => {
  const data = new DataTransfer();
  for (const {name, type, text} of files) {
    const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    data.items.add(new File([bytes], name, {type}));
  }
  for (const kind of ["dragenter", "dragover", "drop"])
    node.dispatchEvent(new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true}));
}
"""

Pictures = Sequence[Path] | Mapping[str, bytes]
"""Files on disk, or bytes by file name."""


# Without slots: Playwright keeps something of its own on the object whose methods it calls.
@dataclass
class Visitor:
    """One browser page with somebody before it.

    `problems` gathers what a person with the developer tools open would see: errors on the
    console, exceptions, requests that failed. The fixture `visit` fails a test that leaves any; a
    test that provokes one says so with `expect_problem`.
    """

    page: Page
    origin: str
    screenshots: Path
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen from the start."""
        self.page.on("console", self._heard)
        self.page.on("pageerror", self._broke)
        self.page.on("requestfailed", self._failed)
        self.page.on("response", self._answered)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.problems.append(f"{message.type}: {message.text}")

    def _broke(self, error: Error) -> None:
        self.problems.append(f"exception: {error}")

    def _failed(self, request: Request) -> None:
        # What the page itself gave up (a download, a wait for changes) is no failure.
        if request.failure != "net::ERR_ABORTED":
            self.problems.append(f"failed: {request.url} {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= HTTP_ERROR:
            self.problems.append(f"{response.status}: {response.url}")

    def expect_problem(self, text: str) -> None:
        """There must have been a problem with this text; it no longer counts."""
        assert any(text in problem for problem in self.problems), self.problems
        self.problems.clear()

    @property
    def is_phone(self) -> bool:
        """Whether the channel list lies behind a button."""
        return self.page.get_by_role("button", name="Channels and people").is_visible()

    def open(self) -> None:
        """Open the page, as the first person of the workspace."""
        self.page.goto(self.origin)
        expect(self.page.locator(".acting")).to_be_attached()

    def _sidebar(self) -> Locator:
        menu = self.page.get_by_role("button", name="Channels and people")
        if menu.is_visible() and menu.get_attribute("aria-expanded") == "false":
            menu.click()
        return self.page.locator("#sidebar")

    def act_as(self, name: str) -> None:
        """Be somebody else from now on, in the place that is open."""
        current = self._sidebar().get_by_role("button", name="Acting as")
        current.click()
        self.page.get_by_role("menuitemradio", name=name).click()
        acting = self.page.locator(".acting", has_text=name)
        expect(acting).to_be_attached()
        self._leave_sidebar()

    def _leave_sidebar(self) -> None:
        if self.is_phone and self.page.locator("body.nav-open").count():
            self.page.keyboard.press("Escape")
            expect(self.page.locator("body.nav-open")).to_have_count(0)

    def open_channel(self, name: str) -> None:
        """Open a channel that the person is in, by its name without `#`."""
        link = self.page.locator("#places .place", has=self.page.get_by_text(name, exact=True))
        self._sidebar()
        link.click()
        expect(self.page.get_by_role("heading", name=f"#{name}", level=1)).to_be_visible()
        self._leave_sidebar()

    def open_bot(self, tab: Literal["Messages", "Home"] = "Messages") -> None:
        """Open the conversation with the bot, or its Home tab."""
        self._sidebar()
        self.page.locator("#places .place[data-place=app]").click()
        self._leave_sidebar()
        self.page.get_by_role("tab", name=tab).click()
        selected = self.page.get_by_role("tab", name=tab, selected=True)
        expect(selected).to_be_visible()

    def home(self) -> Locator:
        """The Home tab's content."""
        return self.page.locator("#home")

    def composer(self) -> Locator:
        """Where one writes."""
        return self.page.locator("#write")

    def type(self, text: str) -> None:
        """Write a message or a command, and send it with Enter."""
        composer = self.composer()
        composer.fill(text)
        # The list of suggestions, if one is open, would take the Enter for itself.
        composer.press("Escape")
        composer.press("Enter")
        expect(composer).to_have_value("")

    def drop_pictures(self, pictures: Pictures, *, onto: Locator | None = None) -> None:
        """Drag files from the desktop onto the open place, or onto something else."""
        target = onto or self.page.locator("#main")
        target.evaluate_handle("node => node").evaluate(
            f"(node, files) => ({_DROP})([node, files])", _as_files(pictures)
        )

    def post_pictures(self, pictures: Pictures, text: str = "") -> None:
        """Drop pictures and send them."""
        before = self.messages().count()
        self.drop_pictures(pictures)
        self.composer().fill(text)
        self.composer().press("Enter")
        expect(self.messages()).to_have_count(before + 1, timeout=WAIT_MS)

    def messages(self) -> Locator:
        """All messages of the open place, oldest first."""
        return self.page.locator("#messages .message")

    def answers(self) -> Locator:
        """The messages of bots (Slackbot's too), oldest first.

        That something takes a while is said in a message of its own, which is no answer.
        """
        return self.page.locator("#messages .message.is-bot").filter(has_not_text=LOOKING)

    def last_answer(self) -> Locator:
        """The newest message of a bot: it changes under one's hands when another comes."""
        return self.answers().last

    def ask(self, command: str, *, timeout_ms: float = WAIT_MS) -> Locator:
        """Type a command and wait for one more answer; it stays that message."""
        answers = self.answers()
        before = answers.count()
        self.type(command)
        expect(answers).to_have_count(before + 1, timeout=timeout_ms)
        ts = answers.last.get_attribute("data-ts")
        return self.page.locator(f'#messages .message[data-ts="{ts}"]')

    def click_button(self, name: str | re.Pattern[str], within: Locator | None = None) -> None:
        """Press a button by its name: in a message, a modal, or anywhere."""
        (within or self.page).get_by_role("button", name=name).click()

    def choose(self, option: str, within: Locator) -> None:
        """Open an overflow menu (⋯) and choose."""
        within.locator(".is-overflow").click()
        self.page.get_by_role("menuitem", name=option).click()

    def modal(self) -> Locator:
        """The modal on top."""
        return self.page.locator("dialog.modal")

    def submit_modal(self, name: str | None = None) -> None:
        """Press the modal's submit button."""
        submit = self.modal().locator("footer button[type=submit]")
        if name is not None:
            expect(submit).to_have_text(name)
        submit.click()

    def close_modal(self) -> None:
        """Press Esc, as one does; the modal below shows again, if there is one."""
        self.modal().press("Escape")

    def lightbox(self) -> Locator:
        """The picture that is open in full size."""
        return self.page.get_by_role("dialog", name="Picture")

    def pictures_are_shown(self, within: Locator) -> None:
        """Fail unless every picture there was loaded."""
        images = within.locator("img")
        for index in range(images.count()):
            image = images.nth(index)
            image.scroll_into_view_if_needed()
            expect(image).to_have_js_property("complete", value=True)
            assert image.evaluate("node => node.naturalWidth") > 0, image.get_attribute("src")

    def fits_the_width(self) -> None:
        """Fail if anything makes the page wider than its window."""
        width = self.page.evaluate("document.documentElement.scrollWidth")
        assert width <= self.page.evaluate("innerWidth")

    def screenshot(self, name: str) -> Path:
        """Save what is on the screen as `NAME-desktop.png` or `NAME-phone.png`.

        To the folder FINDME_SCREENSHOTS, or else to the test's own.
        """
        # A font of emoji and thumbnails may come a moment later than what is around them.
        self.page.evaluate("document.fonts.ready")
        # The page's policy allows no polling from inside it.
        while not self.page.evaluate("[...document.images].every((each) => each.complete)"):
            self.page.wait_for_timeout(50)
        folder = Path(_SCREENSHOTS) if _SCREENSHOTS else self.screenshots
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}-{'phone' if self.is_phone_wide else 'desktop'}.png"
        self.page.screenshot(path=path, animations="disabled")
        return path

    @property
    def is_phone_wide(self) -> bool:
        """Whether the window has a phone's width."""
        size = self.page.viewport_size
        return size is not None and size["width"] < 500


def _as_files(pictures: Pictures) -> list[dict[str, str]]:
    by_name = (
        pictures
        if isinstance(pictures, Mapping)
        else {path.name: path.read_bytes() for path in pictures}
    )
    return [
        {
            "name": name,
            "type": mimetypes.guess_type(name)[0] or "",
            "text": base64.b64encode(data).decode(),
        }
        for name, data in by_name.items()
    ]
