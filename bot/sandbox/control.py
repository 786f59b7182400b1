"""The workspace for another process: JSON under `/sandbox/`, on loopback alone."""

from __future__ import annotations

import asyncio
import html
import time
from collections.abc import Callable
from dataclasses import asdict

from starlette.requests import Request
from starlette.routing import Route

from bot.sandbox.acting import People
from bot.sandbox.addressing import NotAllowed
from bot.sandbox.calls import parts
from bot.sandbox.guard import Asked, Endpoint, Unusable, guarded, json_of, query_of
from bot.sandbox.inputs import Filled
from bot.sandbox.model import (
    ChannelId,
    FileId,
    Invocation,
    Json,
    Message,
    PersonId,
    Ts,
    View,
    ViewId,
)
from bot.sandbox.render import channel_json, file_json, message_json, person_json, view_json
from bot.sandbox.state import Workspace

WAIT_MAX_S = 60.0
LOOK_EVERY_S = 0.02


async def wait_for(ws: Workspace, predicate: Callable[[], object], wait_s: float) -> None:
    """Wait until the predicate is true, the sandbox stops, or the time is over.

    Many pages may wait at once, so that none of them may hold a thread.
    """
    until = time.monotonic() + min(wait_s, WAIT_MAX_S)
    # Changes are made in threads of all kinds, and asyncio's own events are no use to these.
    while not ws.is_stopping and not predicate() and time.monotonic() < until:  # noqa: ASYNC110
        await asyncio.sleep(LOOK_EVERY_S)


