"""`/findme …`: what somebody typed -> a question, or a sentence that says what can be typed.

    /findme [me] [@people…] [in #channel…] [since/until DATE] [sure|all]
    /findme help | selfie | off | on | forget me | my data

The parts come in any order. Several people mean photos that show them together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import Enum
from typing import NoReturn, TypeAlias, assert_never

from bot.grammar.dates import Dates, Span, beginning
from bot.grammar.suggestion import MisplacedError, date_repairs, suggestion, word_repairs
from bot.grammar.window import BOUNDS, Bound, Window
from bot.grammar.words import NOISE, Kind, Word, shown, words_of
from bot.question import MOST_CHANNELS, MOST_PEOPLE, Question
from pipeline.domain.model import ChannelId, UserId
from pipeline.errors import UsageError

MOST_SENTENCE = 300
_MOST_DATE_WORDS = 8
_MOST_DATE_WORD = 30
_LEAST_MONTH = timedelta(days=27)


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpRequest:
    """`/findme help`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfieRequest:
    """`/findme selfie`."""


class OwnAct(Enum):
    """What somebody decides about themselves."""

    OFF = "off"
    ON = "on"
    FORGET_ME = "forget me"
    MY_DATA = "my data"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRequest:
    """`/findme off`, and the like."""

    act: OwnAct


Asked: TypeAlias = Question | HelpRequest | SelfieRequest | OwnRequest


_DAYS = {"today", "yesterday"}
_OWN = {tuple(act.value.split()): act for act in OwnAct}
_HELP = {"help", "--help", "-h", "?"}
_KEYWORDS = {"me", "in", "sure", "all", "selfie", "help", "off", *BOUNDS, *_DAYS}
_FORGET_ME = "`/findme forget me` goes alone: type just that and I forget what I know about you."
_MY_DATA = "`/findme my data` goes alone: type just that to get all that I keep about you."
_ALONE = {
    "selfie": "`/findme selfie` goes alone: type just that to show me your face.",
    "off": "`/findme off` goes alone: type just that never to be found.",
    **dict.fromkeys(("forget", "forgetme", "delete"), _FORGET_ME),
    **dict.fromkeys(("data", "mydata"), _MY_DATA),
}
# Slack replaces the names that it knows.
_SIGNS = {"@": "nobody called", "#": "no channel"}
_ENDS_DATE = (_KEYWORDS - _DAYS) | NOISE


def parsed(
    text: str,
    *,
    asker: UserId,
    now: datetime,
    timezone: tzinfo,
    languages: Sequence[str] = ("en",),
) -> Asked:
    """What `text`, the part after `/findme`, asks for; dates are the asker's own.

    Raises UsageError with a sentence of at most 300 characters, safe to show, which names the word
    that has no place and the nearest command that has one.

    Costs what `bot.grammar.dates` does: under 300 ms for the first date in a language, else a few.
    """
    words = words_of(text)
    dates = Dates(now=now, timezone=timezone, languages=languages)

    def read(tried: Sequence[Word]) -> Asked:
        return _Reading(words=tried, asker=asker, now=now, dates=dates).asked()

    try:
        return read(words)
    except MisplacedError as error:
        nearest = suggestion(words, error, read=read)
        sentence = f"{error.problem} Did you mean {nearest}?" if nearest else ""
        if not sentence or len(sentence) > MOST_SENTENCE:
            sentence = f"{error.problem} `/findme help` shows what I understand."
        raise UsageError(sentence) from None


def command(question: Question, *, asker: UserId, timezone: tzinfo) -> str:
    """The question as one would type it, with mentions that Slack shows as names.

    Days are written as days, other times to the second. A selfie and what was shown already are
    not part of it.
    """
    people = ["me" if one == asker else f"<@{one}>" for one in question.people]
    parts = ["/findme", *people]
    if question.channels:
        parts += ["in", *(f"<#{one}>" for one in question.channels)]
    if question.since:
        day = _day_from(question.since, timezone)
        parts += ["since", day.isoformat() if day else _to_the_second(question.since, timezone)]
    if question.until:
        # The last day that counts is the one before.
        day = _day_from(question.until, timezone)
        last = day - timedelta(days=1) if day else None
        parts += ["until", last.isoformat() if last else _to_the_second(question.until, timezone)]
    if question.only_sure:
        parts.append("sure")
    return " ".join(parts)


