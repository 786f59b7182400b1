"""Dates as people write them."""

import time
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.grammar.dates import Dates, Span, beginning

NEW_YORK = ZoneInfo("America/New_York")
AUCKLAND = ZoneInfo("Pacific/Auckland")
KOLKATA = ZoneInfo("Asia/Kolkata")
ZONES = st.sampled_from(
    [UTC, NEW_YORK, AUCKLAND, KOLKATA, ZoneInfo("Africa/Cairo"), ZoneInfo("America/St_Johns")]
)
FRIDAY = datetime(2026, 5, 15, 14, 30, 5, 123, tzinfo=NEW_YORK)


def span(
    words: str,
    *,
    now: datetime = FRIDAY,
    timezone: tzinfo = NEW_YORK,
    languages: tuple[str, ...] = ("en",),
) -> Span | None:
    return Dates(now=now, timezone=timezone, languages=languages).span(words)


def there(words: str, *, now: datetime = FRIDAY, timezone: tzinfo = NEW_YORK) -> tuple[str, str]:
    """The span, as clocks on the wall there show it."""
    found = span(words, now=now, timezone=timezone)
    assert found
    first, last = (when.astimezone(timezone) for when in (found.start, found.end))
    return f"{first:%Y-%m-%d %H:%M}", f"{last:%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("words", "start", "end"),
    [
        ("monday", "2026-05-11", "2026-05-12"),
        ("MONDAY", "2026-05-11", "2026-05-12"),
        ("last monday", "2026-05-11", "2026-05-12"),
        ("sat", "2026-05-09", "2026-05-10"),
        ("friday", "2026-05-15", "2026-05-16"),
        ("last friday", "2026-05-08", "2026-05-09"),
        ("friday 8 may", "2026-05-08", "2026-05-09"),
        ("today", "2026-05-15", "2026-05-16"),
        ("yesterday", "2026-05-14", "2026-05-15"),
        ("the day before yesterday", "2026-05-13", "2026-05-14"),
        ("tomorrow", "2026-05-16", "2026-05-17"),
        ("12 May", "2026-05-12", "2026-05-13"),
        ("May 12th", "2026-05-12", "2026-05-13"),
        ("the 12th of May", "2026-05-12", "2026-05-13"),
        ("20 May", "2025-05-20", "2025-05-21"),
        ("12 may 2024", "2024-05-12", "2024-05-13"),
        ("29 feb", "2024-02-29", "2024-03-01"),
        ("2026-05-12", "2026-05-12", "2026-05-13"),
        ("2026_05_12", "2026-05-12", "2026-05-13"),
        ("2026/5/12", "2026-05-12", "2026-05-13"),
        ("2026. 5. 12.", "2026-05-12", "2026-05-13"),
        ("5/12/2026", "2026-05-12", "2026-05-13"),
        ("3 days ago", "2026-05-12", "2026-05-13"),
        ("the last 3 days", "2026-05-12", "2026-05-13"),
        ("this week", "2026-05-11", "2026-05-18"),
        ("last week", "2026-05-04", "2026-05-11"),
        ("2 weeks ago", "2026-04-27", "2026-05-04"),
        ("may", "2026-05-01", "2026-06-01"),
        ("june", "2025-06-01", "2025-07-01"),
        ("dec", "2025-12-01", "2026-01-01"),
        ("May 2025", "2025-05-01", "2025-06-01"),
        ("5/2025", "2025-05-01", "2025-06-01"),
        ("05.2025", "2025-05-01", "2025-06-01"),
        ("2026-04", "2026-04-01", "2026-05-01"),
        ("last month", "2026-04-01", "2026-05-01"),
        ("Q1 2026", "2026-01-01", "2026-04-01"),
        ("Q4 2025", "2025-10-01", "2026-01-01"),
        ("2025", "2025-01-01", "2026-01-01"),
        ("last year", "2025-01-01", "2026-01-01"),
    ],
)
def test_days_weeks_months_and_years_are_whole_there(words: str, start: str, end: str) -> None:
    assert there(words) == (f"{start} 00:00", f"{end} 00:00")


