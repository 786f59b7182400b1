"""The workspace for another process: JSON under `/sandbox/`, on loopback alone.

Requests with a foreign Host (DNS rebinding) or a foreign Origin (another site's page) get 403.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.acting import People
from bot.sandbox.addressing import NotAllowed
from bot.sandbox.calls import ApiError, parts, read_arguments
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
from bot.sandbox.state import Missing, Workspace

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})

WAIT_MAX_S = 60.0

Endpoint = Callable[[Request], Awaitable[Json]]


def is_loopback(netloc: str) -> bool:
    """Whether "host:port" names this machine."""
    try:
        return urlsplit(f"//{netloc}").hostname in LOOPBACK_HOSTS
    except ValueError:
        return False


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
            "people": self.add_person,
            "channels": self.add_channel,
            "photos": self.post_photo,
            "commands": self.run_command,
            "clicks": self.click,
            "submissions": self.submit_view,
            "homes": self.open_home,
        }
        routes = [
            Route(f"/sandbox/{name}", _guarded(endpoint), methods=["POST"])
            for name, endpoint in posts.items()
        ]
        return [*routes, Route("/sandbox/state", _guarded(self.state), methods=["GET"])]

    async def add_person(self, request: Request) -> Json:
        """`name`, and optionally `picture` (base64), `admin`, `guest`, `tz`."""
        asked = await _json(request)
        picture = base64.b64decode(asked["picture"]) if asked.get("picture") else None
        person = self._people.add_person(
            asked["name"],
            picture=picture,
            admin=bool(asked.get("admin")),
            guest=bool(asked.get("guest")),
            tz=asked.get("tz", "UTC"),
        )
        return {"person": person_json(self._ws, person)}

    async def add_channel(self, request: Request) -> Json:
        """`name`, and optionally `members` (ids), `private`, `invite_bot`."""
        asked = await _json(request)
        members = [self._people.person(PersonId(each)) for each in asked.get("members", ())]
        channel = self._people.add_channel(
            asked["name"], members=members, private=bool(asked.get("private"))
        )
        if asked.get("invite_bot"):
            channel = self._people.invite_bot(channel, by=members[0])
        return {"channel": channel_json(self._ws, channel)}

    async def post_photo(self, request: Request) -> Json:
        """`person`, `channel`, `filename`, `text` in the query and the bytes as the body.

        Or all of them in a form, with the bytes as `file`.
        """
        asked: Json = dict(request.query_params)
        body = await request.body()
        content_type = request.headers.get("content-type", "")
        if content_type.startswith("multipart/form-data"):
            form = parts(content_type, body)
            filename, body = form.pop("file")
            asked |= {"filename": filename} if filename else {}
            asked |= {name: data.decode() for name, (_, data) in form.items()}
        posted = self._people.post_photo(
            PersonId(asked["person"]),
            ChannelId(asked["channel"]),
            asked["filename"],
            body,
            text=asked.get("text", ""),
        )
        return asdict(posted)

    async def run_command(self, request: Request) -> Json:
        """`person`, `channel`, `command`, `text`; with `wait_s` also the first answer."""
        asked = await _json(request)
        invocation = self._people.run_command(
            PersonId(asked["person"]),
            ChannelId(asked["channel"]),
            asked["command"],
            asked.get("text", ""),
        )
        return await self._invoked(invocation, asked)

    async def click(self, request: Request) -> Json:
        """`person`, `action_id`, and `channel` with `ts`, or `view_id`; `value`, `block_id`."""
        asked = await _json(request)
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
        )
        return await self._invoked(invocation, asked)

    async def submit_view(self, request: Request) -> Json:
        """`person`, `view_id`, `values` by action_id."""
        asked = await _json(request)
        person, view_id = PersonId(asked["person"]), ViewId(asked["view_id"])
        invocation = self._people.submit_view(person, view_id, asked.get("values"))
        return await self._invoked(invocation, asked)

    async def open_home(self, request: Request) -> Json:
        """`person`."""
        asked = await _json(request)
        self._people.open_home(PersonId(asked["person"]))
        return {}

    async def _invoked(self, invocation: Invocation, asked: Json) -> Json:
        shape: Json = {"invocation": asdict(invocation) | {"kind": invocation.kind.value}}
        if not asked.get("wait_s"):
            return shape
        await self._wait(lambda: self._people.answers_so_far(invocation), asked["wait_s"])
        answers = self._people.answers_so_far(invocation)
        return shape | {"answers": [self._message_json(message) for message in answers]}

    async def _wait(self, predicate: Callable[[], object], wait_s: float | str) -> None:
        ws = self._ws
        with suppress(TimeoutError):
            await asyncio.to_thread(
                ws.wait_for,
                # A waiting request must not keep the server from stopping.
                lambda: ws.is_stopping or bool(predicate()),
                timeout_s=min(float(wait_s), WAIT_MAX_S),
            )

    async def state(self, request: Request) -> Json:
        """All people, channels and messages; with `person`, what that person alone sees too.

        With `after` (a `revision`) and `wait_s` the answer waits for a change since then.
        """
        ws, people = self._ws, self._people
        after = int(request.query_params.get("after", -1))
        await self._wait(lambda: ws.revision > after, request.query_params.get("wait_s", 0))
        who = request.query_params.get("person")
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


def _guarded(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        origin = request.headers.get("origin")
        if not is_loopback(request.headers.get("host", "")):
            return _refusal(403, "foreign host")
        if origin is not None and not is_loopback(urlsplit(origin).netloc):
            return _refusal(403, "foreign origin")
        try:
            return JSONResponse({"ok": True, **await endpoint(request)})
        except NotAllowed as e:
            return _refusal(409, str(e))
        except Missing as e:
            return _refusal(404, f"no such {e}")
        except (ApiError, LookupError, ValueError, TypeError, binascii.Error) as e:
            return _refusal(400, f"{type(e).__name__}: {e}")

    return answer


async def _json(request: Request) -> Json:
    content_type = request.headers.get("content-type", "application/json")
    return read_arguments("", content_type, await request.body())


def _refusal(status: int, error: str) -> Response:
    return JSONResponse({"ok": False, "error": error}, status_code=status)
