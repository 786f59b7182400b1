"""Slack's JSON -> frozen requests and values. The only place that indexes payloads."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from bot.mrkdwn import escape, shortened
from pipeline.domain.model import (
    Channel,
    ChannelId,
    FileId,
    FoundPhoto,
    ProfilePicture,
    Share,
    TeamId,
    UserId,
)
from pipeline.errors import NoProfilePictureError, UsageError

Json: TypeAlias = Mapping[str, Any]

_PERSON = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
_CHANNEL = re.compile(r"<#([CG][A-Z0-9]+)(?:\|[^>]*)?>")
_ME = {"", "me"}

FIND_USAGE = "Try `/findme`, `/findme @colleague` or `/findme help`."
ADMIN_USAGE = (
    "Try `/findme-admin status`, `/findme-admin reindex` or `/findme-admin reindex #channel`."
)

# From the largest on; Slack makes the numbered ones, `original` is what was uploaded.
_PICTURE_SIZES = ("original", "1024", "512", "192", "72")


@dataclass(frozen=True, slots=True, kw_only=True)
class FindRequest:
    """`/findme`: whose photos does who want? `first` counts the matches already shown."""

    team_id: TeamId
    asker: UserId
    target: UserId
    first: int = 0

    @classmethod
    def from_command(cls, command: Json) -> "FindRequest | HelpRequest":
        """Raises UsageError for a text that is no command, saying which are."""
        text = command["text"].strip() if command.get("text") else ""
        asker = UserId(command["user_id"])
        team_id = TeamId(command["team_id"])
        if text.lower() == "help":
            return HelpRequest()
        if text.lower() in _ME:
            return cls(team_id=team_id, asker=asker, target=asker)
        person = _PERSON.fullmatch(text)
        if person:
            return cls(team_id=team_id, asker=asker, target=UserId(person[1]))
        raise UsageError(f"I don't understand “{escape(shortened(text, 80))}”. {FIND_USAGE}")

    @classmethod
    def from_more(cls, body: Json) -> "FindRequest":
        """A click on *More*: its button carries whose photos, and how many were shown."""
        value = json.loads(body["actions"][0]["value"])
        return cls(
            team_id=TeamId(body["team"]["id"]),
            asker=UserId(body["user"]["id"]),
            target=UserId(value["target"]),
            first=int(value["first"]),
        )

    def more_value(self, first: int) -> str:
        """What the *More* button carries."""
        return json.dumps({"target": self.target, "first": first})


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpRequest:
    """`/findme help`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReindexRequest:
    """`/findme-admin reindex [#channel]`."""

    team_id: TeamId
    admin: UserId
    channel_id: ChannelId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRequest:
    """`/findme-admin status`."""

    team_id: TeamId
    admin: UserId