@pytest.mark.parametrize(
    ("words", "moment"),
    [
        ("5pm", "2026-05-14 17:00"),
        ("1pm", "2026-05-15 13:00"),
        ("5 p.m.", "2026-05-14 17:00"),
        ("5.06 pm", "2026-05-14 17:06"),
        ("17:30", "2026-05-14 17:30"),
        ("17:00", "2026-05-14 17:00"),
        ("17h30", "2026-05-14 17:30"),
        ("9:15", "2026-05-15 09:15"),
        ("12 May 17:00", "2026-05-12 17:00"),
        ("12.05. 17:00", "2026-05-12 17:00"),
        ("5/12 5pm", "2026-05-12 17:00"),
        ("12.05.2025 at 5 pm", "2025-05-12 17:00"),
        ("friday 9:15", "2026-05-15 09:15"),
        ("friday 17:00", "2026-05-08 17:00"),
        ("last 3h", "2026-05-15 11:30"),
        ("noon", "2026-05-15 12:00"),
        ("yesterday 5pm", "2026-05-14 17:00"),
        ("monday at 9:15", "2026-05-11 09:15"),
        ("yesterday 0:00", "2026-05-14 00:00"),
        ("2026-05-12 17:00", "2026-05-12 17:00"),
        ("2026-05-12T17:00:01", "2026-05-12 17:00"),
        ("2 hours ago", "2026-05-15 12:30"),
        ("2026-05-12T10:00Z", "2026-05-12 06:00"),
        ("2026-05-12 10:00 PST", "2026-05-12 14:00"),
    ],
)
def test_a_time_is_a_moment(words: str, moment: str) -> None:
    assert there(words) == (moment, moment)


@pytest.mark.parametrize(
    ("words", "start", "end"),
    [
        ("this morning", "2026-05-15 05:00", "2026-05-15 12:00"),
        ("yesterday afternoon", "2026-05-14 12:00", "2026-05-14 18:00"),
        ("monday evening", "2026-05-11 17:00", "2026-05-12 00:00"),
        ("last night", "2026-05-14 20:00", "2026-05-15 06:00"),
    ],
)
def test_a_part_of_a_day_is_all_of_it(words: str, start: str, end: str) -> None:
    assert there(words) == (start, end)


@pytest.mark.parametrize(
    "words",
    [
        *("", " ", "foo", "99", "12", "12th", "the 12", "3 4", "0", "a", "an", "two", "1715000000"),
        *("31 feb", "2026-02-30", "2026-13-01", "0001-01-01", "9999-12-31", "9999", "1969"),
        *("monday tuesday", "12 may sure", "1000000 days ago", "9" * 40 + " years ago", "ago"),
        *(
            "10.30",
            "17.00",
            "13.13",
            "32.1",
            "0.5",
            "29.02.2023",
            "1.2.3",
            "10.30.15",
            "12.13.2025",
        ),
        *("yesterday 10.30", "monday 10.30", "12 may 17.30", "2026-05-12 10.30", "12.05. 10.30"),
        *("10,30", "10'30", "10-30", "10 30", "3 5 2025", "13/2025", "10.30est", "1.5. 2.5."),
        *("yesterday 10", "today at 10", "monday 10", "10 monday", "12 may 10", "at 10", "17h"),
        *("week", "me", "and", "@x", "#x", "<@U1>", "\x00", "٣", "²"),
    ],
)
def test_what_is_no_date_or_a_guess_is_none(words: str) -> None:
    assert span(words) is None


