"""What can happen in a workspace, whoever does it.

Each function changes the state and tells the listeners, as Slack would. It takes what is already
allowed and looked up; who may do what is for the caller.
"""

from __future__ import annotations

from dataclasses import replace

from bot.sandbox import pictures
from bot.sandbox.model import (
    ELSEWHERE,
    Channel,
    ChannelId,
    ChannelKind,
    FileId,
    Json,
    Message,
    PersonId,
    Share,
    SharedFile,
)
from bot.sandbox.render import message_json, person_json
from bot.sandbox.state import Workspace

_CHANNEL_TYPES = {
    ChannelKind.PUBLIC: "channel",
    ChannelKind.PRIVATE: "group",
    ChannelKind.DIRECT: "im",
}
# Membership events tell a channel by one letter.
_CHANNEL_LETTERS = {ChannelKind.PUBLIC: "C", ChannelKind.PRIVATE: "G", ChannelKind.DIRECT: "D"}


def open_direct(ws: Workspace, person: PersonId) -> Channel:
    """Give the conversation between the bot and a person, opening it if need be."""
    with ws.change():
        channel = ws.direct_channel(person)
        if channel is None:
            channel = Channel(
                id=ChannelId(ws.new_id("D")),
                name="directmessage",
                kind=ChannelKind.DIRECT,
                creator=ws.bot_user_id,
                created_s=int(ws.clock()),
                members=(ws.bot_user_id, person),
            )
            ws.channels[channel.id] = channel
        return channel


def add_member(
    ws: Workspace, channel: ChannelId, person: PersonId, *, inviter: PersonId | None = None
) -> None:
    """Make a person (or the bot) a member; fires `member_joined_channel`."""
    with ws.change():
        before = ws.channels[channel]
        if person in before.members:
            return
        ws.channels[channel] = replace(before, members=(*before.members, person))
        event = _membership_event(ws, "member_joined_channel", before, person)
        ws.emit(event | ({"inviter": inviter} if inviter else {}), channel=channel)


def remove_member(ws: Workspace, channel: ChannelId, person: PersonId, *, actor: PersonId) -> None:
    """End a membership; the bot hears `channel_left` or `group_left` of its own."""
    with ws.change():
        before = ws.channels[channel]
        if person not in before.members:
            return
        forget_member(ws, channel, person)
        if person == ws.bot_user_id:
            kind = "channel_left" if before.kind is ChannelKind.PUBLIC else "group_left"
            event = {"type": kind, "channel": channel, "actor_id": actor, "event_ts": ws.new_ts()}
            ws.emit(event)
        else:
            event = _membership_event(ws, "member_left_channel", before, person)
            ws.emit(event, channel=channel)


def forget_member(ws: Workspace, channel: ChannelId, person: PersonId) -> None:
    """End a membership without a word."""
    with ws.change():
        before = ws.channels[channel]
        members = tuple(member for member in before.members if member != person)
        ws.channels[channel] = replace(before, members=members)


def _membership_event(ws: Workspace, kind: str, channel: Channel, person: PersonId) -> Json:
    return {
        "type": kind,
        "user": person,
        "channel": channel.id,
        "channel_type": _CHANNEL_LETTERS[channel.kind],
        "team": ws.team_id,
        "event_ts": ws.new_ts(),
    }


def archive(ws: Workspace, channel: ChannelId, *, actor: PersonId) -> None:
    """Close a channel; fires `channel_archive` or `group_archive`."""
    with ws.change():
        before = ws.channels[channel]
        if before.is_archived:
            return
        ws.channels[channel] = replace(before, is_archived=True)
        _emit_of_channel(ws, "archive", before, user=actor)


def unarchive(ws: Workspace, channel: ChannelId, *, actor: PersonId) -> None:
    """Open it again; fires `channel_unarchive` or `group_unarchive`.

    A private channel gets its members back, a public one doesn't
    (https://slack.com/help/articles/213185307).
    """
    with ws.change():
        before = ws.channels[channel]
        kept = () if before.kind is ChannelKind.PUBLIC else before.members
        members = dict.fromkeys([*kept, actor])
        ws.channels[channel] = replace(before, is_archived=False, members=tuple(members))
        _emit_of_channel(ws, "unarchive", before, user=actor)


def rename(ws: Workspace, channel: ChannelId, name: str) -> None:
    """Give a channel another name; fires `channel_rename`, which tells of it in full."""
    with ws.change():
        before = ws.channels[channel]
        ws.channels[channel] = replace(before, name=name)
        told = {"id": channel, "name": name, "created": before.created_s}
        _emit_of_channel(ws, "rename", before, channel=told)