def admin_request(command: Json) -> ReindexRequest | StatusRequest:
    """Raises UsageError for a text that is no command, saying which are."""
    words = (command.get("text") or "").split()
    team_id, admin = TeamId(command["team_id"]), UserId(command["user_id"])
    match [word.lower() for word in words[:1]], words[1:]:
        case ["status"], []:
            return StatusRequest(team_id=team_id, admin=admin)
        case ["reindex"], []:
            return ReindexRequest(team_id=team_id, admin=admin, channel_id=None)
        case ["reindex"], [word] if channel := _CHANNEL.fullmatch(word):
            return ReindexRequest(team_id=team_id, admin=admin, channel_id=ChannelId(channel[1]))
    raise UsageError(
        f"I don't understand “{escape(shortened(' '.join(words), 80))}”. {ADMIN_USAGE}"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEvent:
    """`file_shared` and `file_deleted`: Slack sends ids only."""

    team_id: TeamId
    file_id: FileId
    channel_id: ChannelId | None

    @classmethod
    def from_body(cls, body: Json) -> "FileEvent":
        """From the envelope of an event."""
        event = body["event"]
        channel = event.get("channel_id")
        return cls(
            team_id=TeamId(body["team_id"]),
            file_id=FileId(event["file_id"]),
            channel_id=ChannelId(channel) if channel else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipEvent:
    """Somebody (or the bot) came into or left a channel."""

    team_id: TeamId
    user_id: UserId | None
    channel_id: ChannelId

    @classmethod
    def from_body(cls, body: Json) -> "MembershipEvent":
        """From the envelope of an event."""
        event = body["event"]
        user = event.get("user")
        return cls(
            team_id=TeamId(body["team_id"]),
            user_id=UserId(user) if user else None,
            channel_id=ChannelId(event["channel"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedMessage:
    """A message that is gone, and the photos' share with it."""

    team_id: TeamId
    channel_id: ChannelId
    ts: str

    @classmethod
    def from_body(cls, body: Json) -> "DeletedMessage | None":
        """From the envelope of a `message` event; None for any but a deletion."""
        event = body["event"]
        if event.get("subtype") != "message_deleted":
            return None
        return cls(
            team_id=TeamId(body["team_id"]),
            channel_id=ChannelId(event["channel"]),
            ts=event["deleted_ts"],
        )


def found_photo(file: Json, *, team_url: str) -> FoundPhoto:
    """A file object as a photo; `team_url` ends in a slash."""
    created = datetime.fromtimestamp(file["created"], UTC)
    return FoundPhoto(
        file_id=FileId(file["id"]),
        name=file.get("title") or file.get("name") or file["id"],
        media_type=file.get("mimetype") or "",
        url=file.get("url_private_download") or file.get("url_private"),
        version="1",  # an image in Slack never changes: another upload is another file
        posted_by=_user(file.get("user")),
        posted_at=created,
        shares=list(_shares(file, team_url)),
    )


def is_to_be_asked_for(file: Json) -> bool:
    """Whether Slack held the file's facts back (Slack Connect); `files.info` has them."""
    return file.get("file_access") == "check_file_info"


def is_gone(file: Json) -> bool:
    """Whether the file object is only a tombstone."""
    return file.get("mode") == "tombstone" or file.get("file_access") == "file_not_found"


def provisional_share(photo: FoundPhoto, file: Json, channel_id: ChannelId) -> Share:
    """Stands for a message that Slack does not name yet: it links to the file itself."""
    return Share(
        channel_id=channel_id,
        ts="",
        permalink=file.get("permalink") or "",
        shared_by=photo.posted_by,
        shared_at=photo.posted_at,
    )


def profile_picture(user: Json) -> ProfilePicture:
    """The largest picture of a person. Raises NoProfilePictureError for Slack's default one."""
    profile = user["profile"]
    if not profile.get("is_custom_image"):
        raise NoProfilePictureError
    for size in _PICTURE_SIZES:
        url = profile.get(f"image_{size}")
        if url:
            return ProfilePicture(picture_hash=profile.get("avatar_hash") or url, url=url)
    raise NoProfilePictureError


def is_workspace_admin(user: Json) -> bool:
    """Admins and owners of the workspace."""
    return bool(user.get("is_admin") or user.get("is_owner"))


def channels(page: Json) -> Sequence[Channel]:
    """A page of conversations."""
    return [
        Channel(channel_id=ChannelId(channel["id"]), name=channel.get("name") or channel["id"])
        for channel in page["channels"]
    ]


def _shares(file: Json, team_url: str) -> Iterator[Share]:
    for where in (file.get("shares") or {}).values():
        for channel_id, appearances in where.items():
            for appearance in appearances:
                ts = appearance["ts"]
                yield Share(
                    channel_id=ChannelId(channel_id),
                    ts=ts,
                    permalink=f"{team_url}archives/{channel_id}/p{ts.replace('.', '')}",
                    shared_by=_user(appearance.get("share_user_id") or file.get("user")),
                    shared_at=datetime.fromtimestamp(float(ts), UTC),
                )


def _user(value: str | None) -> UserId | None:
    return UserId(value) if value else None
