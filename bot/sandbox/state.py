"""The state of one workspace, in memory, behind one lock.

The server's loop and the threads of tests both act on it, so every change is made inside
`Workspace.change()`, which also wakes whoever waits for a change.
"""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from bot.sandbox.config import SlackApp, Times
from bot.sandbox.inputs import Filled
from bot.sandbox.model import (
    SLACKBOT,
    Channel,
    ChannelId,
    ChannelKind,
    FileId,
    InvocationId,
    Json,
    Message,
    Outcome,
    Person,
    PersonId,
    SharedFile,
    TeamId,
    Ts,
    View,
    ViewId,
)

Clock = Callable[[], float]
"""Seconds since 1970, as `time.time`."""

EventListener = Callable[[Json, ChannelId | None], None]
"""Takes one Events API event; the channel it happened in decides whether the bot may hear it."""

Found = TypeVar("Found")


class Missing(LookupError):  # noqa: N818 - reads as the sentence it ends
    """No such thing in the sandbox; the argument says what."""


@dataclass(slots=True, kw_only=True)
class Trigger:
    """A trigger_id that the bot may exchange once for a modal."""

    person: PersonId
    issued_s: float
    is_used: bool = False
    view: ViewId | None = None


@dataclass(slots=True, kw_only=True)
class PendingUpload:
    """A file between files.getUploadURLExternal and files.completeUploadExternal."""

    name: str
    length: int
    alt_text: str
    data: bytes | None = None


@dataclass(slots=True)
class _Counters:
    """One counter for each kind of id, so that a demo has the same ids on every run."""

    of: dict[str, Iterator[int]] = field(
        default_factory=lambda: defaultdict(lambda: itertools.count(1))
    )

    def next(self, prefix: str) -> str:
        return f"{prefix}{next(self.of[prefix]):09d}"