def delete(ws: Workspace, channel: ChannelId, *, actor: PersonId) -> None:
    """Delete a channel with its messages; fires `channel_deleted`.

    Its files stay with whoever posted them, where else they are shared.
    """
    with ws.change():
        before = ws.channels.pop(channel)
        for key in [key for key in ws.messages if key[0] == channel]:
            del ws.messages[key]
        for file in list(ws.files.values()):
            shares = tuple(share for share in file.shares if share.channel != channel)
            ws.files[file.id] = replace(file, shares=shares)
        _emit_of_channel(ws, "deleted", before, actor_id=actor)


def _emit_of_channel(ws: Workspace, what: str, before: Channel, **told: object) -> None:
    """An event of a public channel comes to everybody, of a private one to its members."""
    is_public = before.kind is ChannelKind.PUBLIC
    kind = f"{'channel' if is_public else 'group'}_{what}"
    if is_public or ws.bot_user_id in before.members:
        ws.emit({"type": kind, "channel": before.id, "event_ts": ws.new_ts()} | told)


def revoke_tokens(ws: Workspace) -> None:
    """Take the bot's token away; fires `tokens_revoked`. Whatever it asks is refused from now."""
    with ws.change():
        ws.refuses_with = "token_revoked"
        ws.emit({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [ws.bot_user_id]}})


def uninstall(ws: Workspace) -> None:
    """Remove the app; fires `app_uninstalled` and `tokens_revoked`, in an order nobody promises."""
    with ws.change():
        for channel in list(ws.channels):
            forget_member(ws, channel, ws.bot_user_id)
        ws.emit({"type": "app_uninstalled"})
        revoke_tokens(ws)
        ws.refuses_with = "account_inactive"


def convert(ws: Workspace, channel: ChannelId, *, private: bool, actor: PersonId) -> None:
    """Make a channel private, or public; fires a `message` (channel_convert_to_…)."""
    with ws.change():
        kind = ChannelKind.PRIVATE if private else ChannelKind.PUBLIC
        ws.channels[channel] = replace(ws.channels[channel], kind=kind)
        word = "private" if private else "public"
        message = Message(
            channel=channel,
            ts=ws.new_ts(),
            author=actor,
            text=f"made this channel *{word}*.",
            subtype=f"channel_convert_to_{word}",
        )
        post(ws, message)


def connect(ws: Workspace, channel: ChannelId) -> None:
    """Share a channel with the other workspace; fires `channel_shared`."""
    with ws.change():
        ws.channels[channel] = replace(ws.channels[channel], is_shared=True)
        event = {"type": "channel_shared", "channel": channel, "event_ts": ws.new_ts()}
        ws.emit(event | {"connected_team_id": ELSEWHERE}, channel=channel)


def update_person(ws: Workspace, person: PersonId, **fields: object) -> None:
    """Change fields of a person; fires `user_change`."""
    with ws.change():
        changed = replace(ws.people[person], updated_s=int(ws.clock()), **fields)  # type: ignore[arg-type]
        ws.people[person] = changed
        event = {"type": "user_change", "user": person_json(ws, changed), "event_ts": ws.new_ts()}
        ws.emit(event)


def post(ws: Workspace, message: Message) -> Message:
    """Add a message; an ephemeral one fires nothing, any other a `message` event."""
    with ws.change():
        ws.messages[message.channel, message.ts] = message
        if not message.is_ephemeral:
            ws.emit(_message_event(ws, message), channel=message.channel)
        return message


def edit(ws: Workspace, before: Message, after: Message) -> Message:
    """Replace a message's content in its place; fires `message_changed`."""
    with ws.change():
        ws.messages[after.channel, after.ts] = after
        if not after.is_ephemeral:
            event = _hidden_event(ws, "message_changed", after.channel) | {
                "message": message_json(ws, after),
                "previous_message": message_json(ws, before),
            }
            ws.emit(event, channel=after.channel)
        return after


def remove(ws: Workspace, message: Message) -> None:
    """Delete a message; its files are no longer shared by it. Fires `message_deleted`."""
    with ws.change():
        event = _hidden_event(ws, "message_deleted", message.channel) | {
            "deleted_ts": message.ts,
            "previous_message": message_json(ws, message),
        }
        del ws.messages[message.channel, message.ts]
        unshared = [file_id for file_id in message.files if _unshare(ws, message, file_id)]
        if not message.is_ephemeral:
            ws.emit(event, channel=message.channel)
        for file_id in unshared:
            _emit_unshared(ws, file_id, message)


