"""Events -> frozen values. Slack sends ids, and may send each event several times."""

from dataclasses import dataclass

from bot.payloads.objects import Json, Profile, is_gone, profile
from pipeline.domain.model import ChannelId, FileId, TeamId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEvent:
    """`file_shared`, `file_unshared` and `file_deleted`: Slack sends ids only."""

    team_id: TeamId
    file_id: FileId
    channel_id: ChannelId | None

    @classmethod
    def from_body(cls, body: Json) -> "FileEvent":
        """From the envelope of an event."""
        event = body["event"]
        channel = event.get("channel_id")
        return cls(
            team_id=_our_team(body),
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
            team_id=_our_team(body),
            user_id=UserId(user) if user else None,
            channel_id=ChannelId(event["channel"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelEvent:
    """Something happened to a channel; what it is now, Slack is to be asked."""

    team_id: TeamId
    channel_id: ChannelId

    @classmethod
    def from_body(cls, body: Json) -> "ChannelEvent":
        """From the envelope of an event; that of a rename holds more than the id."""
        channel = body["event"]["channel"]
        channel_id = channel if isinstance(channel, str) else channel["id"]
        return cls(team_id=_our_team(body), channel_id=ChannelId(channel_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedUser:
    """`user_change`: the person as they are now."""

    team_id: TeamId
    user_id: UserId
    profile: Profile

    @classmethod
    def from_body(cls, body: Json) -> "ChangedUser":
        """From the envelope of an event."""
        user = body["event"]["user"]
        return cls(team_id=_our_team(body), user_id=UserId(user["id"]), profile=profile(user))


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokedTokens:
    """`tokens_revoked`: whose tokens, by their users."""

    team_id: TeamId
    bot_user_ids: tuple[UserId, ...]

    @classmethod
    def from_body(cls, body: Json) -> "RevokedTokens":
        """From the envelope of an event; each kind of token may be missing."""
        users = (body["event"].get("tokens") or {}).get("bot") or ()
        return cls(
            team_id=_our_team(body),
            bot_user_ids=tuple(UserId(user) for user in users),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedMessage:
    """A message that is gone, and the photos' share with it."""

    team_id: TeamId
    channel_id: ChannelId
    ts: str
    file_ids: tuple[FileId, ...]
    """What it showed and may be a photo; of a deleted file another event tells."""

    @classmethod
    def from_body(cls, body: Json) -> "DeletedMessage | None":
        """From the envelope of a `message` event; None for any but a deletion."""
        event = body["event"]
        if event.get("subtype") != "message_deleted":
            return None
        files = (event.get("previous_message") or {}).get("files") or ()
        return cls(
            team_id=_our_team(body),
            channel_id=ChannelId(event["channel"]),
            ts=event["deleted_ts"],
            file_ids=tuple(FileId(file["id"]) for file in files if _may_be_photo(file)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeOpened:
    """`app_home_opened`; the event comes for the messages tab too."""

    team_id: TeamId
    user_id: UserId
    is_home: bool

    @classmethod
    def from_body(cls, body: Json) -> "HomeOpened":
        """From the envelope of an event."""
        event = body["event"]
        return cls(
            team_id=_our_team(body),
            user_id=UserId(event["user"]),
            is_home=event.get("tab") == "home",
        )


def _our_team(body: Json) -> TeamId:
    """The workspace to which an event was sent, as Bolt finds it (`extract_team_id`).

    In a channel that another workspace made (Slack Connect), the envelope itself names that one. An
    authorization of a whole organisation may name none.
    """
    for authorization in (body.get("authorizations") or ())[:1]:
        if authorization.get("team_id"):
            return TeamId(authorization["team_id"])
    return TeamId(body["team_id"])


def _may_be_photo(file: Json) -> bool:
    """Whether the file is there, and Slack doesn't call it anything but an image."""
    return not is_gone(file) and (file.get("mimetype") or "image/").startswith("image/")