@pytest.mark.parametrize(
    ("languages", "words", "day"),
    [
        (("de",), "Montag", date(2026, 5, 11)),
        (("de-DE",), "3. Mai", date(2026, 5, 3)),
        (("de",), "12/5/2026", date(2026, 5, 12)),
        (("en-GB",), "12/5/2026", date(2026, 5, 12)),
        (("en_US",), "5/12/2026", date(2026, 5, 12)),
        (("fr-FR",), "hier", date(2026, 5, 14)),
        (("ja-JP",), "昨日", date(2026, 5, 14)),
        (("ru",), "понедельник", date(2026, 5, 11)),
        (("fr", "xx-YY"), "monday", date(2026, 5, 11)),
        (("tlh", ""), "monday", date(2026, 5, 11)),
        ((), "monday", date(2026, 5, 11)),
    ],
)
def test_a_person_is_understood_in_their_language_and_in_english(
    languages: tuple[str, ...], words: str, day: date
) -> None:
    found = span(words, languages=languages)
    assert found
    assert found.start == beginning(day, timezone=NEW_YORK)


LANGUAGES = ("en", "en-US", "en-GB", "de-DE", "fr-CA", "sv-SE", "ja-JP", "hu", "ko", "fa", "ar")
MONDAY = datetime(2026, 5, 11, 14, 30, tzinfo=NEW_YORK)


def days(found: Span | None) -> list[date]:
    """The days of a span, if it is of whole ones."""
    assert found
    first, last = found.start.astimezone(NEW_YORK), found.end.astimezone(NEW_YORK)
    assert first < last
    assert (first.hour, first.minute, last.hour, last.minute) == (0, 0, 0, 0)
    return [first.date() + timedelta(days=ahead) for ahead in range((last - first).days)]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("05.06.", date(2025, 6, 5)),
        ("05.06", date(2025, 6, 5)),
        ("5.6.", date(2025, 6, 5)),
        ("12.05", date(2025, 5, 12)),
        ("12. 5.", date(2025, 5, 12)),
        ("10.5.", date(2026, 5, 10)),
        ("11.05", date(2026, 5, 11)),
        ("31.12.", date(2025, 12, 31)),
        ("29.2.", date(2024, 2, 29)),
        ("05.06.2025", date(2025, 6, 5)),
        ("3. 5. 2025", date(2025, 5, 3)),
        ("12.05.25", date(2025, 5, 12)),
        ("12.05.26", date(2026, 5, 12)),
        ("31.12.99", date(1999, 12, 31)),
    ],
)
def test_with_dots_the_day_comes_before_the_month_in_every_language(
    language: str, words: str, day: date
) -> None:
    assert days(span(words, now=MONDAY, languages=(language,))) == [day]


@pytest.mark.parametrize(
    ("language", "words", "day"),
    [
        ("en-GB", "12/5", date(2025, 5, 12)),
        ("en-US", "12/5", date(2025, 12, 5)),
        ("en", "12/5", date(2025, 12, 5)),
        ("en-US", "5/12", date(2025, 5, 12)),
        ("en-GB", "10/5", date(2026, 5, 10)),
        ("en-US", "5/11", date(2026, 5, 11)),
        ("de-DE", "12/5", date(2025, 5, 12)),
        ("sv-SE", "12/5", date(2025, 5, 12)),
        ("ja-JP", "5/10", date(2026, 5, 10)),
        ("en-US", "31/12", date(2025, 12, 31)),
        ("en-GB", "12/31", date(2025, 12, 31)),
        ("en-GB", "1/2/24", date(2024, 2, 1)),
        ("en-US", "1/2/24", date(2024, 1, 2)),
        ("nl-NL", "01-02-2024", date(2024, 2, 1)),
        ("en-US", "01-02-2024", date(2024, 1, 2)),
    ],
)
def test_with_slashes_the_language_says_which_comes_first(
    language: str, words: str, day: date
) -> None:
    assert days(span(words, now=MONDAY, languages=(language,))) == [day]


@pytest.mark.parametrize("words", ["17 Uhr", "17.00 Uhr", "17:00 Uhr", "17:00"])
def test_german_times_may_have_a_dot_before_uhr(words: str) -> None:
    moment = datetime(2026, 5, 10, 17, tzinfo=NEW_YORK)
    assert span(words, now=MONDAY, languages=("de-DE",)) == Span(start=moment, end=moment)


