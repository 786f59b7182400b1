"""A local Slack workspace for tests and the demo.

An unmodified slack-bolt and slack_sdk run against it, on loopback:

    with Sandbox() as slack:
        ann = slack.people.add_person("Ann Lee")
        client = WebClient(token=slack.bot_token, base_url=slack.api_url)
"""

from bot.sandbox.acting import People
from bot.sandbox.addressing import NotAllowed
from bot.sandbox.config import ALL_EVENTS, ALL_SCOPES, DEFAULT_EVENTS, CommandHint, SlackApp, Times
from bot.sandbox.faults import AVATAR, DOWNLOAD, RESPONSE_URL, UPLOAD, Breakage, Faults, Violation
from bot.sandbox.model import (
    Channel,
    ChannelId,
    FileId,
    Invocation,
    Message,
    Outcome,
    Person,
    PersonId,
    PostedPhoto,
    SharedFile,
    View,
)
from bot.sandbox.server import Sandbox
from bot.sandbox.state import Missing

__all__ = [
    "ALL_EVENTS",
    "ALL_SCOPES",
    "AVATAR",
    "DEFAULT_EVENTS",
    "DOWNLOAD",
    "RESPONSE_URL",
    "UPLOAD",
    "Breakage",
    "Channel",
    "ChannelId",
    "CommandHint",
    "Faults",
    "FileId",
    "Invocation",
    "Message",
    "Missing",
    "NotAllowed",
    "Outcome",
    "People",
    "Person",
    "PersonId",
    "PostedPhoto",
    "Sandbox",
    "SharedFile",
    "SlackApp",
    "Times",
    "View",
    "Violation",
]
