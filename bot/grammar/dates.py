"""Dates as people write them -> spans of time, in their time zone."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from typing import Literal

from dateparser.data.languages_info import language_locale_dict
from dateparser.date import DateDataParser

from bot.grammar.digits import in_one_way

# Slack did not exist before; a year far ahead is a slip, and breaks sums with time zones.
FIRST_YEAR, LAST_YEAR = 1970, 2199

# dateparser gives a part of the day as one of these hours; here: its first hour, and how many.
_PARTS_OF_DAY = {3: (0, 5), 9: (5, 7), 15: (12, 6), 18: (17, 7), 20: (20, 10)}

# Set in what relative dates are reckoned from: a moment that still has it is so long ago.
_MARK_US = 1

# Read without dateparser, so that no language's order of day and month comes into it.
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[ t]\d\d:\d\d(?::\d\d)?)?")
_ISO_DAY = re.compile(r"(?<!\S)\d{4}-\d\d-\d\d(?!\S)")
_LAST_FEW = re.compile(r"^(?:the )?(?:last|past) (?=\d)")
_NUMBER_AT_END = re.compile(r"(?<!\S)\d\d?(?:\.|st|nd|rd|th)?$")
_NUMBER_AT_START = re.compile(r"^\d\d?(?:\.|st|nd|rd|th)?(?!\S)")
_HOURS_AT_END = re.compile(r"(?<!\S)\d\d? ?h$")
# Year-first languages in which a date with slashes still begins with the day (CLDR, "Md").
_DAY_FIRST = {"sv"}
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
    out, and English is always understood. A date without a year lies in the past, and so does a
    time without a date; a weekday without "last" may be today. Numbers with dots are days and
    months, never times (see `bot.grammar.digits`).

    Costs, measured on one slow core: 70 ms to import, 90 ms for the first date in a language
    (dateparser keeps its words from then on, for all threads), then at most 3 ms each.
    An object costs 0.1 ms: it belongs to one moment, so that it is made for each command.
    """

    def __init__(self, *, now: datetime, timezone: tzinfo, languages: Sequence[str]) -> None:
        self._timezone = timezone
        self._now = now
        # Wall-clock time: "yesterday" has 23 or 25 hours on the days that clocks are changed.
        local = now.astimezone(timezone).replace(tzinfo=None)
        self._base = local.replace(microsecond=_MARK_US)
        self._known = _locales(tuple(languages))
        self._parser = self._parser_for("past")
        self._names = DateDataParser(locales=self._known, settings={"PARSERS": ["custom-formats"]})

    def _parser_for(self, preferred: Literal["past", "future"]) -> DateDataParser:
        return DateDataParser(
            locales=self._known,
            use_given_order=True,
            settings={
                "TIMEZONE": "UTC",  # or it would ask the machine for its own
                "RELATIVE_BASE": self._base,
                "PREFER_DATES_FROM": preferred,
                "RETURN_TIME_AS_PERIOD": True,
                # Without RETURN_AS_TIMEZONE_AWARE: a time zone is set where the words name one.
                # Neither Unix time (any ten digits) nor digits without spaces.
                "PARSERS": ["relative-time", "absolute-time"],
            },
        )

    def span(self, words: str) -> Span | None:
        """What the words mean, as long as they are precise: a day, a week, a month, a moment.

        None if they are no date, or a number that could mean anything.
        """
        words = " ".join(unicodedata.normalize("NFKC", words).lower().split()).rstrip(".")
        try:
            if not _ISO.fullmatch(words):
                one_way = in_one_way(
                    words, today=self._base.date(), day_first=_is_day_first(self._known)
                )
                if one_way is None:
                    return None
                words = one_way
            if _ISO.fullmatch(words):
                found = datetime.fromisoformat(words)
                period = "time" if ":" in words else "day"
            else:
                is_last_few = bool(_LAST_FEW.match(words))
                words = _LAST_FEW.sub("", words)  # "3 days" will do
                data = self._parser.get_date_data(words)
                if data.date_obj is None or data.period is None:
                    return None
                found, period = data.date_obj, data.period
                if self._is_misread(words, found, period, is_last_few=is_last_few):
                    return None
                found = self._of_today(words, found, period)
        except (ValueError, OverflowError):
            return None
        if not FIRST_YEAR <= found.year <= LAST_YEAR or self._is_guess(words, found, period):
            return None
        return self._around(found, period)

    def day(self, moment: datetime) -> Span:
        """The whole day that a moment lies in."""
        return self._around(moment.astimezone(self._timezone).replace(tzinfo=None), "day")

    def _is_misread(self, words: str, found: datetime, period: str, *, is_last_few: bool) -> bool:
        """Whether dateparser left something out, or took an hour for something else."""
        if iso := _ISO_DAY.search(words):
            is_relative = found.microsecond == _MARK_US
            return is_relative or found.date() != date.fromisoformat(iso[0])
        if hours := _HOURS_AT_END.search(words):  # 17h may be five o'clock
            before = words[: hours.start()]
            return not is_last_few and (not before.strip() or self.span(before) is not None)
        if number := _NUMBER_AT_END.search(words):  # "may 12", but not "yesterday at 10"
            month = self.span(words[: number.start()])
            return period != "day" or month is None or not _is_month(month)
        if number := _NUMBER_AT_START.search(words):  # "12 may", but not "10 monday"
            day = self.span(words[number.end() :])
            return day is not None and _is_day(day) and day != self._around(found, period)
        return False

    def _of_today(self, words: str, found: datetime, period: str) -> datetime:
        """Today where the words name today's weekday, which dateparser takes for a week ago.

        Not with "last" in any language, nor if that time of the day is yet to come.
        """
        week = timedelta(days=7)
        if self._base.date() - found.date() != week:
            return found
        # Only what depends on what is preferred moves by two weeks: no "last monday", no "4 may".
        ahead = self._parser_for("future").get_date_data(words).date_obj
        if ahead is None or ahead - found != 2 * week:
            return found
        of_today = found + week
        return of_today if self._around(of_today, period).start <= self._now else found

    def _is_guess(self, words: str, found: datetime, period: str) -> bool:
        """Whether dateparser took a number for a month or a year: "99", "the 3rd", "a"."""
        if _BARE_NUMBERS.fullmatch(words):
            return not _YEAR.fullmatch(words)
        if _YEAR.search(words):
            return False
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


def _is_day(span: Span) -> bool:
    return timedelta(hours=22) < span.end - span.start < timedelta(hours=26)


def _is_month(span: Span) -> bool:
    return timedelta(days=27) < span.end - span.start < timedelta(days=32)


@cache
def _is_day_first(locales: tuple[str, ...]) -> bool:
    """Whether 1/2 is the first of February to somebody who has the first of these locales."""
    if locales[0] in _DAY_FIRST:
        return True
    parser = DateDataParser(locales=locales, use_given_order=True)
    found = parser.get_date_data("1/2/2003").date_obj
    return found is not None and found.day == 1


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