class Control:
    """Lets a page or curl act as the people of the workspace."""

    def __init__(self, ws: Workspace, people: People) -> None:
        """Act in one workspace."""
        self._ws = ws
        self._people = people

    @property
    def routes(self) -> list[Route]:
        """Where to act and to look."""
        posts: dict[str, Endpoint] = {
            "messages": self.say,
            "photos": self.post_photo,
            "uploads": self.upload,
            "commands": self.run_command,
            "clicks": self.click,
            "submissions": self.submit_view,
            "closings": self.close_view,
            "homes": self.open_home,
            "directs": self.open_direct,
        }
        routes = [
            Route(f"/sandbox/{name}", guarded(endpoint), methods=["POST"])
            for name, endpoint in posts.items()
        ]
        return [*routes, Route("/sandbox/state", guarded(self.state), methods=["GET"])]

    async def say(self, request: Request) -> Json:
        """`person`, `channel`, `text` as it was typed, `files` (ids of uploads)."""
        asked = await json_of(request)
        person, channel = PersonId(asked["person"]), ChannelId(asked["channel"])
        text = self._people.with_ids(html.escape(asked.get("text", ""), quote=False))
        files = [FileId(each) for each in asked.get("files", ())]
        if any(self._people.file(each).uploader != person for each in files):
            raise NotAllowed("that file is somebody else's")
        message = self._people.say(person, channel, text, files=files)
        return {"message": self._message_json(message)}

    async def post_photo(self, request: Request) -> Json:
        """`person`, `channel`, `filename`, `text` in the query and the bytes as the body.

        Or all of them in a form, with the bytes as `file`.
        """
        asked, body = await _with_bytes(request)
        posted = self._people.post_photo(
            PersonId(asked["person"]),
            ChannelId(asked["channel"]),
            asked["filename"],
            body,
            text=asked.get("text", ""),
        )
        return asdict(posted)

    async def upload(self, request: Request) -> Json:
        """A file that nobody else sees yet: `person`, `filename` and bytes, as for a photo."""
        asked, body = await _with_bytes(request)
        person = self._people.person(PersonId(asked["person"]))
        file = self._people.upload(person, asked["filename"], body)
        return {"file": file_json(self._ws, file)}

    async def run_command(self, request: Request) -> Json:
        """`person`, `channel`, `command`, `text`; with `wait_s` also the first answer."""
        asked = await json_of(request)
        invocation = self._people.run_command(
            PersonId(asked["person"]),
            ChannelId(asked["channel"]),
            asked["command"],
            asked.get("text", ""),
        )
        return await self._invoked(invocation, asked)

    async def click(self, request: Request) -> Json:
        """`person`, `action_id`, and `channel` with `ts`, or `view_id`; `value`, `block_id`.

        `filled` may tell what stands in the other elements, as block_id → action_id → value; with
        `outcome_s` the answer has the `outcome`, if the bot acknowledges in that time.
        """
        asked = await json_of(request)
        place: Message | View | None
        if "view_id" in asked:
            place = self._ws.view(asked["view_id"])
        else:
            place = self._ws.message(asked["channel"], Ts(asked["ts"]))
        if place is None:
            raise NotAllowed("that view is not open")
        invocation = self._people.click(
            PersonId(asked["person"]),
            place,
            asked["action_id"],
            value=asked.get("value"),
            block_id=asked.get("block_id"),
            filled=_filled(asked),
        )
        return await self._invoked(invocation, asked)

    async def submit_view(self, request: Request) -> Json:
        """`person`, `view_id`, `values` by action_id; `filled` and `outcome_s` as for a click."""
        asked = await json_of(request)
        invocation = self._people.submit_view(
            PersonId(asked["person"]),
            ViewId(asked["view_id"]),
            asked.get("values"),
            filled=_filled(asked),
        )
        return await self._invoked(invocation, asked)

    async def close_view(self, request: Request) -> Json:
        """`person`, `view_id`; the bot hears of it where the view asks for it."""
        asked = await json_of(request)
        invocation = self._people.close_view(PersonId(asked["person"]), ViewId(asked["view_id"]))
        return await self._invoked(invocation, asked) if invocation else {}

    async def open_home(self, request: Request) -> Json:
        """`person`."""
        asked = await json_of(request)
        self._people.open_home(PersonId(asked["person"]))
        return {}

    async def open_direct(self, request: Request) -> Json:
        """`person`; the conversation with the bot."""
        asked = await json_of(request)
        person = self._people.person(PersonId(asked["person"]))
        return {"channel": channel_json(self._ws, self._people.open_direct(person))}

    async def _invoked(self, invocation: Invocation, asked: Asked) -> Json:
        shape: Json = {"invocation": asdict(invocation) | {"kind": invocation.kind.value}}
        if asked.get("outcome_s"):
            outcomes = self._ws.outcomes
            await wait_for(
                self._ws, lambda: invocation.id in outcomes, asked.number("outcome_s", 0)
            )
            outcome = outcomes.get(invocation.id)
            shape["outcome"] = {"error": outcome.error} if outcome else None
        if not asked.get("wait_s"):
            return shape
        found = self._people.answers_so_far
        await wait_for(self._ws, lambda: found(invocation), asked.number("wait_s", 0))
        return shape | {"answers": [self._message_json(message) for message in found(invocation)]}

    async def state(self, request: Request) -> Json:
        """All people, channels and messages; with `person`, what that person alone sees too.

        With `after` (a `revision`) and `wait_s` the answer waits for a change since then.
        """
        ws, people = self._ws, self._people
        asked = query_of(request)
        after = asked.number("after", -1)
        await wait_for(ws, lambda: ws.revision > after, asked.number("wait_s", 0))
        who = asked.get("person")
        with ws.changed:
            seen = [m for c in ws.channels for m in people.messages(c)]
            shape: Json = {
                "revision": ws.revision,
                "team_id": ws.team_id,
                "bot_user_id": ws.bot_user_id,
                "people": [person_json(ws, person) for person in ws.people.values()],
                "channels": [
                    channel_json(ws, channel) | {"members": list(channel.members)}
                    for channel in ws.channels.values()
                ],
                "files": [file_json(ws, ws.files[FileId(f)]) for f in ws.files],
                "messages": [self._message_json(message) for message in seen],
            }
            if who is None:
                return shape
            person = people.person(PersonId(who))
            modal, home = people.modal(person), people.home(person)
            return shape | {
                "ephemerals": [self._message_json(m) for m in people.ephemerals(person)],
                "modal": view_json(ws, modal) if modal else None,
                "home": view_json(ws, home) if home else None,
            }

    def _message_json(self, message: Message) -> Json:
        extra = {"channel": message.channel, "is_ephemeral": message.is_ephemeral}
        return message_json(self._ws, message) | extra


def _filled(asked: Json) -> Filled:
    return {
        (block_id, action_id): value
        for block_id, elements in (asked.get("filled") or {}).items()
        for action_id, value in elements.items()
    }


async def _with_bytes(request: Request) -> tuple[Asked, bytes]:
    """The arguments from the query with the body, or both from a form with a part `file`."""
    asked = query_of(request)
    body = await request.body()
    content_type = request.headers.get("content-type", "")
    if content_type.startswith("multipart/form-data"):
        form = parts(content_type, body)
        if "file" not in form:
            msg = "The part `file` is missing."
            raise Unusable(msg)
        filename, body = form.pop("file")
        asked |= {"filename": filename} if filename else {}
        asked |= {name: data.decode() for name, (_, data) in form.items()}
    return asked, body
