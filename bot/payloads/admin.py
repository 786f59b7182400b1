"""`/findme-admin` -> frozen requests."""

import re
from dataclasses import dataclass
from typing import TypeAlias

from bot.mrkdwn import escape, shortened
from pipeline.domain.model import ChannelId, UserId
from pipeline.errors import UsageError

_PERSON = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
_CHANNEL = re.compile(r"<#([CG][A-Z0-9]+)(?:\|[^>]*)?>")

ADMIN_USAGE = (
    "Try `/findme-admin` for the panel, or `/findme-admin status`, `reindex [#channel]`, "
    "`channels add #channel`, `channels remove #channel`, `forget @person`, `audit`."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelRequest:
    """`/findme-admin`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRequest:
    """`/findme-admin status`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReindexRequest:
    """`/findme-admin reindex [#channel]`."""

    channel_id: ChannelId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddChannelRequest:
    """`/findme-admin channels add #channel`."""

    channel_id: ChannelId


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveChannelRequest:
    """`/findme-admin channels remove #channel`."""

    channel_id: ChannelId


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetRequest:
    """`/findme-admin forget @person`."""

    user_id: UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRequest:
    """`/findme-admin audit`."""


AdminRequest: TypeAlias = (
    PanelRequest
    | StatusRequest
    | ReindexRequest
    | AddChannelRequest
    | RemoveChannelRequest
    | ForgetRequest
    | AuditRequest
)


def admin_request(text: str) -> AdminRequest:
    """Raises UsageError for a text that is no command, saying which are."""
    words = text.split()
    channel = _CHANNEL.fullmatch(words[-1]) if words else None
    person = _PERSON.fullmatch(words[-1]) if words else None
    request: AdminRequest | None = None
    match [word.lower() for word in words]:
        case []:
            request = PanelRequest()
        case ["status"]:
            request = StatusRequest()
        case ["audit"]:
            request = AuditRequest()
        case ["reindex"]:
            request = ReindexRequest(channel_id=None)
        case ["reindex", _] if channel:
            request = ReindexRequest(channel_id=ChannelId(channel[1]))
        case ["channels", "add", _] if channel:
            request = AddChannelRequest(channel_id=ChannelId(channel[1]))
        case ["channels", "remove", _] if channel:
            request = RemoveChannelRequest(channel_id=ChannelId(channel[1]))
        case ["forget", _] if person:
            request = ForgetRequest(user_id=UserId(person[1]))
        case _:
            pass
    if request is None:
        raise UsageError(f"I don't understand “{escape(shortened(text, 80))}”. {ADMIN_USAGE}")
    return request
