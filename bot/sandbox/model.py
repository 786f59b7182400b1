"""The values that a workspace holds: people, channels, messages, files, views.

Ids look like Slack's (`T…`, `U…`, `C…`, `D…`, `F…`, `V…`) and a `Ts` is Slack's message time, a
decimal string of seconds with six digits ("1700000000.000100"), unique in the workspace.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NewType

TeamId = NewType("TeamId", str)
PersonId = NewType("PersonId", str)
ChannelId = NewType("ChannelId", str)
FileId = NewType("FileId", str)
ViewId = NewType("ViewId", str)
InvocationId = NewType("InvocationId", str)
Ts = NewType("Ts", str)

Json = dict[str, Any]
"""One JSON object, as it travels to or from the bot."""

SLACKBOT = PersonId("USLACKBOT")

ELSEWHERE = TeamId("T000000002")
"""The one other workspace, whose people come by Slack Connect."""


class ChannelKind(Enum):
    """What a conversation is; the values are Slack's `types` argument."""

    PUBLIC = "public_channel"
    PRIVATE = "private_channel"
    DIRECT = "im"


class InvocationKind(Enum):
    """How a person addressed the bot; the values are Slack's payload types."""

    COMMAND = "slash_commands"
    CLICK = "block_actions"
    SUBMISSION = "view_submission"
    CLOSING = "view_closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A profile picture that its person uploaded; `side_px` is the shorter side."""

    data: bytes
    mimetype: str
    side_px: int
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A member of the workspace, human or bot; or of another one (`is_foreign`).

    The latter are met where a channel is shared with their workspace (Slack Connect).
    """

    id: PersonId
    name: str
    real_name: str
    tz: str = "UTC"
    tz_offset_s: int = 0
    picture: Picture | None = None
    is_admin: bool = False
    is_owner: bool = False
    is_bot: bool = False
    is_guest: bool = False
    is_foreign: bool = False
    is_deleted: bool = False
    updated_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A conversation with its members, in the order in which they came.

    An `is_shared` one is another workspace's, too (Slack Connect); an `is_foreign` one was made
    there.
    """

    id: ChannelId
    name: str
    kind: ChannelKind
    creator: PersonId
    created_s: int
    members: tuple[PersonId, ...] = ()
    is_archived: bool = False
    is_shared: bool = False
    is_foreign: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One appearance of a file in a channel."""

    channel: ChannelId
    ts: Ts
    person: PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedFile:
    """A hosted file. `size_px` is (width, height) where Pillow could read the bytes.

    `is_foreign` marks a file of another workspace (Slack Connect): lists and messages name it, and
    only files.info tells more. `is_given` marks one that its owner handed to the bot in a modal's
    file input. A deleted file keeps its row, without bytes and shares, as Slack tells deleted from
    unknown.
    """

    id: FileId
    name: str
    title: str
    data: bytes
    uploader: PersonId
    created_s: int
    size_px: tuple[int, int] | None = None
    alt_text: str = ""
    shares: tuple[Share, ...] = ()
    is_foreign: bool = False
    is_given: bool = False
    is_deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message, for all of its channel or (ephemeral) for `visible_to` alone.

    `answers` names the invocations that it answered through a response_url; `error` holds Slack's
    word where it tells a person that a command failed.
    """

    channel: ChannelId
    ts: Ts
    author: PersonId
    text: str = ""
    blocks: tuple[Json, ...] = ()
    files: tuple[FileId, ...] = ()
    subtype: str | None = None
    thread_ts: Ts | None = None
    edited_ts: Ts | None = None
    visible_to: PersonId | None = None
    answers: tuple[InvocationId, ...] = ()
    error: str | None = None

    @property
    def is_ephemeral(self) -> bool:
        """Whether one person alone sees it."""
        return self.visible_to is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A modal or a Home tab as one person has it; `content` is the bot's JSON with its blocks."""

    id: ViewId
    person: PersonId
    content: Json
    hash: str
    root_id: ViewId
    previous_id: ViewId | None = None
    errors: Mapping[str, str] | None = None

    @property
    def blocks(self) -> tuple[Json, ...]:
        """The blocks to show."""
        return tuple(self.content.get("blocks", ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One time a person addressed the bot: a command, a click, a submission.

    `ts` is when; messages after it may be its answer. `response_url` is None where Slack gives
    none (a click in a view).
    """

    id: InvocationId
    kind: InvocationKind
    person: PersonId
    channel: ChannelId | None
    name: str
    text: str
    ts: Ts
    trigger_id: str
    response_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How the bot acknowledged an invocation; `error` is None when it did in time."""

    error: str | None
    ack_ms: float | None
    response: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedPhoto:
    """What a person has after posting a photo."""

    file_id: FileId
    channel: ChannelId
    ts: Ts
    permalink: str