def test_a_time_without_a_date_is_todays_or_yesterdays() -> None:
    for hour in range(24):
        found = span(f"{hour}:00", now=MONDAY)
        assert found
        assert timedelta() <= MONDAY - found.start < timedelta(days=1)


WEEKDAYS = {
    "en": ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    "de": ("montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag", "sonntag"),
    "fr": ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    "ja": ("月曜日", "火曜日", "水曜日", "木曜日", "金曜日", "土曜日", "日曜日"),
}


@pytest.mark.parametrize("language", WEEKDAYS)
@pytest.mark.parametrize("ahead", range(7))
def test_a_weekday_is_the_last_one_up_to_today(language: str, ahead: int) -> None:
    now = MONDAY + timedelta(days=ahead)
    for weekday, name in enumerate(WEEKDAYS[language]):
        day = now.date() - timedelta(days=(now.weekday() - weekday) % 7)
        assert days(span(name, now=now, languages=(language,))) == [day]


@pytest.mark.parametrize("ahead", range(7))
def test_last_before_a_weekday_never_means_today(ahead: int) -> None:
    now = MONDAY + timedelta(days=ahead)
    for weekday, name in enumerate(WEEKDAYS["en"]):
        day = now.date() - timedelta(days=(now.weekday() - weekday - 1) % 7 + 1)
        assert days(span(f"last {name}", now=now)) == [day]


@pytest.mark.parametrize("words", ["7 days ago", "4 may", "monday 4 may", "4.5.", "2026-05-04"])
def test_a_day_a_week_ago_stays_a_week_ago(words: str) -> None:
    assert days(span(words, now=MONDAY)) == [date(2026, 5, 4)]


@pytest.mark.parametrize(
    ("timezone", "day", "hours"),
    [
        (NEW_YORK, "2026-03-08", 23),
        (NEW_YORK, "2026-11-01", 25),
        (AUCKLAND, "2026-04-05", 25),
        (AUCKLAND, "2026-09-27", 23),
        (KOLKATA, "2026-03-08", 24),
        # Clocks go from 0:00 to 1:00, so that the day begins at 1:00.
        (ZoneInfo("Africa/Cairo"), "2026-04-24", 23),
    ],
)
def test_a_day_on_which_clocks_change_is_shorter_or_longer(
    timezone: tzinfo, day: str, hours: int
) -> None:
    found = span(day, now=datetime(2026, 12, 1, tzinfo=UTC), timezone=timezone)
    assert found
    assert found.end - found.start == timedelta(hours=hours)


def test_yesterday_is_the_day_before_today_even_where_clocks_changed_in_between() -> None:
    monday = datetime(2026, 3, 9, 0, 30, tzinfo=NEW_YORK)
    assert there("yesterday", now=monday) == ("2026-03-08 00:00", "2026-03-09 00:00")


def test_hours_ago_are_hours_even_where_clocks_changed_in_between() -> None:
    now = datetime(2026, 3, 8, 4, 0, 7, tzinfo=NEW_YORK)
    found = span("3 hours ago", now=now)
    assert found
    assert now.astimezone(UTC) - found.start == timedelta(hours=3)


@pytest.mark.parametrize(
    ("timezone", "today"),
    [(AUCKLAND, date(2026, 5, 16)), (KOLKATA, date(2026, 5, 16)), (NEW_YORK, date(2026, 5, 15))],
)
def test_today_is_the_day_it_is_where_the_person_is(timezone: tzinfo, today: date) -> None:
    now = datetime(2026, 5, 15, 20, tzinfo=UTC)
    found = span("today", now=now, timezone=timezone)
    assert found
    assert found.start == beginning(today, timezone=timezone)
    assert found.start <= now < found.end