def take_out(ws: Workspace, message: Message, file_id: FileId) -> None:
    """Remove one file from a message; fires `file_unshared`. An empty message goes, too."""
    with ws.change():
        rest = tuple(each for each in message.files if each != file_id)
        if not rest and not message.text:
            remove(ws, message)
            return
        _unshare(ws, message, file_id)
        edit(ws, message, replace(message, files=rest))
        _emit_unshared(ws, file_id, message)


def _unshare(ws: Workspace, message: Message, file_id: FileId) -> bool:
    """End one appearance of a file; False of a file that is deleted."""
    file = ws.files[file_id]
    shares = tuple(s for s in file.shares if (s.channel, s.ts) != message_key(message))
    ws.files[file_id] = replace(file, shares=shares)
    return not file.is_deleted


def _emit_unshared(ws: Workspace, file_id: FileId, message: Message) -> None:
    event = {
        "type": "file_unshared",
        "file_id": file_id,
        "user_id": message.author,
        "file": {"id": file_id},
        "channel_id": message.channel,
        "event_ts": ws.new_ts(),
    }
    ws.emit(event, channel=message.channel)


def message_key(message: Message) -> tuple[ChannelId, str]:
    """What tells one message from all others."""
    return message.channel, message.ts


def add_file(
    ws: Workspace,
    *,
    name: str,
    data: bytes,
    uploader: PersonId,
    title: str = "",
    alt_text: str = "",
    file_id: FileId | None = None,
    is_foreign: bool = False,
) -> SharedFile:
    """Store a file that nobody but its owner sees yet."""
    with ws.change():
        file = SharedFile(
            id=file_id or FileId(ws.new_id("F")),
            name=name,
            title=title or name,
            data=data,
            uploader=uploader,
            created_s=int(ws.clock()),
            size_px=pictures.size_px(data),
            alt_text=alt_text,
            is_foreign=is_foreign,
        )
        ws.files[file.id] = file
        return file


def share(
    ws: Workspace, files: tuple[FileId, ...], channel: ChannelId, person: PersonId, text: str = ""
) -> Message:
    """Post files in a channel; fires `message` (file_share) and one `file_shared` for each."""
    with ws.change():
        message = Message(
            channel=channel,
            ts=ws.new_ts(),
            author=person,
            text=text,
            files=files,
            subtype="file_share",
        )
        appearance = Share(channel=channel, ts=message.ts, person=person)
        for file_id in files:
            file = ws.files[file_id]
            ws.files[file_id] = replace(file, shares=(*file.shares, appearance))
        post(ws, message)
        for file_id in files:
            event = {
                "type": "file_shared",
                "file_id": file_id,
                "user_id": person,
                "file": {"id": file_id},
                "channel_id": channel,
                "event_ts": ws.new_ts(),
            }
            ws.emit(event, channel=channel)
        return message


def remove_file(ws: Workspace, file: SharedFile) -> None:
    """Delete a file everywhere.

    Fires `file_deleted`; a message of which it was all is deleted, any other keeps a tombstone.
    """
    with ws.change():
        channels = sorted({share.channel for share in file.shares})
        heard = next((channel for channel in channels if ws.bot_is_in(channel)), None)
        event = {
            "type": "file_deleted",
            "file_id": file.id,
            "channel_ids": channels,
            "event_ts": ws.new_ts(),
        }
        holders = [ws.messages[s.channel, s.ts] for s in file.shares]
        ws.files[file.id] = replace(file, data=b"", shares=(), is_deleted=True)
        if heard or file.uploader == ws.bot_user_id:
            ws.emit(event, channel=heard)
        for message in holders:
            if message.text or any(not ws.files[f].is_deleted for f in message.files):
                edit(ws, message, message)
            else:
                remove(ws, message)


def _message_event(ws: Workspace, message: Message) -> Json:
    return message_json(ws, message) | {
        "channel": message.channel,
        "channel_type": _CHANNEL_TYPES[ws.channels[message.channel].kind],
        "event_ts": message.ts,
    }


def _hidden_event(ws: Workspace, subtype: str, channel: ChannelId) -> Json:
    ts = ws.new_ts()
    return {
        "type": "message",
        "subtype": subtype,
        "hidden": True,
        "channel": channel,
        "channel_type": _CHANNEL_TYPES[ws.channels[channel].kind],
        "ts": ts,
        "event_ts": ts,
    }
