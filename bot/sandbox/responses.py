"""response_url: how the bot answers an invocation without a token."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox import changes
from bot.sandbox.calls import ApiError, checked_blocks, read_arguments
from bot.sandbox.faults import RESPONSE_URL, Faults
from bot.sandbox.interference import met
from bot.sandbox.model import ChannelId, InvocationId, Json, Message, PersonId, Ts
from bot.sandbox.state import Workspace


@dataclass(slots=True, kw_only=True)
class _Place:
    invocation: InvocationId
    person: PersonId
    channel: ChannelId
    issued_s: float
    source: Ts | None
    uses: int = 0


class ResponseUrls:
    """Issues the addresses and takes what is posted to them.

    Each may be used `Times.response_url_uses` times within `Times.response_url_life_s`; after that
    Slack answers HTTP 404 with `used_url` or `expired_url`.
    """

    def __init__(self, ws: Workspace, faults: Faults) -> None:
        """Serve one workspace."""
        self._ws = ws
        self._faults = faults
        self._places: dict[str, _Place] = {}

    @property
    def routes(self) -> list[Route]:
        """Where the addresses lead."""
        return [Route("/respond/{team}/{key}", self.take, methods=["POST"])]

    def issue(
        self,
        invocation: InvocationId,
        *,
        person: PersonId,
        channel: ChannelId,
        source: Ts | None = None,
    ) -> str:
        """Make an address for one invocation; `source` is the message that was clicked."""
        key = secrets.token_hex(12)
        with self._ws.changed:
            self._places[key] = _Place(
                invocation=invocation,
                person=person,
                channel=channel,
                issued_s=self._ws.clock(),
                source=source,
            )
        return f"{self._ws.origin}/respond/{self._ws.team_id}/{key}"

    async def take(self, request: Request) -> Response:
        """Take one answer."""
        body = await request.body()

        async def answer() -> Response:
            return self._take(request, body)

        return await met(self._faults, RESPONSE_URL, answer)

    def _take(self, request: Request, body: bytes) -> Response:
        place = self._places.get(request.path_params["key"])
        if place is None:
            return _refusal(404, "expired_url")
        ws = self._ws
        try:
            answer = read_arguments("", request.headers.get("content-type", ""), body)
            with ws.change():
                if ws.clock() - place.issued_s > ws.times.response_url_life_s:
                    return _refusal(404, "expired_url")
                if place.uses >= ws.times.response_url_uses:
                    return _refusal(404, "used_url")
                self._apply(place, answer)
                place.uses += 1
        except ApiError as e:
            return _refusal(400, e.code, **e.extra)
        return JSONResponse({"ok": True})

    def answer(
        self, invocation: InvocationId, *, person: PersonId, channel: ChannelId, payload: Json
    ) -> None:
        """Take an answer that came with the acknowledgement of a command. Raises ApiError."""
        now_s = self._ws.clock()
        place = _Place(
            invocation=invocation, person=person, channel=channel, issued_s=now_s, source=None
        )
        self._apply(place, payload)

    def _apply(self, place: _Place, answer: Json) -> None:
        ws = self._ws
        source = ws.messages.get((place.channel, place.source)) if place.source else None
        if source and _truth(answer.get("delete_original")):
            changes.remove(ws, source)
            return
        text = str(answer.get("text") or "")
        given = answer.get("blocks")
        blocks = checked_blocks(ws, given) if given else ()
        if not text and not blocks:
            raise ApiError("no_text")
        if source and _truth(answer.get("replace_original")):
            answers = (*source.answers, place.invocation)
            after = replace(source, text=text, blocks=blocks, answers=answers)
            if not source.is_ephemeral:
                after = replace(after, edited_ts=ws.new_ts())
            changes.edit(ws, source, after)
            return
        # The response_url of a command has no original: Slack posts a new message instead
        # (https://github.com/slackapi/bolt-js/issues/2287).
        in_channel = answer.get("response_type") == "in_channel"
        message = Message(
            channel=place.channel,
            ts=ws.new_ts(),
            author=ws.bot_user_id,
            text=text,
            blocks=blocks,
            visible_to=None if in_channel else place.person,
            answers=(place.invocation,),
        )
        changes.post(ws, message)


def _truth(value: object) -> bool:
    return value is True or str(value).lower() == "true"


def _refusal(status: int, code: str, **extra: object) -> Response:
    return JSONResponse({"ok": False, "error": code, **extra}, status_code=status)
