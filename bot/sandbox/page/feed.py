"""What the page shows to one person: all that they see, and no more. Nothing here changes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from bot.sandbox.model import (
    SLACKBOT,
    Channel,
    ChannelKind,
    FileId,
    Json,
    Message,
    Person,
    SharedFile,
    View,
)
from bot.sandbox.pictures import filetype_of
from bot.sandbox.render import person_json, view_json
from bot.sandbox.state import Workspace, seconds_of

SHOWN_FILETYPES = frozenset({"jpg", "png", "gif", "webp"})
"""What every browser shows; the page offers all else as a download."""

AVATAR_SIDE_PX = 192

_FILE_IN_URL = re.compile(r"-(F\w+)/")


def feed(ws: Workspace, person: Person | None) -> Json:
    """All that the page needs; without a person, only who there is to act as.

    `people`, `commands` and what the bot is come for everybody; `channels` (with all public ones
    by name, for full members), `messages`, `modals` (the stack, topmost last), `home` for the
    person. Messages and views tell in `gone` which files in their blocks are no more.
    """
    with ws.changed:
        shape: Json = {
            "bot_user_id": ws.bot_user_id,
            "bot_name": ws.app.name,
            "is_bot_read_only": ws.app.messages_tab_read_only,
            "people": [_person(ws, each) for each in ws.people.values()],
            "commands": [_command(ws, name) for name in ws.app.commands],
        }
        if person is None:
            return shape
        seen = [m for m in ws.messages.values() if sees_message(ws, person, m)]
        home = ws.homes.get(person.id)
        finds_public = not (person.is_guest or person.is_foreign)
        return shape | {
            "person": person.id,
            "channels": [
                _channel(channel, is_member=person.id in channel.members)
                for channel in ws.channels.values()
                if person.id in channel.members
                or (finds_public and channel.kind is ChannelKind.PUBLIC)
            ],
            "messages": [_message(ws, m) for m in sorted(seen, key=lambda m: seconds_of(m.ts))],
            "modals": [_view(ws, view) for view in ws.modals.get(person.id, ())],
            "home": _view(ws, home) if home else None,
        }


def sees_message(ws: Workspace, person: Person, message: Message) -> bool:
    """Whether a message is before a person's eyes."""
    is_member = person.id in ws.channels[message.channel].members
    return is_member and message.visible_to in {None, person.id}


def sees_file(ws: Workspace, person: Person, file: SharedFile) -> bool:
    """Whether a person may have a file.

    It is their own, or shared where they are, or shown to them in the blocks of a message or view.
    """
    if file.is_deleted:
        return False
    with ws.changed:
        if file.uploader == person.id:
            return True
        if any(person.id in ws.channels[share.channel].members for share in file.shares):
            return True
        shown: list[Any] = [
            m.blocks for m in ws.messages.values() if m.blocks and sees_message(ws, person, m)
        ]
        shown += [view.blocks for view in ws.modals.get(person.id, ())]
        if person.id in ws.homes:
            shown.append(ws.homes[person.id].blocks)
        return any(_file_id(found) == file.id for found in _slack_files(shown))


def _slack_files(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        if isinstance(value.get("slack_file"), dict):
            yield value["slack_file"]
        yield from _slack_files(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _slack_files(each)


def _file_id(slack_file: Json) -> FileId:
    in_url = _FILE_IN_URL.search(str(slack_file.get("url", "")))
    return FileId(str(slack_file.get("id") or (in_url[1] if in_url else "")))


def _gone(ws: Workspace, blocks: Iterable[Json]) -> list[FileId]:
    named = {_file_id(found) for found in _slack_files(list(blocks))}
    return sorted(each for each in named if each not in ws.files or ws.files[each].is_deleted)


def _person(ws: Workspace, person: Person) -> Json:
    avatar = person_json(ws, person)["profile"].get(f"image_{AVATAR_SIDE_PX}")
    return {
        "id": person.id,
        "handle": person.name,
        "name": person.real_name,
        "avatar": urlsplit(avatar).path if avatar and person.picture else None,
        "is_admin": person.is_admin,
        "is_bot": person.is_bot or person.id == SLACKBOT,
        "is_deleted": person.is_deleted,
        "tz": person.tz,
    }


def _command(ws: Workspace, name: str) -> Json:
    hint = ws.app.hints.get(name)
    described = {"description": hint.description, "usage": hint.usage} if hint else {}
    return {"name": name, "description": "", "usage": ""} | described


def _channel(channel: Channel, *, is_member: bool) -> Json:
    return {
        "id": channel.id,
        "name": channel.name,
        "kind": channel.kind.value,
        "is_member": is_member,
        "is_archived": channel.is_archived,
        "members": list(channel.members) if is_member else [],
    }


def _message(ws: Workspace, message: Message) -> Json:
    return {
        "channel": message.channel,
        "ts": message.ts,
        "author": message.author,
        "text": message.text,
        "blocks": list(message.blocks),
        "gone": _gone(ws, message.blocks),
        "files": [_file(ws.files[file_id]) for file_id in message.files],
        "is_ephemeral": message.is_ephemeral,
        "is_edited": message.edited_ts is not None,
        "is_error": message.error is not None,
    }


def _file(file: SharedFile) -> Json:
    if file.is_deleted:
        return {"id": file.id, "is_deleted": True}
    kind = filetype_of(file.name)
    width, height = file.size_px or (None, None)
    return {
        "id": file.id,
        "is_deleted": False,
        "name": file.name,
        "title": file.title,
        "alt": file.alt_text,
        "kind": kind,
        "size": len(file.data),
        "is_picture": kind in SHOWN_FILETYPES and file.size_px is not None,
        "width": width,
        "height": height,
    }


def _view(ws: Workspace, view: View) -> Json:
    return view_json(ws, view) | {
        "errors": dict(view.errors or {}),
        "gone": _gone(ws, view.blocks),
        "filled": [
            {"block_id": block_id, "action_id": action_id, "value": value}
            for (block_id, action_id), value in ws.filled.get(view.id, {}).items()
        ],
    }
