"""The page's address, what it is made of, and where it gets what it shows."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from bot.sandbox import pictures
from bot.sandbox.control import wait_for
from bot.sandbox.guard import guarded, query_of, refusal
from bot.sandbox.model import FileId, PersonId, SharedFile
from bot.sandbox.page.feed import SHOWN_FILETYPES, feed, sees_file
from bot.sandbox.pictures import THUMB_SIDES_PX, filetype_of, mimetype_of
from bot.sandbox.state import Workspace

_HERE = Path(__file__).parent
STATIC = _HERE / "static"

_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class Page:
    """Serves the page of one workspace."""

    def __init__(self, ws: Workspace) -> None:
        """Show one workspace."""
        self._ws = ws
        templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"), autoescape=select_autoescape()
        )
        self._index = templates.get_template("index.html")

    @property
    def routes(self) -> list[Route]:
        """Where the page and its parts are."""
        return [
            Route("/", guarded(self.index, from_links=True)),
            Route("/page/{name}", guarded(self.part)),
            Route("/sandbox/feed", guarded(self.feed)),
            Route("/sandbox/files/{file_id}", guarded(self.file)),
        ]

    async def index(self, _: Request) -> Response:
        """Give the page; its script asks for all that is on it."""
        ws = self._ws
        page = self._index.render(name=ws.name, bot_name=ws.app.name, origin=ws.origin)
        return HTMLResponse(page, headers={"cache-control": "no-store"})

    async def part(self, request: Request) -> Response:
        """Give a script, a style sheet or a drawing of the page."""
        name = request.path_params["name"]
        known = {path.name: path for path in STATIC.iterdir() if path.suffix in _TYPES}
        if name not in known:
            return refusal(404, "no such part")
        path = known[name]
        return Response(
            path.read_bytes(),
            media_type=_TYPES[path.suffix],
            headers={"cache-control": "no-cache"},
        )

    async def feed(self, request: Request) -> Response:
        """All that `person` sees. With `after` (a `version`) and `wait_s`, once it is another.

        If nothing changes in that time, the answer says so with the `version` alone.
        """
        ws, query = self._ws, query_of(request)
        person = ws.person(PersonId(query["person"])) if query.get("person") else None
        after: str = query.get("after", "")
        seen_revision = -1
        body: bytes = b""
        version = ""

        def is_new() -> bool:
            nonlocal seen_revision, body, version
            if ws.revision == seen_revision:
                return False
            seen_revision = ws.revision
            body = json.dumps(feed(ws, person)).encode()
            version = hashlib.sha256(body).hexdigest()[:16]
            return version != after

        await wait_for(ws, is_new, query.number("wait_s", 0))
        if seen_revision < 0:
            is_new()
        if version == after:
            return JSONResponse({"ok": True, "version": version})
        text = b'{"ok": true, "version": "%s", "feed": %s}' % (version.encode(), body)
        return Response(text, media_type="application/json", headers={"cache-control": "no-store"})

    async def file(self, request: Request) -> Response:
        """Give a file that `person` may see, or with `side_px` a thumbnail of it."""
        ws, query = self._ws, query_of(request)
        person = ws.person(PersonId(query["person"]))
        file = ws.file(FileId(request.path_params["file_id"]))
        if not sees_file(ws, person, file):
            return refusal(404, "no such file")
        headers = {"cache-control": "private, max-age=600"}
        if "side_px" in query:
            return await _thumbnail(file, int(query.number("side_px", 0)), headers)
        if filetype_of(file.name) in SHOWN_FILETYPES and not query.get("download"):
            return Response(file.data, media_type=mimetype_of(file.name), headers=headers)
        # Whatever else people post is never opened as a page of this origin.
        headers["content-disposition"] = f"attachment; filename*=utf-8''{quote(file.name)}"
        return Response(file.data, media_type="application/octet-stream", headers=headers)


async def _thumbnail(file: SharedFile, side_px: int, headers: dict[str, str]) -> Response:
    if side_px not in THUMB_SIDES_PX or file.size_px is None:
        return refusal(404, "no such thumbnail")
    try:
        data = await asyncio.to_thread(pictures.thumbnail, file.data, side_px=side_px)
    except ValueError:
        return refusal(404, "no such thumbnail")
    return Response(data, media_type="image/jpeg", headers=headers)
