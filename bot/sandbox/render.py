"""Workspace values as the JSON that Slack sends. Nothing here changes the state."""

from __future__ import annotations

import hashlib
from urllib.parse import quote

from bot.sandbox.model import (
    ELSEWHERE,
    Channel,
    ChannelKind,
    FileId,
    Json,
    Message,
    Person,
    Share,
    SharedFile,
    TeamId,
    View,
)
from bot.sandbox.pictures import (
    AVATAR_SIDES_PX,
    SQUARE_THUMB_SIDES_PX,
    THUMB_SIDES_PX,
    filetype_of,
    mimetype_of,
)
from bot.sandbox.state import Workspace

_THUMBED_MIMETYPES = {"image/jpeg", "image/png", "image/gif", "image/webp"}


def person_json(ws: Workspace, person: Person) -> Json:
    """A user object, as users.info gives it."""
    user: Json = {
        "id": person.id,
        "team_id": home_of(ws, person),
        "name": person.name,
        "deleted": person.is_deleted,
        "profile": profile_json(ws, person),
        "is_bot": person.is_bot,
        "is_app_user": False,
        "updated": person.updated_s,
    }
    if person.is_deleted:
        return user
    if person.is_foreign:
        user["is_stranger"] = not any(
            {person.id, ws.bot_user_id} <= {*channel.members} for channel in ws.channels.values()
        )
    return user | {
        "color": "9f69e7",
        "real_name": person.real_name,
        "tz": person.tz,
        "tz_label": person.tz,
        "tz_offset": person.tz_offset_s,
        "is_admin": person.is_admin,
        "is_owner": person.is_owner,
        "is_primary_owner": False,
        "is_restricted": person.is_guest,
        "is_ultra_restricted": False,
        "is_email_confirmed": True,
        "who_can_share_contact_card": "EVERYONE",
    }


def home_of(ws: Workspace, person: Person) -> TeamId:
    """The workspace that a person is of."""
    return ELSEWHERE if person.is_foreign else ws.team_id


def avatar_hash(person: Person) -> str:
    """What the addresses of a person's pictures change with."""
    if person.picture:
        return person.picture.hash
    return "g" + hashlib.sha256(person.id.encode()).hexdigest()[:11]


def profile_json(ws: Workspace, person: Person) -> Json:
    """The profile in a user object; `image_original` only where the person uploaded a picture."""
    picture, found_hash = person.picture, avatar_hash(person)
    largest_px = max(512, picture.side_px) if picture else 512
    base = f"{ws.origin}/avatars/{person.id}-{found_hash}"
    profile: Json = {
        "title": "",
        "phone": "",
        "skype": "",
        "real_name": person.real_name,
        "real_name_normalized": person.real_name,
        # Most people choose none, and go by their full name.
        "display_name": "",
        "display_name_normalized": "",
        "fields": None,
        "status_text": "",
        "status_emoji": "",
        "status_expiration": 0,
        "avatar_hash": found_hash,
        "team": home_of(ws, person),
    }
    if picture:
        profile |= {"is_custom_image": True, "image_original": f"{base}_original"}
    if person.id == ws.bot_user_id:
        profile |= {"bot_id": ws.bot_id, "api_app_id": ws.app_id}
    sizes = (side_px for side_px in AVATAR_SIDES_PX if side_px <= largest_px)
    return profile | {f"image_{side_px}": f"{base}_{side_px}.jpg" for side_px in sizes}


def channel_json(ws: Workspace, channel: Channel) -> Json:
    """A conversation object, as conversations.info gives it to the bot."""
    shape: Json = {
        "id": channel.id,
        "created": channel.created_s,
        "is_archived": channel.is_archived,
        "is_im": channel.kind is ChannelKind.DIRECT,
        "is_org_shared": False,
        "context_team_id": ws.team_id,
        "updated": channel.created_s * 1000,
    }
    if channel.kind is ChannelKind.DIRECT:
        other = next(member for member in channel.members if member != ws.bot_user_id)
        return shape | {"user": other, "is_user_deleted": ws.people[other].is_deleted}
    return shape | {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": True,
        "is_group": False,
        "is_mpim": False,
        "is_private": channel.kind is ChannelKind.PRIVATE,
        "is_general": False,
        "is_shared": channel.is_shared,
        "is_ext_shared": channel.is_shared,
        "is_pending_ext_shared": False,
        "is_member": ws.bot_user_id in channel.members,
        "creator": channel.creator,
        "unlinked": 0,
        "previous_names": [],
        "shared_team_ids": [ws.team_id, *([ELSEWHERE] if channel.is_shared else [])],
        "pending_shared": [],
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "num_members": len(channel.members),
    }


