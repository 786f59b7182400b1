"""What one sandbox is set to: the app as Slack knows it, and Slack's own times."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

ALL_SCOPES = frozenset(
    {
        "channels:history",
        "channels:join",
        "channels:read",
        "chat:write",
        "commands",
        "files:read",
        "files:write",
        "groups:history",
        "groups:read",
        "im:history",
        "im:read",
        "im:write",
        "team:read",
        "users:read",
    }
)
"""Every scope that a method of the sandbox may ask for."""

ALL_EVENTS = frozenset(
    {
        "app_home_opened",
        "app_uninstalled",
        "channel_archive",
        "channel_deleted",
        "channel_left",
        "channel_rename",
        "channel_unarchive",
        "file_deleted",
        "file_shared",
        "file_unshared",
        "group_archive",
        "group_deleted",
        "group_left",
        "group_rename",
        "group_unarchive",
        "member_joined_channel",
        "member_left_channel",
        "message.channels",
        "message.groups",
        "message.im",
        "tokens_revoked",
        "user_change",
    }
)
"""Every event subscription that the sandbox can serve, by its name in a Slack manifest."""

DEFAULT_EVENTS = ALL_EVENTS - {"member_left_channel"}
"""What findme listens to. Bolt leaves an event without a listener unacked, so it comes again."""


def _token(*parts: str, secret_bytes: int = 12) -> str:
    return "-".join([*parts, secrets.token_hex(secret_bytes)])


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandHint:
    """What Slack shows beside a command while a person types it."""

    description: str = ""
    usage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackApp:
    """The app under test as its manifest would describe it, with its credentials.

    `scopes` are those of the bot token; `events` are subscriptions by their manifest names;
    `should_escape` is the commands' setting of that name; `hints` go by command. Where
    `messages_tab_read_only`, people can't write to the bot in its Messages tab.
    """

    name: str = "findme"
    scopes: frozenset[str] = ALL_SCOPES
    events: frozenset[str] = DEFAULT_EVENTS
    commands: tuple[str, ...] = ("/findme", "/findme-admin")
    should_escape: bool = True
    hints: Mapping[str, CommandHint] = field(default_factory=dict)
    messages_tab_read_only: bool = False
    bot_token: str = field(default_factory=lambda: _token("xoxb", "1000", "2000"), repr=False)
    app_token: str = field(default_factory=lambda: _token("xapp", "1", "A000000001"), repr=False)
    signing_secret: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any], **given: Any) -> Self:
        """Read an app manifest (https://docs.slack.dev/reference/app-manifest), already parsed.

        `given` sets further fields. Raises KeyError where the manifest lacks a part.
        """
        features = manifest["features"]
        commands = features.get("slash_commands", ())
        app_home = features.get("app_home", {})
        return cls(
            name=features["bot_user"]["display_name"],
            scopes=frozenset(manifest["oauth_config"]["scopes"]["bot"]),
            events=frozenset(manifest["settings"]["event_subscriptions"]["bot_events"]),
            commands=tuple(command["command"] for command in commands),
            should_escape=all(command.get("should_escape", False) for command in commands),
            hints={
                command["command"]: CommandHint(
                    description=command.get("description", ""),
                    usage=command.get("usage_hint", ""),
                )
                for command in commands
            },
            messages_tab_read_only=app_home.get("messages_tab_read_only_enabled", False),
            **given,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Slack's limits in time. The defaults are Slack's; tests shorten them.

    `retry_after_s` holds, for each retry of an event, the wait before it; Slack tries again at
    once, after one minute and after five (https://docs.slack.dev/apis/events-api).
    """

    ack_timeout_s: float = 3.0
    retry_after_s: tuple[float, ...] = (0.0, 60.0, 300.0)
    trigger_life_s: float = 3.0
    response_url_life_s: float = 1800.0
    response_url_uses: int = 5
