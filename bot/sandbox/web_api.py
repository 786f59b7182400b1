"""The Web API: `/api/<method>`, its tokens and scopes, and the table of methods."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox import methods_chat as chat
from bot.sandbox import methods_conversations as conversations
from bot.sandbox import methods_files as files
from bot.sandbox import methods_people as people
from bot.sandbox import methods_views as views
from bot.sandbox.calls import ApiError, Call, read_arguments
from bot.sandbox.faults import Faults
from bot.sandbox.interference import met
from bot.sandbox.model import Json
from bot.sandbox.state import Workspace

Handler = Callable[[Call], Json]


@dataclass(frozen=True, slots=True)
class Method:
    """A method and the scope that it always needs; some ask for more by their arguments."""

    handler: Handler
    scope: str | None = None
    takes_app_token: bool = False


METHODS: Mapping[str, Method] = {
    "api.test": Method(lambda call: {"args": call.args}),
    "auth.test": Method(people.auth_test),
    "bots.info": Method(people.bots_info, "users:read"),
    "chat.delete": Method(chat.chat_delete, "chat:write"),
    "chat.getPermalink": Method(chat.chat_get_permalink),
    "chat.postEphemeral": Method(chat.chat_post_ephemeral, "chat:write"),
    "chat.postMessage": Method(chat.chat_post_message, "chat:write"),
    "chat.update": Method(chat.chat_update, "chat:write"),
    "conversations.history": Method(conversations.conversations_history),
    "conversations.info": Method(conversations.conversations_info),
    "conversations.join": Method(conversations.conversations_join, "channels:join"),
    "conversations.list": Method(conversations.conversations_list),
    "conversations.members": Method(conversations.conversations_members),
    "conversations.open": Method(conversations.conversations_open, "im:write"),
    "files.completeUploadExternal": Method(files.files_complete_upload_external, "files:write"),
    "files.delete": Method(files.files_delete, "files:write"),
    "files.getUploadURLExternal": Method(files.files_get_upload_url_external, "files:write"),
    "files.info": Method(files.files_info, "files:read"),
    "files.list": Method(files.files_list, "files:read"),
    "team.info": Method(people.team_info, "team:read"),
    "users.conversations": Method(people.users_conversations),
    "users.info": Method(people.users_info, "users:read"),
    "users.list": Method(people.users_list, "users:read"),
    "views.open": Method(views.views_open),
    "views.publish": Method(views.views_publish),
    "views.push": Method(views.views_push),
    "views.update": Method(views.views_update),
}


class WebApi:
    """Answers API calls; `open_link` gives the address for a Socket Mode connection."""

    def __init__(self, ws: Workspace, faults: Faults, *, open_link: Callable[[], str]) -> None:
        """Serve one workspace."""
        self._ws = ws
        self._faults = faults
        self._methods = {
            **METHODS,
            "apps.connections.open": Method(lambda _: {"url": open_link()}, takes_app_token=True),
        }

    @property
    def routes(self) -> list[Route]:
        """Where the methods are."""
        return [Route("/api/{method:path}", self.answer, methods=["GET", "POST"])]

    async def answer(self, request: Request) -> Response:
        """Answer one call: HTTP 200 with `ok` true or false, or the fault that was ordered."""
        name = request.path_params["method"]
        body = await request.body()

        async def answer() -> Response:
            return self._answer(name, request, body)

        return await met(self._faults, name, answer)

    def _answer(self, name: str, request: Request, body: bytes) -> Response:
        try:
            content_type = request.headers.get("content-type", "")
            args = read_arguments(request.url.query, content_type, body)
            method = self._methods.get(name)
            if method is None:
                raise ApiError("unknown_method", req_method=name)  # noqa: TRY301
            token = bearer_token(request) or str(args.pop("token", None) or "")
            _cap(args, self._faults.most_items(name))
            answer = self._call(method, Call(ws=self._ws, args=args), token)
        except ApiError as e:
            answer = {"ok": False, "error": e.code, **e.extra}
        headers = {
            "x-oauth-scopes": ",".join(sorted(self._ws.app.scopes)),
            "x-slack-req-id": secrets.token_hex(16),
        }
        return JSONResponse(answer, headers=headers)

    def _call(self, method: Method, call: Call, token: str) -> Json:
        app = self._ws.app
        if not token:
            raise ApiError("not_authed")
        if token not in {app.bot_token, app.app_token}:
            raise ApiError("invalid_auth")
        if (token == app.app_token) is not method.takes_app_token:
            raise ApiError("not_allowed_token_type")
        if token == app.bot_token and self._ws.refuses_with:
            raise ApiError(self._ws.refuses_with)
        if method.scope:
            call.need_scope(method.scope)
        with self._ws.changed:
            return {"ok": True, **method.handler(call)}


def bearer_token(request: Request) -> str:
    """The token of the Authorization header, or ""."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _cap(args: Json, most_items: int | None) -> None:
    """Slack's limit of a page counts more than what is asked for."""
    if most_items is not None:
        for name in ("limit", "count"):
            asked = str(args.get(name) or most_items)
            args[name] = min(int(asked), most_items) if asked.isdigit() else asked
