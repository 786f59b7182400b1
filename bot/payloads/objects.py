"""Slack's objects -> values of the domain: files, people, channels."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from bot.mrkdwn import plain
from pipeline.domain.model import (
    Channel,
    ChannelId,
    FileId,
    FoundPhoto,
    ProfilePicture,
    Share,
    UserId,
)
from pipeline.errors import NoProfilePictureError

Json: TypeAlias = Mapping[str, Any]

# From the largest on; Slack makes the numbered ones, `original` is what was uploaded.
_PICTURE_SIZES = ("original", "1024", "512", "192", "72")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What an answer needs to know of a person: their name, time zone and locale."""

    name: str
    time_zone: str
    offset_s: int
    locale: str
    is_deleted: bool


def profile(user: Json) -> Profile:
    """A user object; names may be empty or unseen, and the time zone missing."""
    shown = user.get("profile") or {}
    names = (
        shown.get("display_name"),
        shown.get("real_name"),
        user.get("real_name"),
        user.get("name"),
    )
    return Profile(
        name=next((seen for name in names if (seen := plain(name or ""))), "somebody"),
        time_zone=user.get("tz") or "UTC",
        offset_s=int(user.get("tz_offset") or 0),
        locale=user.get("locale") or "en",
        is_deleted=bool(user.get("deleted")),
    )


def storable(text: str) -> str:
    """The text as PostgreSQL takes it: one character that it refuses would stop a whole listing."""
    return text.replace("\x00", "").encode(errors="replace").decode()


def found_photo(file: Json, *, team_url: str) -> FoundPhoto:
    """A file object as a photo; `team_url` ends in a slash."""
    created = datetime.fromtimestamp(file["created"], UTC)
    return FoundPhoto(
        file_id=FileId(file["id"]),
        name=storable(file.get("title") or file.get("name") or "") or file["id"],
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
        Channel(
            channel_id=ChannelId(channel["id"]),
            name=storable(channel.get("name") or "") or channel["id"],
        )
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
