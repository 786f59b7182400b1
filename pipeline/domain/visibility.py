"""Who may open what: decided from what the source says at this moment, without asking it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import assert_never

from pipeline.domain.model import ChannelId


class Reader(Enum):
    """What somebody is to the workspace whose photos they would see."""

    MEMBER = "member"
    GUEST = "guest"
    STRANGER = "stranger"
    """Of another workspace, here by a channel that both share (Slack Connect)."""
    APP = "app"
    GONE = "gone"
    """Their account was closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelFacts:
    """What decides who may open a channel, beside who is in it."""

    channel_id: ChannelId
    is_private: bool
    is_archived: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What somebody sees: the channels whose photos they can `open`, and those they are in.

    Findme is in every one of them. A full member can open a public channel without having `joined`
    it; only where they have, something may be posted in their name.
    """

    reader: Reader
    open: tuple[ChannelId, ...] = ()
    joined: tuple[ChannelId, ...] = ()

    def among(self, channel_ids: Collection[ChannelId]) -> "Sight":
        """No more than these channels."""
        return replace(
            self,
            open=tuple(one for one in self.open if one in channel_ids),
            joined=tuple(one for one in self.joined if one in channel_ids),
        )


def sight(
    reader: Reader, *, of_bot: Iterable[ChannelFacts], of_reader: Collection[ChannelId]
) -> Sight:
    """What somebody sees, from the channels that the bot is in and those that they are in.

    Of a channel that the bot isn't in nothing is shown, nor of an archived one.
    """
    match reader:
        case Reader.MEMBER | Reader.GUEST:
            there = [channel for channel in of_bot if not channel.is_archived]
            joined = [one.channel_id for one in there if one.channel_id in of_reader]
            public = {one.channel_id for one in there if not one.is_private}
            opened = public.union(joined) if reader is Reader.MEMBER else {*joined}
            return Sight(
                reader=reader,
                open=tuple(one.channel_id for one in there if one.channel_id in opened),
                joined=tuple(joined),
            )
        case Reader.STRANGER | Reader.APP | Reader.GONE:
            return Sight(reader=reader)
        case _:
            assert_never(reader)
