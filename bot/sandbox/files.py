"""Bytes over HTTP: files and thumbnails for a token, avatars, uploads, message addresses.

Avatars need no token, as in Slack, but their hash; no other site's page gets them.
"""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import Route

from bot.sandbox import pictures
from bot.sandbox.calls import parts
from bot.sandbox.faults import AVATAR, DOWNLOAD, UPLOAD, Faults
from bot.sandbox.guard import guarded
from bot.sandbox.interference import met
from bot.sandbox.model import FileId, PersonId, SharedFile, Ts
from bot.sandbox.render import avatar_hash, message_json
from bot.sandbox.state import Workspace
from bot.sandbox.web_api import bearer_token

LOGIN_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Sign in | Slack</title></head>
<body><h1>Sign in to your workspace</h1><form method="post"></form></body></html>
"""
"""What Slack answers, with HTTP 200, where a file's token is missing or lacks its scope."""


class FileRoutes:
    """Serves what the workspace holds in bytes."""

    def __init__(self, ws: Workspace, faults: Faults) -> None:
        """Serve one workspace."""
        self._ws = ws
        self._faults = faults

    @property
    def routes(self) -> list[Route]:
        """Where the bytes are."""
        return [
            Route("/files-pri/{key}/{name:path}", self.file),
            Route("/files-tmb/{key}/{side_px:int}.jpg", self.thumbnail),
            Route("/avatars/{name}", guarded(self.avatar)),
            Route("/upload/v1/{file_id}", self.upload, methods=["POST"]),
            Route("/archives/{channel}/p{digits:int}", guarded(self.message, from_links=True)),
        ]

    async def file(self, request: Request) -> Response:
        """Give a file to the bot; to all others, the login page."""

        async def answer() -> Response:
            return self._file(request)

        return await met(self._faults, DOWNLOAD, answer)

    def _file(self, request: Request) -> Response:
        file = self._allowed(request)
        if isinstance(file, Response):
            return file
        self._faults.downloaded(file.id)
        return Response(file.data, media_type=pictures.mimetype_of(file.name))

    async def thumbnail(self, request: Request) -> Response:
        """Give a smaller JPEG of a file, guarded as the file is."""
        file = self._allowed(request)
        if isinstance(file, Response):
            return file
        side_px = request.path_params["side_px"]
        if side_px not in pictures.THUMB_SIDES_PX or file.size_px is None:
            return _missing()
        try:
            data = await asyncio.to_thread(pictures.thumbnail, file.data, side_px=side_px)
        except ValueError:
            return _missing()
        return Response(data, media_type="image/jpeg")

    def _allowed(self, request: Request) -> SharedFile | Response:
        ws = self._ws
        token_ok = ws.token_is_good(bearer_token(request))
        with ws.changed:
            team, _, file_id = request.path_params["key"].partition("-")
            file = ws.files.get(FileId(file_id))
            if not token_ok or "files:read" not in ws.app.scopes:
                return HTMLResponse(LOGIN_PAGE)
            if file is None or file.is_deleted or team != ws.team_id:
                return _missing()
            return file if ws.bot_sees(file) else HTMLResponse(LOGIN_PAGE)

    async def avatar(self, request: Request) -> Response:
        """Give a profile picture: `<person>-<hash>_<side>.jpg`, or `…_original` as uploaded."""

        async def answer() -> Response:
            return await self._avatar(request)

        return await met(self._faults, AVATAR, answer)

    async def _avatar(self, request: Request) -> Response:
        owner, _, size = request.path_params["name"].rpartition("_")
        person_id, _, given_hash = owner.partition("-")
        person = self._ws.people.get(PersonId(person_id))
        # Ids are easily guessed; the hash is told to those alone who may see the person.
        if person is None or given_hash != avatar_hash(person):
            return _missing()
        picture = person.picture
        if size == "original" and picture:
            return Response(picture.data, media_type=picture.mimetype)
        side = size.removesuffix(".jpg")
        if side not in map(str, pictures.AVATAR_SIDES_PX):
            return _missing()
        if picture:
            data = await asyncio.to_thread(pictures.avatar, picture, side_px=int(side))
        else:
            data = pictures.neutral_avatar(person.id, side_px=int(side))
        return Response(data, media_type="image/jpeg")

    async def upload(self, request: Request) -> Response:
        """Take the bytes of an upload, raw or as the first part of a form; once per file."""
        body = await request.body()

        async def answer() -> Response:
            return self._upload(request, body)

        return await met(self._faults, UPLOAD, answer)

    def _upload(self, request: Request, body: bytes) -> Response:
        content_type = request.headers.get("content-type", "")
        if content_type.startswith("multipart/form-data"):
            body = next((data for _, data in parts(content_type, body).values()), b"")
        with self._ws.change():
            pending = self._ws.uploads.get(FileId(request.path_params["file_id"]))
            if pending is None or pending.data is not None:
                return _missing()
            if len(body) != pending.length:
                return PlainTextResponse("length mismatch", status_code=400)
            pending.data = body
        return PlainTextResponse(f"OK - {len(body)}")

    async def message(self, request: Request) -> Response:
        """Say what a permalink leads to; a browser is led to the page."""
        digits = f"{request.path_params['digits']:07d}"
        ts = Ts(f"{digits[:-6]}.{digits[-6:]}")
        with self._ws.changed:
            found = self._ws.messages.get((request.path_params["channel"], ts))
            if found is None or found.is_ephemeral:
                return _missing()
            if "text/html" in request.headers.get("accept", ""):
                return RedirectResponse(f"/#/-/{found.channel}/{found.ts}")
            return JSONResponse(message_json(self._ws, found))


def _missing() -> Response:
    return PlainTextResponse("not found", status_code=404)