@dataclass(slots=True, kw_only=True)
class _Reading:
    """One pass over the words."""

    words: Sequence[Word]
    asker: UserId
    now: datetime
    dates: Dates
    at: int = 0
    people: dict[UserId, None] = field(default_factory=dict)
    channels: dict[ChannelId, None] = field(default_factory=dict)
    window: Window = field(default_factory=Window)
    strictness: set[str] = field(default_factory=set)

    def asked(self) -> Asked:
        """Raises MisplacedError, or UsageError where no other words would do."""
        if self.words and self.words[0].key == "/findme":
            self.at = 1  # typed or pasted whole
        match [word.key for word in self.words[self.at :]]:
            case [first, *_] if first in _HELP:
                return HelpRequest()
            case ["selfie"]:
                return SelfieRequest()
            case [*keys] if own := _OWN.get(tuple(keys)):
                return OwnRequest(act=own)
        while self.at < len(self.words):
            self._take()
        return self._question()

    def _take(self) -> None:
        word = self.words[self.at]
        self.at += 1
        match word.kind:
            case Kind.PERSON:
                self._add_person(UserId(word.typed))
            case Kind.CHANNEL:
                self.channels[ChannelId(word.typed)] = None
                if len(self.channels) > MOST_CHANNELS:
                    raise UsageError(
                        f"I can look in at most {MOST_CHANNELS} channels at a time; "
                        "name fewer, or none for all that you are in."
                    )
            case Kind.GROUP:
                raise UsageError(
                    "I can't look for groups yet; name people one by one, like "
                    "`/findme me @colleague`."
                )
            case Kind.PLAIN:
                self._take_plain(word)
            case _:
                assert_never(word.kind)

    def _take_plain(self, word: Word) -> None:
        match word.key:
            case "me":
                self._add_person(self.asker)
            case "sure" | "all":
                self.strictness.add(word.key)
                if len(self.strictness) > 1:
                    raise UsageError("That says both `sure` and `all`; choose one of them.")
            case "in":
                self._take_in()
            case "my" if [one.key for one in self.words[self.at : self.at + 1]] == ["data"]:
                pass  # that one is refused
            case key if key in _ALONE:
                raise UsageError(_ALONE[key])
            case key if key in NOISE:
                pass
            case key if key in BOUNDS:
                self._take_date(BOUNDS[key], self.at - 1)
            case key if key in _DAYS:
                self.at -= 1
                self._take_date(Bound.ON, self.at)
            case _:
                self._refuse(word)

    def _refuse(self, word: Word) -> NoReturn:
        if len(word.key) > 1 and word.key[0] in _SIGNS:
            raise UsageError(
                f"I know {_SIGNS[word.key[0]]} {shown(word.key)}. Type {word.key[0]} and choose "
                "from the names that Slack shows."
            )
        raise MisplacedError(
            f"I can't place “{shown(word.typed)}”.",
            at=self.at - 1,
            until=self.at,
            repairs=word_repairs(word, self._run(self.at - 1), keywords=_KEYWORDS),
        )

    def _add_person(self, person: UserId) -> None:
        self.people[person] = None
        if len(self.people) > MOST_PEOPLE:
            raise UsageError(
                f"I can look for at most {MOST_PEOPLE} people together; name fewer of them."
            )

    def _take_in(self) -> None:
        """`in` goes before channels; a month or a year is welcome too."""
        after = self.at
        while after < len(self.words) and self.words[after].key in NOISE:
            after += 1
        following = self.words[after] if after < len(self.words) else None
        if following and (following.kind is Kind.CHANNEL or following.key.startswith("#")):
            return
        run = self._run(self.at)
        if not run:
            raise MisplacedError(
                "`in` goes before a #channel.", at=self.at - 1, until=self.at, repairs=[[]]
            )
        span, taken = self._span(run, before="in ")
        if not span or span.end - span.start < _LEAST_MONTH:
            raise UsageError(
                f"I know no channel called {shown(run[0].typed)}. Type # and choose from the "
                "names that Slack shows."
            )
        self.at += taken
        self._bound(Bound.ON, span, run[:taken])

    def _take_date(self, bound: Bound, at: int) -> None:
        run = self._run(self.at)
        span, taken = self._span(run)
        if not span:
            name = self.words[at].key
            words = " ".join(word.typed for word in run)
            problem = f"I can't read “{shown(words)}” as a date." if run else ""
            raise MisplacedError(
                problem or f"`{name}` needs a date after it.",
                at=at,
                until=at + 1 + len(run),
                repairs=date_repairs(self.words[at], run),
            )
        self.at += taken
        self._bound(bound, span, run[:taken])

    def _run(self, start: int) -> Sequence[Word]:
        """The words from `start` on that can belong to one date."""
        end = start
        while end < min(len(self.words), start + _MOST_DATE_WORDS):
            word = self.words[end]
            # "the day before yesterday"
            is_inner = word.key == "before" and end > start and self.words[end - 1].key == "day"
            if (
                word.kind is not Kind.PLAIN
                or len(word.key) > _MOST_DATE_WORD
                or word.key.startswith(("@", "#"))
                or (word.key in _ENDS_DATE and not is_inner)
            ):
                break
            end += 1
        return self.words[start:end]

    def _span(self, run: Sequence[Word], *, before: str = "") -> tuple[Span | None, int]:
        """The longest date that the words begin with, and how many of them it takes."""
        for taken in range(len(run), 0, -1):
            span = self.dates.span(before + " ".join(word.as_date() for word in run[:taken]))
            if span:
                return span, taken
        return None, 0

    def _bound(self, bound: Bound, span: Span, run: Sequence[Word]) -> None:
        if bound is Bound.ON and span.start == span.end:
            span = self.dates.day(span.start)
        self.window.add(bound, span, words=" ".join(word.typed for word in run))

    def _question(self) -> Question:
        self.window.check(now=self.now)
        return Question(
            people=tuple(self.people) or (self.asker,),
            channels=tuple(self.channels),
            since=self.window.since,
            until=self.window.until,
            only_sure="sure" in self.strictness,
        )


def _day_from(when: datetime, timezone: tzinfo) -> date | None:
    """The day that begins then, there; None if none does."""
    day = when.astimezone(timezone).date()
    return day if beginning(day, timezone=timezone) == when.astimezone(UTC) else None


def _to_the_second(when: datetime, timezone: tzinfo) -> str:
    return f"{when.astimezone(timezone):%Y-%m-%d %H:%M:%S}"
