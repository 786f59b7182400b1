"""Events -> frozen values. Slack sends ids, and may send each event several times."""

from dataclasses import dataclass

from bot.payloads.objects import Json, Profile, profile
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
class ChannelEvent:
    """Something happened to a channel; what it is now, Slack is to be asked."""

    team_id: TeamId
    channel_id: ChannelId

    @classmethod
    def from_body(cls, body: Json) -> "ChannelEvent":
        """From the envelope of an event; that of a rename holds more than the id."""
        channel = body["event"]["channel"]
        channel_id = channel if isinstance(channel, str) else channel["id"]
        return cls(team_id=TeamId(body["team_id"]), channel_id=ChannelId(channel_id))


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
        return cls(
            team_id=TeamId(body["team_id"]), user_id=UserId(user["id"]), profile=profile(user)
        )


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
            team_id=TeamId(body["team_id"]),
            bot_user_ids=tuple(UserId(user) for user in users),
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
            team_id=TeamId(body["team_id"]),
            user_id=UserId(event["user"]),
            is_home=event.get("tab") == "home",
        )
