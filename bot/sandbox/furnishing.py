"""People, channels and pictures for another process: the part of `/sandbox/` that sets a scene."""

from __future__ import annotations

import base64
import binascii
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.routing import Route

from bot.sandbox.acting import People
from bot.sandbox.guard import Asked, Endpoint, Unusable, guarded, json_of
from bot.sandbox.model import ChannelId, Json, PersonId
from bot.sandbox.render import channel_json, person_json
from bot.sandbox.state import Workspace


class Furnishing:
    """Lets a page or curl bring people and channels into the workspace."""

    def __init__(self, ws: Workspace, people: People) -> None:
        """Act in one workspace."""
        self._ws = ws
        self._people = people

    @property
    def routes(self) -> list[Route]:
        """Where to act."""
        posts: dict[str, Endpoint] = {
            "people": self.add_person,
            "pictures": self.set_picture,
            "channels": self.add_channel,
            "invitations": self.invite,
        }
        return [
            Route(f"/sandbox/{name}", guarded(endpoint), methods=["POST"])
            for name, endpoint in posts.items()
        ]

    async def add_person(self, request: Request) -> Json:
        """`name`, and optionally `picture` (base64), `admin`, `guest`, `tz`, `channels` (ids)."""
        asked = await json_of(request)
        person = self._people.add_person(
            asked["name"],
            picture=_picture(asked),
            admin=bool(asked.get("admin")),
            guest=bool(asked.get("guest")),
            tz=_time_zone(asked),
        )
        for channel in asked.get("channels", ()):
            if person.is_guest:
                host, *_ = self._people.channel(ChannelId(channel)).members
                self._people.invite(person, ChannelId(channel), by=host)
            else:
                self._people.join(person, ChannelId(channel))
        return {"person": person_json(self._ws, person)}

    async def set_picture(self, request: Request) -> Json:
        """`person`, `picture` (base64; without one they have none any more)."""
        asked = await json_of(request)
        person = self._people.set_picture(PersonId(asked["person"]), _picture(asked))
        return {"person": person_json(self._ws, person)}

    async def add_channel(self, request: Request) -> Json:
        """`name`, and optionally `members` (ids), `private`, `invite_bot`."""
        asked = await json_of(request)
        members = [self._people.person(PersonId(each)) for each in asked.get("members", ())]
        channel = self._people.add_channel(
            asked["name"], members=members, private=bool(asked.get("private"))
        )
        if asked.get("invite_bot") and not members:
            msg = "Somebody must be in the channel to invite the bot: give `members`."
            raise Unusable(msg)
        if asked.get("invite_bot"):
            channel = self._people.invite_bot(channel, by=members[0])
        return {"channel": channel_json(self._ws, channel)}

    async def invite(self, request: Request) -> Json:
        """`person` (who invites), `channel`, and whom: `invited` (an id), or else the bot."""
        asked = await json_of(request)
        invited = PersonId(asked.get("invited") or self._ws.bot_user_id)
        channel = self._people.invite(
            self._people.person(invited), ChannelId(asked["channel"]), by=PersonId(asked["person"])
        )
        return {"channel": channel_json(self._ws, channel)}


def _picture(asked: Asked) -> bytes | None:
    try:
        return base64.b64decode(asked["picture"]) if asked.get("picture") else None
    except (TypeError, binascii.Error) as e:
        msg = "The field `picture` must be base64."
        raise Unusable(msg) from e


def _time_zone(asked: Asked) -> str:
    name = asked.get("tz", "UTC")
    try:
        return ZoneInfo(name).key
    except (LookupError, TypeError, ValueError, OSError) as e:
        msg = f"There is no time zone {name!r}; one is `Europe/Berlin`."
        raise Unusable(msg) from e
