"""What the bot is told when a person addresses it. Nothing here changes the state."""

from __future__ import annotations

from bot.sandbox.model import Channel, ChannelKind, Invocation, Json, Message, Person, View
from bot.sandbox.render import home_of, message_json, view_json
from bot.sandbox.state import Workspace


def command(ws: Workspace, invocation: Invocation, person: Person, channel: Channel) -> Json:
    """The form of a slash command."""
    is_direct = channel.kind is ChannelKind.DIRECT
    return {
        "token": "sandbox",
        "team_id": ws.team_id,
        "team_domain": "sandbox",
        "channel_id": channel.id,
        "channel_name": "directmessage" if is_direct else _told_name(channel),
        "user_id": person.id,
        "user_name": person.name,
        "command": invocation.name,
        "text": invocation.text,
        "api_app_id": ws.app_id,
        "is_enterprise_install": "false",
        "response_url": invocation.response_url,
        "trigger_id": invocation.trigger_id,
    }


def interaction(ws: Workspace, invocation: Invocation, person: Person) -> Json:
    """What all interactions have in common."""
    user = {"id": person.id, "username": person.name, "name": person.name}
    return {
        "type": invocation.kind.value,
        "user": user | {"team_id": home_of(ws, person)},
        "api_app_id": ws.app_id,
        "token": "sandbox",
        "trigger_id": invocation.trigger_id,
        "team": {"id": ws.team_id, "domain": "sandbox"},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def place(ws: Workspace, place: Message | View, state: Json) -> Json:
    """Where a click was made, and what stands in the elements there."""
    if isinstance(place, View):
        container = {"type": "view", "view_id": place.id}
        return {"container": container, "view": view_json(ws, place, state=state)}
    channel = ws.channel(place.channel)
    shape: Json = {
        "container": {
            "type": "message",
            "message_ts": place.ts,
            "channel_id": place.channel,
            "is_ephemeral": place.is_ephemeral,
        },
        "channel": {"id": place.channel, "name": _told_name(channel)},
        "state": {"values": state},
    }
    # Slack keeps no ephemeral messages, so it can't send one back.
    return shape if place.is_ephemeral else shape | {"message": message_json(ws, place)}


def _told_name(channel: Channel) -> str:
    return "privategroup" if channel.kind is ChannelKind.PRIVATE else channel.name
