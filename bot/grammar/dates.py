"""Dates as people write them -> spans of time, in their time zone."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache

from dateparser.data.languages_info import language_locale_dict
from dateparser.date import DateDataParser

# Slack did not exist before; a year far ahead is a slip, and breaks sums with time zones.
FIRST_YEAR, LAST_YEAR = 1970, 2199

# dateparser gives a part of the day as one of these hours; here: its first hour, and how many.
_PARTS_OF_DAY = {3: (0, 5), 9: (5, 7), 15: (12, 6), 18: (17, 7), 20: (20, 10)}

# Set in what relative dates are reckoned from: a moment that still has it is so long ago.
_MARK_US = 1

# Read without dateparser, so that no language's order of day and month comes into it.
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[ t]\d\d:\d\d(?::\d\d)?)?")
_LAST_FEW = re.compile(r"^(?:the )?(?:last|past) (?=\d)")
_DOTTED = re.compile(r"(\d\d?)\.(\d\d?)\.(\d{4})\b")
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")
_BARE_NUMBERS = re.compile(r"[\d\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From `start` until before `end`, both in UTC; a moment where they are the same."""

    start: datetime
    end: datetime


class Dates:
    """Reads dates as somebody with that `timezone` means them at `now`, in that person's languages.

    `languages` are tags such as `en`, `de-DE` or `en_GB`, the best first; unknown ones are left
    out, and English is always understood. A date without a year lies in the past.

    Costs, measured on one slow core: 70 ms to import, 90 ms for the first date in a language
    (dateparser keeps its words from then on, for all threads), then half a millisecond each.
    An object costs 0.1 ms: it belongs to one moment, so that it is made for each command.
    """

    def __init__(self, *, now: datetime, timezone: tzinfo, languages: Sequence[str]) -> None:
        self._timezone = timezone
        self._now = now
        # Wall-clock time: "yesterday" has 23 or 25 hours on the days that clocks are changed.
        local = now.astimezone(timezone).replace(tzinfo=None)
        self._base = local.replace(microsecond=_MARK_US)
        self._parser = DateDataParser(
            locales=_locales(tuple(languages)),
            use_given_order=True,
            settings={
                "TIMEZONE": "UTC",  # or it would ask the machine for its own
                "RELATIVE_BASE": self._base,
                "PREFER_DATES_FROM": "past",
                "RETURN_TIME_AS_PERIOD": True,
                # Without RETURN_AS_TIMEZONE_AWARE: a time zone is set where the words name one.
                # Neither Unix time (any ten digits) nor digits without spaces.
                "PARSERS": ["relative-time", "absolute-time"],
            },
        )
        self._names = DateDataParser(
            locales=_locales(tuple(languages)), settings={"PARSERS": ["custom-formats"]}
        )

    def span(self, words: str) -> Span | None:
        """What the words mean, as long as they are precise: a day, a week, a month, a moment.

        None if they are no date, or a number that could mean anything.
        """
        words = words.strip().lower()
        try:
            if _ISO.fullmatch(words):
                found = datetime.fromisoformat(words)
                period = "time" if ":" in words else "day"
            else:
                words = _DOTTED.sub(r"\3-\2-\1", words)  # with dots the day comes first
                words = _LAST_FEW.sub("", words)  # "3 days" will do
                data = self._parser.get_date_data(words)
                if data.date_obj is None or data.period is None:
                    return None
                found, period = data.date_obj, data.period
        except (ValueError, OverflowError):
            return None
        if not FIRST_YEAR <= found.year <= LAST_YEAR or self._is_guess(words, found, period):
            return None
        return self._around(found, period)

    def day(self, moment: datetime) -> Span:
        """The whole day that a moment lies in."""
        return self._around(moment.astimezone(self._timezone).replace(tzinfo=None), "day")

    def _is_guess(self, words: str, found: datetime, period: str) -> bool:
        """Whether dateparser took a number for a month or a year: "99", "the 3rd", "a"."""
        if _YEAR.search(words):
            return False
        if _BARE_NUMBERS.fullmatch(words):
            return True
        if period not in {"month", "year"} or found.microsecond == _MARK_US:
            return False
        return not any(
            self._names.get_date_data(word, ["%B", "%b"]).date_obj for word in words.split()
        )

    def _around(self, found: datetime, period: str) -> Span:
        first = found.date()
        match period:
            case "time":
                moment = self._moment(found)
                return Span(start=moment, end=moment)
            case "part_of_day" if found.hour in _PARTS_OF_DAY:
                hour, hours = _PARTS_OF_DAY[found.hour]
                begin = datetime(first.year, first.month, first.day, hour)  # noqa: DTZ001 - local time, like `found`
                return Span(
                    start=self._moment(begin), end=self._moment(begin + timedelta(hours=hours))
                )
            case "week":
                first -= timedelta(days=first.weekday())
                after = first + timedelta(days=7)
            case "month":
                first = first.replace(day=1)
                after = (first + timedelta(days=31)).replace(day=1)
            case "quarter":
                first = first.replace(month=first.month - (first.month - 1) % 3, day=1)
                after = (first + timedelta(days=95)).replace(day=1)
            case "year":
                first = first.replace(month=1, day=1)
                after = first.replace(year=first.year + 1)
            case _:
                after = first + timedelta(days=1)
        return Span(
            start=beginning(first, timezone=self._timezone),
            end=beginning(after, timezone=self._timezone),
        )

    def _moment(self, found: datetime) -> datetime:
        """In UTC, whole seconds. Hours ago have 60 minutes each, whatever the clocks do."""
        if found.microsecond == _MARK_US:
            base = self._base.replace(tzinfo=UTC)
            ago = base - (found if found.tzinfo else found.replace(tzinfo=UTC))
            return self._now.astimezone(UTC).replace(microsecond=0) - ago
        local = found if found.tzinfo else found.replace(tzinfo=self._timezone)
        return local.astimezone(UTC).replace(microsecond=0)


def beginning(day: date, *, timezone: tzinfo) -> datetime:
    """When the day begins there, in UTC: midnight, or right after it where clocks skip that."""
    return datetime(day.year, day.month, day.day, tzinfo=timezone).astimezone(UTC)


@cache
def _locales(tags: tuple[str, ...]) -> tuple[str, ...]:
    """The best known locale of each language, English among them."""
    locales: dict[str, str] = {}
    for tag in (*tags, "en"):
        language, _, region = tag.replace("_", "-").partition("-")
        language, region = language.lower(), region.upper()
        if language in language_locale_dict and language not in locales:
            regional = f"{language}-{region}"
            known = regional in language_locale_dict[language]
            locales[language] = regional if known else language
    return tuple(locales.values())
