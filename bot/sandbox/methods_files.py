"""files.*: listing, reading, posting and deleting files."""

from __future__ import annotations

import math
import re

from bot.sandbox import changes
from bot.sandbox.calls import ApiError, Call
from bot.sandbox.model import Channel, ChannelId, ChannelKind, FileId, Json, PersonId, SharedFile
from bot.sandbox.pictures import mimetype_of
from bot.sandbox.render import file_json, listed_file_json
from bot.sandbox.state import PendingUpload, Workspace

_CHANNEL_ID = r"^[CGDZ][A-Z0-9]{8,}$"
_TYPES = {"all", "spaces", "snippets", "images", "gdocs", "zips", "pdfs"}


def visible_file(call: Call) -> SharedFile:
    """The file that the argument names. Raises ApiError."""
    file = call.ws.files.get(FileId(call.text("file")))
    if file is None:
        raise ApiError("file_not_found")
    if file.is_deleted:
        raise ApiError("file_deleted")
    if not call.ws.bot_sees(file):
        raise ApiError("file_not_found")
    return file


def files_info(call: Call) -> Json:
    """One file, of those shared where the bot is."""
    shape: Json = {"file": file_json(call.ws, visible_file(call)), "comments": []}
    paging = {"count": 100, "total": 0, "page": 1, "pages": 0}
    return shape | {"paging": paging, "response_metadata": {"next_cursor": ""}}


def files_list(call: Call) -> Json:
    """The files that the bot sees, newest first, by page number.

    `ts_from` and `ts_to` are whole seconds, both inclusive, and mean the time of the upload: a
    file shared again later keeps its first time.
    """
    ws = call.ws
    kinds = {kind.strip() for kind in (call.optional("types") or "all").split(",")}
    if not kinds <= _TYPES:
        raise ApiError("unknown_type")
    if call.optional("user"):
        call.person()
    channel = call.channel(reads=None).id if call.optional("channel") else None
    found = [f for f in ws.files.values() if ws.bot_sees(f) and _is_listed(call, f, kinds, channel)]
    found.sort(key=lambda file: (file.created_s, file.id), reverse=True)
    count = min(max(call.number("count", 100), 1), 1000)
    page = max(call.number("page", 1), 1)
    shown = found[(page - 1) * count : page * count]
    paging = {"count": count, "total": len(found), "page": page}
    paging["pages"] = math.ceil(len(found) / count)
    return {"files": [listed_file_json(ws, file) for file in shown], "paging": paging}


def _is_listed(call: Call, file: SharedFile, kinds: set[str], channel: ChannelId | None) -> bool:
    if file.is_deleted or (call.optional("user") not in {"", file.uploader}):
        return False
    if channel and all(share.channel != channel for share in file.shares):
        return False
    if not call.number("ts_from", 0) <= file.created_s <= call.number("ts_to", 2**53):
        return False
    mimetype = mimetype_of(file.name)
    return (
        "all" in kinds
        or ("images" in kinds and mimetype.startswith("image/"))
        or ("pdfs" in kinds and mimetype == "application/pdf")
        or ("zips" in kinds and mimetype == "application/zip")
    )


def files_delete(call: Call) -> Json:
    """Delete a file; a bot may delete its own only."""
    file = visible_file(call)
    if file.uploader != call.ws.bot_user_id:
        raise ApiError("cant_delete_file")
    changes.remove_file(call.ws, file)
    return {}


def files_get_upload_url_external(call: Call) -> Json:
    """First of three steps of an upload: where to send the bytes."""
    ws = call.ws
    name, length = call.text("filename"), call.number("length", 0)
    if length <= 0:
        raise ApiError("invalid_arguments")
    with ws.change():
        file_id = FileId(ws.new_id("F"))
        alt_text = call.optional("alt_txt")
        ws.uploads[file_id] = PendingUpload(name=name, length=length, alt_text=alt_text)
    return {"upload_url": f"{ws.origin}/upload/v1/{file_id}", "file_id": file_id}


def files_complete_upload_external(call: Call) -> Json:
    """Last step of an upload: the file exists, and is shared in the channels named.

    Slack looks through the file and shares it a moment later, so that the answer knows neither its
    type nor its shares yet (slackapi/java-slack-sdk#1349, slackapi/python-slack-sdk#1277).
    """
    ws = call.ws
    named = call.json("files") or []
    channels = _target_channels(call)
    with ws.change():
        pending = {FileId(entry["id"]): ws.uploads.get(FileId(entry["id"])) for entry in named}
        if not pending or any(upload is None or upload.data is None for upload in pending.values()):
            raise ApiError("file_not_found")
        titles = {FileId(entry["id"]): entry.get("title") or "" for entry in named}
        for file_id, title in titles.items():
            upload = ws.uploads.pop(file_id)
            changes.add_file(
                ws,
                name=upload.name,
                data=upload.data or b"",
                uploader=ws.bot_user_id,
                title=title,
                alt_text=upload.alt_text,
                file_id=file_id,
            )
        for channel in channels:
            text = call.optional("initial_comment")
            changes.share(ws, tuple(titles), channel, ws.bot_user_id, text)
        return {"files": [_new_file_json(ws, ws.files[file_id]) for file_id in titles]}


def _new_file_json(ws: Workspace, file: SharedFile) -> Json:
    shape = file_json(ws, file) | dict.fromkeys(("mimetype", "filetype", "pretty_type"), "")
    shape |= {"shares": {}, "channels": [], "groups": [], "ims": [], "is_public": False}
    looked_at = ("thumb_", "original_")
    return {key: value for key, value in shape.items() if not key.startswith(looked_at)}


def _target_channels(call: Call) -> list[ChannelId]:
    channel_id = call.optional("channel_id")
    if channel_id and not re.match(_CHANNEL_ID, channel_id):
        # A person's id, which chat.postMessage takes, is none (slackapi/bolt-js#2115).
        problem = f"[ERROR] input must match regex pattern: {_CHANNEL_ID}"
        messages = [f"{problem} [json-pointer:/channel_id]"]
        raise ApiError("invalid_arguments", response_metadata={"messages": messages})
    named = [channel_id, *call.optional("channels").split(",")]
    found: list[ChannelId] = []
    for name in filter(None, (part.strip() for part in named)):
        channel = target_channel(Call(ws=call.ws, args={"channel": name}))
        found.append(channel.id)
    return found


def target_channel(call: Call) -> Channel:
    """Where the bot may post: a channel by id or #name, or a person by id, who gets a DM.

    Raises ApiError.
    """
    ws, name = call.ws, call.text("channel")
    if name in ws.people:
        person = ws.people[PersonId(name)]
        if person.is_deleted:
            raise ApiError("user_disabled")
        return changes.open_direct(ws, person.id)
    by_name = [c.id for c in ws.channels.values() if c.name == name.removeprefix("#")]
    reads = {"channel": by_name[0] if by_name else name}
    channel = Call(ws=ws, args=reads).channel(reads=None)
    if channel.kind is ChannelKind.PUBLIC and not ws.bot_is_in(channel.id):
        raise ApiError("not_in_channel")
    if channel.is_archived:
        raise ApiError("is_archived")
    return channel