def test_a_moment_lies_in_its_day() -> None:
    dates = Dates(now=FRIDAY, timezone=KOLKATA, languages=())
    day = dates.day(datetime(2026, 5, 14, 20, tzinfo=UTC))
    assert day.start == beginning(date(2026, 5, 15), timezone=KOLKATA)
    assert day.end == beginning(date(2026, 5, 16), timezone=KOLKATA)


PIECES = (
    *("monday", "12", "may", "2026", "5pm", "99", "a", "last", "week", "ago", "days", "3", "the"),
    *("of", ".", "-", ":", "/", "1:30", "est", "utc+3", "next", "century", "-3", "+5", "1.5"),
    *("31", "feb", "q1", "2026-w20", "12:60", "noon", "night", "in", "month", "year", "hours"),
)
WORDS = st.lists(st.sampled_from(PIECES) | st.text(max_size=6), max_size=6).map(" ".join)


@settings(deadline=None)  # the first date in a language takes longer
@given(WORDS | st.text(max_size=40), ZONES, st.sampled_from(["en", "de", "zh", "ar"]))
@example("1970-01-01", AUCKLAND, "en")
@example("2199-12-31", NEW_YORK, "en")
def test_any_words_are_none_or_a_span_in_utc(words: str, timezone: tzinfo, language: str) -> None:
    found = span(words, timezone=timezone, languages=(language,))
    if found:
        assert found.start <= found.end
        assert found.start.tzinfo is found.end.tzinfo is UTC
        assert found.start.microsecond == found.end.microsecond == 0


NUMBERS = st.text("0123456789", min_size=1, max_size=4)
DIGITS_AND_DOTS = (
    st.lists(NUMBERS, min_size=1, max_size=4).map(".".join)
    | st.text("0123456789.", max_size=12)
    | st.text("0123456789. ", max_size=12)
    | st.text("٠١٢٣٤٥٦٧٨٩.", max_size=6)
)


@settings(deadline=None)  # the first date in a language takes longer
@given(DIGITS_AND_DOTS, ZONES, st.sampled_from(LANGUAGES))
@example("10.30", UTC, "en-GB")
@example("05.06.", UTC, "de-DE")
@example("\u0661\u0660.\u0663\u0660", UTC, "ar")  # 10.30
@example("\u06f1\u06f0.\u06f3\u06f0", UTC, "fa")
@example("10.30.15", UTC, "en")
def test_digits_and_dots_are_never_a_time_of_day(
    words: str, timezone: tzinfo, language: str
) -> None:
    found = span(words, timezone=timezone, languages=(language,))
    if found:
        first, last = (when.astimezone(timezone) for when in (found.start, found.end))
        assert first.date() < last.date()
        for when in (first, last):
            assert when.astimezone(UTC) == beginning(when.date(), timezone=timezone)


@settings(deadline=None)  # the first date in a language takes longer
@given(st.dates(date(1971, 1, 1), date(2026, 5, 15)), st.sampled_from(LANGUAGES))
def test_a_day_is_the_same_with_dots_and_in_iso(day: date, language: str) -> None:
    dotted = f"{day.day}.{day.month:02}.{day.year}."
    assert span(dotted, languages=(language,)) == span(day.isoformat(), languages=(language,))


@settings(deadline=None)  # the first date in a language takes longer
@given(st.dates(date(1971, 1, 1), date(2198, 12, 31)), ZONES)
def test_a_day_ends_where_the_next_begins(day: date, timezone: tzinfo) -> None:
    first = span(day.isoformat(), timezone=timezone)
    second = span((day + timedelta(days=1)).isoformat(), timezone=timezone)
    assert first
    assert second
    assert first.end == second.start


def test_a_date_is_read_within_a_fraction_of_the_three_seconds_that_slack_waits() -> None:
    span("monday")
    start = time.thread_time()
    for words in ("foo bar", "12 may", "since", "last week", "mondy"):
        span(words)
    assert time.thread_time() - start < 0.3
