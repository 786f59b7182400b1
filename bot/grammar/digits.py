"""Dates and times written in digits -> one way to write them, which every language reads alike."""

import re
from datetime import date

_LONGEST_WITHOUT_LEAP_DAY = 8  # years, around 2100

# Before the dates: it is what makes "5.06 pm" and "10.30 Uhr" times.
_MERIDIAN = re.compile(
    r"(?<![\w.:/-])(\d\d?)(?:[:.](\d\d))?(:\d\d)? ?([ap])(?:\.m\.?|m)(?!\w)", re.IGNORECASE
)
_UHR = re.compile(r"(?<![\w.:/-])(\d\d?)(?:[:.](\d\d))? ?uhr(?: ?(\d\d))?(?!\S)")
# Not "last 3h30" or "3h30 ago".
_H = re.compile(r"(?<![\w.:/-])(?<!last )(?<!past )(\d\d?) ?h ?(\d\d)$")

_DATE = re.compile(
    r"""(?<!\S)(?:
        (?P<year>\d{4})(?P<mark>[-/._])[ ]?(?P<month>\d\d?)(?P=mark)[ ]?(?P<day>\d\d?)
      | (?P<dot_day>\d\d?)\.[ ]?(?P<dot_month>\d\d?)
        (?:(?:\.[ ]?|[ ])(?P<dot_year>\d{4})|\.(?P<dot_yy>\d\d))?
      | (?P<first>\d\d?)/(?P<second>\d\d?)(?:/(?P<slash_year>\d{4}|\d\d))?
      | (?P<dash_first>\d\d?)-(?P<dash_second>\d\d?)-(?P<dash_year>\d{4})
    )\.?(?!\S)""",
    re.VERBOSE,
)
_MONTH = re.compile(
    r"(?<!\S)(?:(0?[1-9]|1[0-2])[-/.](\d{4})|(\d{4})[-/.](0?[1-9]|1[0-2]))\.?(?!\S)"
)

# What may stay: a number, a time, what was made of a date, a distance from UTC.
_PLAIN = re.compile(
    r"\d{1,4}\.?|\d\d?:\d\d(?::\d\d)?(?:[+-]\d\d:?\d\d)?|\d{4}-\d\d(?:-\d\d)?|[+-]\d\d:?\d\d"
)
_DIGIT_DOT_DIGIT = re.compile(r"\d[.,/']\d")


def in_one_way(words: str, *, today: date, day_first: bool) -> str | None:
    """The words with their dates as 2026-05-12, their months as 2026-05, their times as 17:00.

    With dots the day comes before the month, whatever the language: 12.5., 12.05.2026. With
    slashes, and with dashes before a year, `day_first` says which comes first, unless only the
    other way is a date. Without a year it is the last such day up to `today`. Numbers with a dot
    between them are a time only before am, pm or Uhr.

    None if there are two dates, or digits that are none of this.
    """
    words = _MERIDIAN.sub(lambda m: f"{m[1]}:{m[2] or '00'}{m[3] or ''} {m[4].lower()}m", words)
    words = _UHR.sub(lambda m: f"{m[1]}:{m[2] or m[3] or '00'}", words)
    words = _H.sub(r"\1:\2", words)
    found = list(_DATE.finditer(words))
    if len(found) > 1:
        return None
    if found:
        day = _day(found[0], today=today, day_first=day_first)
        if not day:
            return None
        words = f"{words[: found[0].start()]}{day.isoformat()}{words[found[0].end() :]}"
    words = _MONTH.sub(lambda m: f"{int(m[2] or m[3]):04}-{int(m[1] or m[4]):02}", words)
    return words if all(map(_is_plain, words.split())) else None


def _day(found: re.Match[str], *, today: date, day_first: bool) -> date | None:
    if found["year"]:
        return _date(found["year"], found["month"], found["day"], today=today)
    if found["dot_day"]:
        year = found["dot_year"] or found["dot_yy"]
        return _date(year, found["dot_month"], found["dot_day"], today=today)
    year = found["slash_year"] or found["dash_year"]
    first, second = found["first"] or found["dash_first"], found["second"] or found["dash_second"]
    month, day = (second, first) if day_first else (first, second)
    return _date(year, month, day, today=today) or _date(year, day, month, today=today)


def _date(year: str | None, month: str, day: str, *, today: date) -> date | None:
    """None if there is no such day."""
    years = [today.year - ago for ago in range(_LONGEST_WITHOUT_LEAP_DAY + 1)]
    if year:
        of_century = int(year)
        # The last year that ends so, up to this one.
        years = [of_century if len(year) > 2 else today.year - (today.year - of_century) % 100]  # noqa: PLR2004 - digits
    for one in years:
        try:
            found = date(one, int(month), int(day))
        except ValueError:
            continue
        if year or found <= today:
            return found
    return None


def _is_plain(word: str) -> bool:
    if any(character.isalpha() for character in word):
        return not _DIGIT_DOT_DIGIT.search(word)
    return not any(map(str.isdigit, word)) or bool(_PLAIN.fullmatch(word))