def file_json(ws: Workspace, file: SharedFile) -> Json:
    """A file object, as files.info gives it; a deleted file is its tombstone."""
    if file.is_deleted:
        return {"id": file.id, "mode": "tombstone"}
    mimetype = mimetype_of(file.name)
    kinds = {share.channel: ws.channels[share.channel].kind for share in file.shares}
    by_kind = {kind: [c for c, found in kinds.items() if found is kind] for kind in ChannelKind}
    key = f"{ws.team_id}-{file.id}"
    # A name is no path, nor several lines.
    name = quote("".join(c if c.isprintable() and c != "/" else "_" for c in file.name))
    shape: Json = {
        "id": file.id,
        "created": file.created_s,
        "timestamp": file.created_s,
        "name": file.name,
        "title": file.title,
        "mimetype": mimetype,
        "filetype": filetype_of(file.name),
        "pretty_type": filetype_of(file.name).upper(),
        "user": file.uploader,
        "user_team": ws.team_id,
        "editable": False,
        "size": len(file.data),
        "mode": "hosted",
        "is_external": False,
        "external_type": "",
        "is_public": bool(by_kind[ChannelKind.PUBLIC]),
        "public_url_shared": False,
        "display_as_bot": False,
        "username": "",
        "url_private": f"{ws.origin}/files-pri/{key}/{name}",
        "url_private_download": f"{ws.origin}/files-pri/{key}/download/{name}",
        "permalink": f"{ws.origin}/files/{file.uploader}/{file.id}/{name}",
        "is_starred": False,
        "has_rich_preview": False,
        "file_access": "visible",
        "channels": by_kind[ChannelKind.PUBLIC],
        "groups": by_kind[ChannelKind.PRIVATE],
        "ims": by_kind[ChannelKind.DIRECT],
        "comments_count": 0,
        "shares": _shares_json(ws, file.shares),
    }
    if file.alt_text:
        shape["alt_txt"] = file.alt_text
    if file.size_px and mimetype in _THUMBED_MIMETYPES:
        shape |= {"original_w": file.size_px[0], "original_h": file.size_px[1]}
        shape |= _thumbs_json(f"{ws.origin}/files-tmb/{key}", file.size_px)
    return shape


def listed_file_json(ws: Workspace, file: SharedFile) -> Json:
    """A file as lists and messages have it: one from another workspace is a stub."""
    if not file.is_foreign or file.is_deleted:
        return file_json(ws, file)
    stub: Json = {"id": file.id, "mode": "file_access", "file_access": "check_file_info"}
    return stub | {"created": 0, "timestamp": 0, "user": "", "name": None, "title": ""}


def _shares_json(ws: Workspace, shares: tuple[Share, ...]) -> Json:
    grouped: Json = {}
    for share in shares:
        channel = ws.channels[share.channel]
        public = channel.kind is ChannelKind.PUBLIC
        group = grouped.setdefault("public" if public else "private", {})
        group.setdefault(share.channel, []).append(
            {
                "reply_users": [],
                "reply_users_count": 0,
                "reply_count": 0,
                "ts": share.ts,
                "channel_name": channel.name,
                "team_id": ws.team_id,
                "share_user_id": share.person,
                "source": "UNKNOWN",
            }
        )
    return grouped


def _thumbs_json(base: str, size_px: tuple[int, int]) -> Json:
    thumbs: Json = {}
    for side_px in THUMB_SIDES_PX:
        # Slack makes no thumbnail larger than the picture, apart from the square ones.
        if side_px in SQUARE_THUMB_SIDES_PX:
            thumbs[f"thumb_{side_px}"] = f"{base}/{side_px}.jpg"
        elif side_px == THUMB_SIDES_PX[len(SQUARE_THUMB_SIDES_PX)] or side_px <= max(size_px):
            scale = min(1.0, side_px / max(size_px))
            width, height = (max(1, round(side * scale)) for side in size_px)
            thumbs[f"thumb_{side_px}"] = f"{base}/{side_px}.jpg"
            thumbs |= {f"thumb_{side_px}_w": width, f"thumb_{side_px}_h": height}
    return thumbs


def files_json(ws: Workspace, ids: tuple[FileId, ...]) -> list[Json]:
    """The `files` of a message."""
    return [listed_file_json(ws, ws.files[file_id]) for file_id in ids]


def message_json(ws: Workspace, message: Message) -> Json:
    """A message object, as conversations.history gives it."""
    author = ws.people[message.author]
    shape: Json = {
        "type": "message",
        "user": message.author,
        "text": message.text,
        "ts": message.ts,
        "team": ws.team_id,
    }
    if message.subtype:
        shape["subtype"] = message.subtype
    if message.blocks:
        shape["blocks"] = list(message.blocks)
    if message.files:
        shape |= {"files": files_json(ws, message.files), "upload": True}
    if message.thread_ts:
        shape["thread_ts"] = message.thread_ts
    if message.edited_ts:
        shape["edited"] = {"user": message.author, "ts": message.edited_ts}
    if author.is_bot:
        profile = {"id": ws.bot_id, "app_id": ws.app_id, "name": author.name, "deleted": False}
        shape |= {"bot_id": ws.bot_id, "app_id": ws.app_id, "bot_profile": profile}
    return shape


def view_json(ws: Workspace, view: View, *, state: Json | None = None) -> Json:
    """A view object, as views.open gives it and as payloads carry it."""
    defaults: Json = {
        "callback_id": "",
        "private_metadata": "",
        "external_id": "",
        "title": None,
        "close": None,
        "submit": None,
        "clear_on_close": False,
        "notify_on_close": False,
    }
    fixed: Json = {
        "id": view.id,
        "team_id": ws.team_id,
        "hash": view.hash,
        "state": {"values": state or {}},
        "previous_view_id": view.previous_id,
        "root_view_id": view.root_id,
        "app_id": ws.app_id,
        "app_installed_team_id": ws.team_id,
        "bot_id": ws.bot_id,
    }
    return defaults | view.content | fixed


def permalink(ws: Workspace, message: Message) -> str:
    """The address of a message; the sandbox answers it with a small page."""
    return f"{ws.origin}/archives/{message.channel}/p{message.ts.replace('.', '')}"