class Workspace:
    """One Slack team: tables, ids, time, and the look-ups that everything else uses."""

    def __init__(self, *, app: SlackApp, times: Times, clock: Clock = time.time) -> None:
        """Start with Slackbot and the app's bot user as the only people."""
        self.app = app
        self.times = times
        self.clock = clock
        self.changed = threading.Condition(threading.RLock())
        self.revision = 0
        self.is_stopping = False
        self.origin = ""
        self.name = "Sandbox"
        self.team_id = TeamId("T000000001")
        self.app_id = "A000000001"
        self.bot_id = "B000000001"
        self.people: dict[PersonId, Person] = {}
        self.channels: dict[ChannelId, Channel] = {}
        self.messages: dict[tuple[ChannelId, Ts], Message] = {}
        self.files: dict[FileId, SharedFile] = {}
        self.uploads: dict[FileId, PendingUpload] = {}
        self.modals: dict[PersonId, list[View]] = defaultdict(list)
        self.homes: dict[PersonId, View] = {}
        self.filled: dict[str, Filled] = defaultdict(dict)
        self.triggers: dict[str, Trigger] = {}
        self.outcomes: dict[InvocationId, Outcome] = {}
        self.listeners: list[EventListener] = []
        self.refuses_with: str | None = None
        self._counters = _Counters()
        self._last_us = 0
        self.bot_user_id = PersonId(self.new_id("U"))
        now_s = int(clock())
        self.people[SLACKBOT] = Person(id=SLACKBOT, name="slackbot", real_name="Slackbot")
        self.people[self.bot_user_id] = Person(
            id=self.bot_user_id, name=app.name, real_name=app.name, is_bot=True, updated_s=now_s
        )

    @contextmanager
    def change(self) -> Iterator[None]:
        """Hold the lock and wake all who wait, even after an error halfway."""
        with self.changed:
            try:
                yield
            finally:
                self.revision += 1
                self.changed.notify_all()

    def token_is_good(self, token: str) -> bool:
        """Whether this is the bot token, and Slack takes it."""
        return self.refuses_with is None and secrets.compare_digest(token, self.app.bot_token)

    def wait_for(self, predicate: Callable[[], Found | None], *, timeout_s: float) -> Found:
        """Give the predicate's first true value; it runs under the lock, on every change.

        Raises TimeoutError.
        """
        with self.changed:
            found = self.changed.wait_for(predicate, timeout_s)
        if not found:
            msg = f"nothing came within {timeout_s} s"
            raise TimeoutError(msg)
        return found

    def emit(self, event: Json, *, channel: ChannelId | None = None) -> None:
        """Tell the listeners that something happened."""
        for listener in self.listeners:
            listener(event, channel)

    def new_id(self, prefix: str) -> str:
        """Make the next id of a kind: `U000000001`."""
        with self.changed:
            return self._counters.next(prefix)

    def new_ts(self) -> Ts:
        """Make a message time: now, but always later than the one before."""
        with self.changed:
            self._last_us = max(self._last_us + 1, round(self.clock() * 1_000_000))
            seconds, micros = divmod(self._last_us, 1_000_000)
            return Ts(f"{seconds}.{micros:06d}")

    def new_trigger(self, person: PersonId, *, view: ViewId | None = None) -> str:
        """Issue a trigger_id to a person who did something just now; `view` is where."""
        trigger_id = f"{self.new_id('')}.{self.team_id[1:]}.{secrets.token_hex(8)}"
        with self.change():
            self.triggers[trigger_id] = Trigger(person=person, issued_s=self.clock(), view=view)
        return trigger_id

    def person(self, person_id: str) -> Person:
        """Look a person up. Raises Missing."""
        found = self.people.get(PersonId(person_id))
        if found is None:
            kind = "person"
            raise Missing(kind)
        return found

    def channel(self, channel_id: str) -> Channel:
        """Look a channel up. Raises Missing."""
        found = self.channels.get(ChannelId(channel_id))
        if found is None:
            kind = "channel"
            raise Missing(kind)
        return found

    def message(self, channel_id: str, ts: str) -> Message:
        """Look a message up. Raises Missing."""
        found = self.messages.get((ChannelId(channel_id), Ts(ts)))
        if found is None:
            kind = "message"
            raise Missing(kind)
        return found

    def file(self, file_id: str) -> SharedFile:
        """Look a file up, deleted ones included. Raises Missing."""
        found = self.files.get(FileId(file_id))
        if found is None:
            kind = "file"
            raise Missing(kind)
        return found

    def messages_in(self, channel: ChannelId) -> list[Message]:
        """All messages of a channel, ephemeral ones included, oldest first."""
        with self.changed:
            found = [m for m in self.messages.values() if m.channel == channel]
        return sorted(found, key=lambda message: seconds_of(message.ts))

    def direct_channel(self, person: PersonId) -> Channel | None:
        """The conversation between the bot and a person, if it was opened."""
        with self.changed:
            return next(
                (
                    channel
                    for channel in self.channels.values()
                    if channel.kind is ChannelKind.DIRECT and person in channel.members
                ),
                None,
            )

    def bot_is_in(self, channel_id: ChannelId) -> bool:
        """Whether the bot is a member of a channel."""
        channel = self.channels.get(channel_id)
        return channel is not None and self.bot_user_id in channel.members

    def bot_sees(self, file: SharedFile) -> bool:
        """Whether the bot may have a file: its own, given to it, or shared where it is."""
        own = file.uploader == self.bot_user_id or file.is_given
        return own or any(self.bot_is_in(share.channel) for share in file.shares)

    def view(self, view_id: str) -> View | None:
        """A modal or Home tab that is open now."""
        with self.changed:
            stacks = itertools.chain(*self.modals.values(), self.homes.values())
            return next((view for view in stacks if view.id == view_id), None)


def seconds_of(ts: str) -> float:
    """The seconds in a message time. Raises ValueError."""
    return float(ts)
