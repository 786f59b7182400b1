"""A Bolt app that cooks every block, for tests of the page."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from PIL import Image, ImageDraw
from slack_bolt import Ack, App, Respond
from slack_sdk import WebClient

from bot.sandbox import Channel, CommandHint, Person, Sandbox, SlackApp, Times
from bot.socket_mode import SocketMode
from tests.browser import menu

Body = dict[str, Any]

HINTS = {
    "/findme": CommandHint(description="Shows the photos you are in", usage="[@colleague | help]"),
    "/findme-admin": CommandHint(description="For admins", usage="status | reindex"),
}


def picture(text: str, *, width_px: int = 640, height_px: int = 480, kind: str = "JPEG") -> bytes:
    """A picture of its own colour with a word on it."""
    tone = sum(text.encode()) * 37 % 360
    image = Image.new("HSV", (width_px, height_px), (tone * 255 // 360, 110, 190)).convert("RGB")
    draw = ImageDraw.Draw(image)
    draw.ellipse(
        (width_px // 3, height_px // 4, 2 * width_px // 3, 3 * height_px // 4), fill="white"
    )
    draw.text((20, 20), text, fill="white", font_size=36)
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


@dataclass(slots=True, kw_only=True)
class Kitchen:
    """Ann (admin) and Ben are in #photos with the bot; Ann alone is in the private #secret.

    `heard` holds what the app was told, oldest first. `on_submit` answers submissions, if set;
    a `deaf` app acknowledges no click.
    """

    slack: Sandbox
    ann: Person
    ben: Person
    photos: Channel
    secret: Channel
    client: WebClient
    heard: list[Body] = field(default_factory=list)
    on_submit: Callable[[Body], Body | None] | None = None
    deaf: bool = False
    socket: SocketMode = field(init=False)
    _came: threading.Condition = field(default_factory=threading.Condition)

    def note(self, body: Body) -> None:
        """Note one more."""
        with self._came:
            self.heard.append(body)
            self._came.notify_all()

    def wait_for(self, kind: str, count: int = 1, *, timeout_s: float = 30.0) -> Body:
        """The newest payload of a type ("block_actions", "view_submission", …), once it came."""

        def found() -> list[Body]:
            return [
                body for body in self.heard if kind in {body.get("type"), body.get("event_type")}
            ]

        with self._came:
            assert self._came.wait_for(lambda: len(found()) >= count, timeout_s), (
                f"no {kind} among {[body.get('type') for body in self.heard]}"
            )
            return found()[-1]

    def wait_for_command(self, *, timeout_s: float = 30.0) -> Body:
        """The newest slash command, once one came."""
        with self._came:
            found = self._came.wait_for(
                lambda: [body for body in self.heard if "command" in body], timeout_s
            )
            assert found, "no command"
            return found[-1]

    def acted(self, action_id: str, *, timeout_s: float = 30.0) -> Body:
        """The newest block_actions payload of one element, once it came."""

        def found() -> list[Body]:
            return [
                body
                for body in self.heard
                if body.get("type") == "block_actions"
                and body["actions"][0]["action_id"] == action_id
            ]

        with self._came:
            assert self._came.wait_for(lambda: bool(found()), timeout_s), f"no {action_id}"
            return found()[-1]

    def post(self, name: str, *, by: Person | None = None) -> str:
        """Post a picture in #photos; gives its file's id."""
        posted = self.slack.people.post_photo(by or self.ben, self.photos, name, picture(name))
        return posted.file_id


def _commands(app: App, kitchen: Kitchen) -> None:
    @app.command("/findme")
    def findme(ack: Ack, respond: Respond, body: Body, client: WebClient) -> None:
        kitchen.note(body)
        ack()
        word = body["text"].split(" ")[0]
        if word == "modal":
            client.views_open(trigger_id=body["trigger_id"], view=menu.modal())
        elif word == "everything":
            respond(text="Everything", blocks=menu.everything())
        elif word == "say":
            respond(text=body["text"].removeprefix("say "))
        elif word == "dm":
            client.chat_postMessage(channel=body["user_id"], text="A word in private")
        else:
            files = [f for f in kitchen.slack.workspace.files.values() if f.size_px]
            respond(text="2 photos of you", blocks=menu.answer([file.id for file in files]))

    @app.command("/findme-admin")
    def never_acked(body: Body) -> None:
        kitchen.note(body)


def _rest(app: App, kitchen: Kitchen) -> None:
    @app.action(re.compile(".*"))
    def action(ack: Ack, body: Body, client: WebClient) -> None:
        kitchen.note(body)
        if kitchen.deaf:
            return
        ack()
        if body["actions"][0]["action_id"] == "push":
            client.views_push(trigger_id=body["trigger_id"], view=menu.second_modal())

    @app.view(re.compile(".*"))
    def submitted(ack: Ack, body: Body) -> None:
        kitchen.note(body)
        answer = kitchen.on_submit(body) if kitchen.on_submit else None
        ack(answer) if answer else ack()

    @app.view_closed(re.compile(".*"))
    def closed(ack: Ack, body: Body) -> None:
        kitchen.note(body)
        ack()

    @app.event("app_home_opened")
    def home(body: Body, client: WebClient) -> None:
        kitchen.note(body | {"event_type": "app_home_opened"})
        client.views_publish(user_id=body["event"]["user"], view=menu.home())

    for event in ("message", "file_shared", "member_joined_channel", "file_deleted"):
        app.event(event)(lambda: None)


@contextmanager
def open_kitchen() -> Iterator[Kitchen]:
    """Start the workspace and the app."""
    times = Times(ack_timeout_s=3.0, retry_after_s=(0.0, 0.1, 0.2))
    with Sandbox(times=times, app=SlackApp(hints=HINTS)) as slack:
        people = slack.people
        ann = people.add_person("Ann Lee", picture=picture("A"), admin=True, tz="Europe/Berlin")
        ben = people.add_person("Ben Ode")
        photos = people.add_channel("photos", members=[ann, ben, slack.bot_user_id])
        secret = people.add_channel("secret", members=[ann], private=True)
        client = WebClient(token=slack.bot_token, base_url=slack.api_url)
        kitchen = Kitchen(
            slack=slack, ann=ann, ben=ben, photos=photos, secret=secret, client=client
        )
        app = App(client=client, signing_secret=slack.signing_secret)
        _commands(app, kitchen)
        _rest(app, kitchen)
        kitchen.socket = SocketMode(app, slack.app_token, web_client=client, ping_every_s=10.0)
        kitchen.socket.connect()
        slack.wait_for_bot()
        try:
            yield kitchen
        finally:
            kitchen.socket.close()
