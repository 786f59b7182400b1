"""The time that photos are to be from, as the dates in a command bound it."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import assert_never

from bot.grammar.dates import Span
from bot.grammar.words import shown
from pipeline.errors import UsageError


class Bound(Enum):
    """How a date bounds the time."""

    SINCE = auto()
    AFTER = auto()
    UNTIL = auto()
    BEFORE = auto()
    ON = auto()


# What is typed before the date.
BOUNDS = {
    "since": Bound.SINCE,
    "from": Bound.SINCE,
    "after": Bound.AFTER,
    "until": Bound.UNTIL,
    "till": Bound.UNTIL,
    "to": Bound.UNTIL,
    "before": Bound.BEFORE,
    "on": Bound.ON,
}


@dataclass(slots=True, kw_only=True)
class Window:
    """From `since` until before `until`, in UTC; filled while the words are read."""

    since: datetime | None = None
    until: datetime | None = None
    _since_words: str = ""

    def add(self, bound: Bound, span: Span, *, words: str) -> None:
        """A date, and the words that it was typed in. Raises UsageError for a second one."""
        match bound:
            case Bound.SINCE:
                self._begin(span.start, words)
            case Bound.AFTER:
                self._begin(span.end, words)
            case Bound.UNTIL:
                self._end(span.end)
            case Bound.BEFORE:
                self._end(span.start)
            case Bound.ON:
                self._begin(span.start, words)
                self._end(span.end)
            case _:
                assert_never(bound)

    def check(self, *, now: datetime) -> None:
        """Raises UsageError if no photo can be from that time."""
        if self.since and self.since > now:
            raise UsageError(
                f"“{shown(self._since_words)}” lies ahead, and I only know photos that were "
                "posted already; name a date in the past."
            )
        if self.since and self.until and self.since >= self.until:
            raise UsageError(
                "No time lies between those dates; `since` takes the earlier one, `until` the "
                "later one."
            )

    def _begin(self, since: datetime, words: str) -> None:
        if self.since:
            raise UsageError("That names two dates to begin with; one `since` is enough.")
        self.since, self._since_words = since, words

    def _end(self, until: datetime) -> None:
        if self.until:
            raise UsageError("That names two dates to end with; one `until` is enough.")
        self.until = until
