"""chat.*: the bot's own messages."""

from __future__ import annotations

from dataclasses import replace

from bot.sandbox import changes
from bot.sandbox.block_checks import MESSAGE_CHARACTERS_MAX, characters
from bot.sandbox.calls import ApiError, Call
from bot.sandbox.methods_files import target_channel
from bot.sandbox.model import Json, Message, Ts
from bot.sandbox.render import message_json, permalink
from bot.sandbox.state import Missing

TEXT_MAX = 40_000


def _content(call: Call) -> tuple[str, tuple[Json, ...]]:
    blocks = call.blocks()
    text = call.optional("text")
    if not text and not blocks:
        raise ApiError("no_text")
    if len(text) > TEXT_MAX:
        raise ApiError("msg_too_long")
    if characters(list(blocks or ())) > MESSAGE_CHARACTERS_MAX:
        raise ApiError("msg_blocks_too_long")
    return text, blocks or ()


def chat_post_message(call: Call) -> Json:
    """Post in a channel the bot is in, or to a person."""
    ws = call.ws
    channel = target_channel(call)
    text, blocks = _content(call)
    message = Message(
        channel=channel.id,
        ts=ws.new_ts(),
        author=ws.bot_user_id,
        text=text,
        blocks=blocks,
        thread_ts=Ts(call.optional("thread_ts")) or None,
    )
    changes.post(ws, message)
    return {"channel": channel.id, "ts": message.ts, "message": message_json(ws, message)}


def chat_post_ephemeral(call: Call) -> Json:
    """Show a message to one member of a channel."""
    ws, channel = call.ws, target_channel(call)
    person = call.person()
    if person.id not in channel.members:
        raise ApiError("user_not_in_channel")
    text, blocks = _content(call)
    message = Message(
        channel=channel.id,
        ts=ws.new_ts(),
        author=ws.bot_user_id,
        text=text,
        blocks=blocks,
        visible_to=person.id,
    )
    changes.post(ws, message)
    return {"message_ts": message.ts}


def _message(call: Call, *, ts_name: str = "ts") -> Message:
    channel = call.channel(reads=None)
    try:
        message = call.ws.message(channel.id, call.text(ts_name))
    except Missing as e:
        raise ApiError("message_not_found") from e
    if message.is_ephemeral:
        # Slack keeps no ephemeral messages: the Web API can't reach one again.
        raise ApiError("message_not_found")
    return message


def chat_update(call: Call) -> Json:
    """Replace the content of a message of the bot's; text alone drops the blocks it had.

    Only a message without blocks is marked as edited.
    """
    ws, before = call.ws, _message(call)
    if before.author != ws.bot_user_id:
        raise ApiError("cant_update_message")
    text, blocks = _content(call)
    edited_ts = before.edited_ts if blocks else ws.new_ts()
    after = replace(before, text=text, blocks=blocks, edited_ts=edited_ts)
    changes.edit(ws, before, after)
    shape: Json = {"channel": after.channel, "ts": after.ts, "text": after.text}
    return shape | {"message": message_json(ws, after)}


def chat_delete(call: Call) -> Json:
    """Delete a message of the bot's."""
    message = _message(call)
    if message.author != call.ws.bot_user_id:
        raise ApiError("cant_delete_message")
    changes.remove(call.ws, message)
    return {"channel": message.channel, "ts": message.ts}


def chat_get_permalink(call: Call) -> Json:
    """The address of a message."""
    message = _message(call, ts_name="message_ts")
    return {"channel": message.channel, "permalink": permalink(call.ws, message)}
