"""What a person sees, and waiting for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from bot.sandbox.model import (
    Channel,
    ChannelId,
    FileId,
    Invocation,
    Json,
    Message,
    Outcome,
    Person,
    PersonId,
    SharedFile,
    View,
)
from bot.sandbox.render import permalink
from bot.sandbox.state import Workspace, seconds_of

Found = TypeVar("Found")

Who = Person | PersonId
"""A person, or their id."""

Where = Channel | ChannelId
"""A channel, or its id."""

Which = SharedFile | FileId
"""A file, or its id."""


def person_id(who: Who) -> PersonId:
    """The id of a person."""
    return who.id if isinstance(who, Person) else who


def channel_id(where: Where) -> ChannelId:
    """The id of a channel."""
    return where.id if isinstance(where, Channel) else where


class Reading:
    """Looks at one workspace as the people in it do. Waits end in TimeoutError."""

    def __init__(self, ws: Workspace) -> None:
        """Look at one workspace."""
        self._ws = ws

    def wait_for(self, predicate: Callable[[], Found | None], *, timeout_s: float = 20.0) -> Found:
        """Give the predicate's first true value; it is asked anew on every change."""
        return self._ws.wait_for(predicate, timeout_s=timeout_s)

    def person(self, who: Who) -> Person:
        """A person as they are now. Raises Missing."""
        return self._ws.person(person_id(who))

    def channel(self, where: Where) -> Channel:
        """A channel as it is now. Raises Missing."""
        return self._ws.channel(channel_id(where))

    def file(self, which: Which) -> SharedFile:
        """A file as it is now, deleted or not. Raises Missing."""
        return self._ws.file(which.id if isinstance(which, SharedFile) else which)

    def messages(self, where: Where) -> list[Message]:
        """What everybody in a channel sees, oldest first."""
        return [m for m in self._ws.messages_in(channel_id(where)) if not m.is_ephemeral]

    def ephemerals(self, who: Who, where: Where | None = None) -> list[Message]:
        """What one person alone sees, in one channel or anywhere, oldest first."""
        with self._ws.changed:
            mine = [m for m in self._ws.messages.values() if m.visible_to == person_id(who)]
        found = [m for m in mine if where is None or m.channel == channel_id(where)]
        return sorted(found, key=lambda message: seconds_of(message.ts))

    def direct_messages(self, who: Who) -> list[Message]:
        """The conversation between a person and the bot, oldest first."""
        channel = self._ws.direct_channel(person_id(who))
        return self.messages(channel) if channel else []

    def modal(self, who: Who) -> View | None:
        """The modal on top of a person's screen."""
        with self._ws.changed:
            stack = self._ws.modals.get(person_id(who))
            return stack[-1] if stack else None

    def home(self, who: Who) -> View | None:
        """The bot's Home tab as a person has it."""
        return self._ws.homes.get(person_id(who))

    def permalink(self, message: Message) -> str:
        """The address of a message."""
        return permalink(self._ws, message)

    def outcome(self, invocation: Invocation, *, timeout_s: float = 20.0) -> Outcome:
        """How the bot acknowledged an invocation."""
        return self.wait_for(lambda: self._ws.outcomes.get(invocation.id), timeout_s=timeout_s)

    def answer_to(
        self, invocation: Invocation, *, timeout_s: float = 20.0, at_least: int = 1
    ) -> list[Message]:
        """The messages that answer an invocation, once there are enough, oldest first.

        An answer came by the invocation's response_url (a replaced message counts) or later as an
        ephemeral message to the person in that channel. Slackbot's word on a failed command is one
        too; it has an `error`.
        """

        def enough() -> list[Message] | None:
            found = self.answers_so_far(invocation)
            return found if len(found) >= at_least else None

        return self.wait_for(enough, timeout_s=timeout_s)

    def answers_so_far(self, invocation: Invocation) -> list[Message]:
        """What `answer_to` would give, without waiting."""
        with self._ws.changed:
            found = [m for m in self._ws.messages.values() if _is_answer(m, invocation)]
        return sorted(found, key=lambda message: seconds_of(message.ts))

    def elements(self, place: Message | View) -> list[tuple[str, Json]]:
        """What can be clicked or filled in, as (block_id, element), in reading order."""
        return list(_elements(place.blocks))


def _is_answer(message: Message, invocation: Invocation) -> bool:
    if invocation.id in message.answers:
        return True
    return (
        not message.answers
        and message.visible_to == invocation.person
        and message.channel == invocation.channel
        and seconds_of(message.ts) > seconds_of(invocation.ts)
    )


def _elements(blocks: tuple[Json, ...]) -> Iterator[tuple[str, Json]]:
    for block in blocks:
        inner = [*block.get("elements", ())] if block["type"] == "actions" else []
        inner += [block[key] for key in ("accessory", "element") if key in block]
        for element in inner:
            if element.get("type") != "image":
                yield str(block["block_id"]), element
