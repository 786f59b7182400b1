"""What somebody wants to see, in words of the domain, and how a button carries it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pipeline.domain.model import ChannelId, UserId

MOST_PEOPLE = 8
MOST_CHANNELS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Photos that show all of `people` together; `first` counts the matches already shown.

    Without `channels` every channel that the asker can see is meant. `since` is inclusive, `until`
    exclusive. `selfie` names a face that is used once and kept nowhere.
    """

    people: tuple[UserId, ...]
    channels: tuple[ChannelId, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    only_sure: bool = False
    selfie: str = ""
    first: int = 0

    def at(self, first: int) -> "Question":
        """The same, from another match on."""
        return replace(self, first=first)

    def code(self) -> str:
        """The question as short text: at most 240 characters of a block_id's 255."""
        return "|".join(
            (
                ",".join(self.people),
                ",".join(self.channels),
                _seconds(self.since),
                _seconds(self.until),
                "s" if self.only_sure else "",
                self.selfie,
                str(self.first),
            )
        )

    @classmethod
    def from_code(cls, code: str) -> "Question":
        """What `code` gave. Raises ValueError for anything else."""
        people, channels, since, until, sure, selfie, first = code.split("|")
        question = cls(
            people=tuple(UserId(one) for one in people.split(",") if one),
            channels=tuple(ChannelId(one) for one in channels.split(",") if one),
            since=_time(since),
            until=_time(until),
            only_sure=bool(sure),
            selfie=selfie,
            first=int(first),
        )
        if question.code() != code:
            raise ValueError("not the code of a question")
        return question


def _seconds(when: datetime | None) -> str:
    return "" if when is None else f"{when.timestamp():.0f}"


def _time(seconds: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(seconds), UTC) if seconds else None
    except (OverflowError, OSError) as error:
        raise ValueError("no such time") from error
