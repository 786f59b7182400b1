"""One call of a Web API method: its arguments, and the error it may end in."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import HTTP
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from bot.sandbox.block_checks import problems, with_ids
from bot.sandbox.model import Channel, ChannelKind, FileId, Json, Person
from bot.sandbox.pictures import filetype_of
from bot.sandbox.state import Missing, Workspace

_SHOWABLE_FILETYPES = {"png", "jpg", "gif"}

Item = TypeVar("Item")


class ApiError(Exception):
    """Slack answers `{"ok": false, "error": …}`."""

    def __init__(self, code: str, **extra: object) -> None:
        """`extra` stands in the answer beside the code."""
        super().__init__(code)
        self.code = code
        self.extra = extra


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Arguments from the query, a form or a JSON body; a form's values are strings."""

    ws: Workspace
    args: Json

    def text(self, name: str) -> str:
        """An argument that must be there. Raises ApiError."""
        value = self.optional(name)
        if not value:
            messages = [f"[ERROR] missing required field: {name}"]
            raise ApiError("invalid_arguments", response_metadata={"messages": messages})
        return value

    def optional(self, name: str) -> str:
        """An argument as text, or ""."""
        value = self.args.get(name)
        return "" if value is None else str(value)

    def flag(self, name: str) -> bool:
        """A truth value as Slack reads it: true, "true", 1, "1"."""
        return self.optional(name).lower() in {"true", "1"}

    def number(self, name: str, default: int) -> int:
        """A whole number. Raises ApiError."""
        value = self.optional(name)
        try:
            return int(float(value)) if value else default
        except ValueError as e:
            raise ApiError("invalid_arguments") from e

    def json(self, name: str) -> Any:
        """A structured argument, which in a form is JSON text. Raises ApiError."""
        value = self.args.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError as e:
            raise ApiError(f"invalid_{name}_format") from e

    def need_scope(self, scope: str) -> None:
        """Raise ApiError unless the bot token has the scope."""
        if scope not in self.ws.app.scopes:
            provided = ",".join(sorted(self.ws.app.scopes))
            raise ApiError("missing_scope", needed=scope, provided=provided)

    def person(self, name: str = "user") -> Person:
        """The person that an argument names. Raises ApiError."""
        try:
            return self.ws.person(self.text(name))
        except Missing as e:
            raise ApiError("user_not_found") from e

    def channel(self, name: str = "channel", *, reads: str | None = "read") -> Channel:
        """The channel that an argument names; a private one only if the bot is in it.

        `reads` asks for the scope of that kind of channel ("channels:read", "groups:read", …).
        Raises ApiError.
        """
        try:
            channel = self.ws.channel(self.text(name))
        except Missing as e:
            raise ApiError("channel_not_found") from e
        hidden = channel.kind is not ChannelKind.PUBLIC and not self.ws.bot_is_in(channel.id)
        if hidden:
            raise ApiError("channel_not_found")
        if reads:
            self.need_scope(f"{SCOPE_FAMILY[channel.kind]}:{reads}")
        return channel

    def page(
        self, items: Sequence[Item], key_of: Callable[[Item], str], *, default: int = 100
    ) -> tuple[list[Item], Json]:
        """Cut a cursor's page: its items, and the `response_metadata` that leads on.

        The cursor names the first item of its page, so items that vanish before do no harm.
        Raises ApiError.
        """
        limit = self.number("limit", default)
        if not 1 <= limit <= 1000:  # noqa: PLR2004 - Slack's own bounds
            raise ApiError("invalid_limit")
        keys = [key_of(item) for item in items]
        start = self._start(keys)
        end = start + limit
        following = _cursor(keys[end]) if end < len(keys) else ""
        return list(items[start:end]), {"response_metadata": {"next_cursor": following}}

    def _start(self, keys: list[str]) -> int:
        cursor = self.optional("cursor")
        if not cursor:
            return 0
        try:
            return keys.index(base64.b64decode(cursor).decode().removeprefix("next:"))
        except (ValueError, binascii.Error) as e:
            raise ApiError("invalid_cursor") from e

    def blocks(self) -> tuple[Json, ...] | None:
        """The checked `blocks`, or None if there are none. Raises ApiError `invalid_blocks`."""
        blocks = self.json("blocks")
        return None if blocks is None else checked_blocks(self.ws, blocks)


SCOPE_FAMILY = {
    ChannelKind.PUBLIC: "channels",
    ChannelKind.PRIVATE: "groups",
    ChannelKind.DIRECT: "im",
}
"""The first half of the scopes that a kind of channel needs."""


def _cursor(key: str) -> str:
    return base64.b64encode(f"next:{key}".encode()).decode()


def checked_blocks(ws: Workspace, blocks: Any, *, in_view: bool = False) -> tuple[Json, ...]:
    """Blocks as Slack keeps them, with their ids. Raises ApiError `invalid_blocks`."""
    found = problems(blocks, in_view=in_view, may_show=lambda file: may_show(ws, file))
    if found:
        errors = [each.removeprefix("[ERROR] ") for each in found]
        raise ApiError("invalid_blocks", errors=errors, response_metadata={"messages": found})
    return with_ids(blocks, lambda: ws.new_id("")[-5:])


def may_show(ws: Workspace, slack_file: Json) -> bool:
    """Whether an image block of the bot may show a file: png, jpg or gif that the bot sees."""
    file_id, url = slack_file.get("id"), slack_file.get("url")
    if (file_id is None) == (url is None):
        return False
    if file_id is None:
        file_id = next((f for f in ws.files if f in str(url)), "")
    file = ws.files.get(FileId(str(file_id)))
    if file is None or file.is_deleted or file.size_px is None:
        return False
    return filetype_of(file.name) in _SHOWABLE_FILETYPES and ws.bot_sees(file)


def read_arguments(query: str, content_type: str, body: bytes) -> Json:
    """The arguments of a request, from wherever it carries them.

    Raises ApiError `invalid_json` or `json_not_object`.
    """
    args: Json = dict(parse_qsl(query, keep_blank_values=True))
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json":
        try:
            found = json.loads(body or b"{}")
        except ValueError as e:
            raise ApiError("invalid_json") from e
        if not isinstance(found, dict):
            raise ApiError("json_not_object")
        return args | found
    if kind == "multipart/form-data":
        return args | {name: data.decode() for name, (_, data) in parts(content_type, body).items()}
    return args | dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def parts(content_type: str, body: bytes) -> dict[str, tuple[str | None, bytes]]:
    """The parts of a multipart form: name → (file name or None, bytes)."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    form = message_from_bytes(head + body, policy=HTTP)
    found: dict[str, tuple[str | None, bytes]] = {}
    for part in form.iter_parts():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            found[name] = (part.get_filename(), payload)
    return found
