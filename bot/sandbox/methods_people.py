"""auth.*, bots.*, team.*, users.*: who is who."""

from __future__ import annotations

from bot.sandbox.calls import SCOPE_FAMILY, ApiError, Call
from bot.sandbox.model import SLACKBOT, Channel, ChannelKind, Json, PersonId
from bot.sandbox.render import channel_json, person_json, profile_json


def auth_test(call: Call) -> Json:
    """Who the bot is."""
    ws = call.ws
    return {
        "url": f"{ws.origin}/",
        "team": ws.name,
        "user": ws.people[ws.bot_user_id].name,
        "team_id": ws.team_id,
        "user_id": ws.bot_user_id,
        "bot_id": ws.bot_id,
        "is_enterprise_install": False,
    }


def bots_info(call: Call) -> Json:
    """The bot, which is the only one here."""
    ws = call.ws
    if call.optional("bot") not in {"", ws.bot_id}:
        raise ApiError("bot_not_found")
    bot = ws.people[ws.bot_user_id]
    icons = {key: url for key, url in profile_json(ws, bot).items() if key.startswith("image_")}
    shape: Json = {"id": ws.bot_id, "deleted": False, "name": bot.name, "updated": bot.updated_s}
    return {"bot": shape | {"app_id": ws.app_id, "user_id": ws.bot_user_id, "icons": icons}}


def team_info(call: Call) -> Json:
    """The workspace itself."""
    ws = call.ws
    team = {"id": ws.team_id, "name": ws.name, "domain": "sandbox", "email_domain": ""}
    return {"team": team | {"url": f"{ws.origin}/", "icon": {"image_default": True}}}


def users_info(call: Call) -> Json:
    """One person."""
    return {"user": person_json(call.ws, call.person())}


def users_list(call: Call) -> Json:
    """All people, Slackbot and the deactivated included."""
    people = sorted(call.ws.people.values(), key=lambda person: (person.id != SLACKBOT, person.id))
    found, metadata = call.page(people, lambda person: person.id)
    members = [person_json(call.ws, person) for person in found]
    return {"members": members, "cache_ts": int(call.ws.clock())} | metadata


def users_conversations(call: Call) -> Json:
    """The bot's channels, or those of `user`: of their private ones only those with the bot in.

    Needs the read scope of every kind of channel that `types` names.
    """
    ws = call.ws
    person = call.person().id if call.optional("user") else ws.bot_user_id
    channels = [c for c in listed_channels(call) if person in c.members]
    found, metadata = call.page(channels, lambda channel: channel.id)
    shapes = [channel_json(ws, channel) for channel in found]
    for shape in shapes:
        # Slack leaves these out of users.conversations.
        shape.pop("is_member", None)
        shape.pop("num_members", None)
    return {"channels": shapes} | metadata


def listed_channels(call: Call) -> list[Channel]:
    """The channels that the bot may list, by the arguments `types` and `exclude_archived`.

    Raises ApiError.
    """
    ws = call.ws
    kinds = _kinds(call)
    for kind in kinds:
        call.need_scope(f"{SCOPE_FAMILY[kind]}:read")
    return [
        channel
        for channel in sorted(ws.channels.values(), key=lambda channel: channel.id)
        if channel.kind in kinds
        and (channel.kind is ChannelKind.PUBLIC or ws.bot_is_in(channel.id))
        and not (channel.is_archived and call.flag("exclude_archived"))
    ]


def _kinds(call: Call) -> list[ChannelKind]:
    named = call.optional("types") or ChannelKind.PUBLIC.value
    kinds = []
    for name in named.split(","):
        if name.strip() == "mpim":
            continue  # Group direct messages exist in Slack but not here.
        try:
            kinds.append(ChannelKind(name.strip()))
        except ValueError as e:
            raise ApiError("invalid_types") from e
    return kinds


def person_ids(text: str) -> list[PersonId]:
    """The ids in a comma-separated argument."""
    return [PersonId(part.strip()) for part in text.split(",") if part.strip()]
