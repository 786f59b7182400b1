"""conversations.*: channels, their members and their messages."""

from __future__ import annotations

from bot.sandbox import changes
from bot.sandbox.calls import ApiError, Call
from bot.sandbox.methods_people import listed_channels, person_ids
from bot.sandbox.model import ChannelKind, Json, Message
from bot.sandbox.render import channel_json, message_json
from bot.sandbox.state import seconds_of


def conversations_info(call: Call) -> Json:
    """One channel."""
    channel = call.channel()
    shape = channel_json(call.ws, channel)
    if not call.flag("include_num_members"):
        shape.pop("num_members", None)
    return {"channel": shape}


def conversations_list(call: Call) -> Json:
    """All public channels, and the private ones that the bot is in."""
    found, metadata = call.page(listed_channels(call), lambda channel: channel.id)
    return {"channels": [channel_json(call.ws, channel) for channel in found]} | metadata


def conversations_members(call: Call) -> Json:
    """The ids of a channel's members."""
    found, metadata = call.page(call.channel().members, str)
    return {"members": found} | metadata


def conversations_history(call: Call) -> Json:
    """A channel's messages, newest first; the bot must be a member.

    `oldest` and `latest` are exclusive unless `inclusive` is set.
    """
    ws, channel = call.ws, call.channel(reads="history")
    if not ws.bot_is_in(channel.id):
        raise ApiError("not_in_channel")
    messages = [m for m in reversed(ws.messages_in(channel.id)) if _is_asked_for(call, m)]
    found, metadata = call.page(messages, lambda message: message.ts)
    has_more = bool(metadata["response_metadata"]["next_cursor"])
    shape: Json = {
        "messages": [message_json(ws, message) for message in found],
        "has_more": has_more,
        "pin_count": 0,
        "channel_actions_ts": None,
        "channel_actions_count": 0,
    }
    return shape | (metadata if has_more else {})


def _is_asked_for(call: Call, message: Message) -> bool:
    if message.is_ephemeral:
        return False
    try:
        oldest = seconds_of(call.optional("oldest") or "0")
        latest = seconds_of(call.optional("latest") or "inf")
    except ValueError as e:
        raise ApiError("invalid_ts_oldest") from e
    at = seconds_of(message.ts)
    if call.flag("inclusive"):
        return oldest <= at <= latest
    return oldest < at < latest


def conversations_open(call: Call) -> Json:
    """The direct conversation with one person, opened if need be."""
    ws = call.ws
    if call.optional("channel"):
        channel = call.channel(reads=None)
        return {"no_op": True, "already_open": True, "channel": {"id": channel.id}}
    ids = person_ids(call.optional("users"))
    if len(ids) != 1:
        # Conversations of several people are not part of the sandbox.
        raise ApiError("users_list_not_supplied" if not ids else "not_enough_users")
    person = ws.people.get(ids[0])
    if person is None:
        raise ApiError("user_not_found")
    if person.is_deleted:
        raise ApiError("user_disabled")
    known = ws.direct_channel(person.id)
    channel = changes.open_direct(ws, person.id)
    shape = channel_json(ws, channel) if call.flag("return_im") else {"id": channel.id}
    already = {"no_op": True, "already_open": True} if known else {}
    return {"channel": shape} | already


def conversations_join(call: Call) -> Json:
    """Make the bot a member of a public channel."""
    ws, channel = call.ws, call.channel(reads=None)
    if channel.kind is not ChannelKind.PUBLIC:
        raise ApiError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise ApiError("is_archived")
    if ws.bot_is_in(channel.id):
        return {"channel": channel_json(ws, channel), "warning": "already_in_channel"}
    changes.add_member(ws, channel.id, ws.bot_user_id)
    return {"channel": channel_json(ws, ws.channels[channel.id])}
