"""Nobody is written to at night, by their own clock, whatever that clock does."""

from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from pipeline.domain.alerts import Quiet

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from(
    [
        UTC,
        BERLIN,
        ZoneInfo("America/St_Johns"),
        ZoneInfo("Pacific/Apia"),
        ZoneInfo("Australia/Lord_Howe"),
        timezone(timedelta(hours=-9, minutes=-30)),
    ]
)
# From 2009 to 2040.
MOMENTS = st.integers(1_230_768_000, 2_208_988_800).map(lambda s: datetime.fromtimestamp(s, UTC))


def at(text: str, zone: tzinfo = UTC) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-05-01T20:59:59", None),
        ("2026-05-01T21:00:00", "2026-05-02T08:00:00"),
        ("2026-05-01T23:59:59", "2026-05-02T08:00:00"),
        ("2026-05-02T00:00:00", "2026-05-02T08:00:00"),
        ("2026-05-02T07:59:59", "2026-05-02T08:00:00"),
        ("2026-05-02T08:00:00", None),
    ],
)
def test_the_night_goes_from_nine_to_eight(now: str, until: str | None) -> None:
    assert Quiet().until(at(now), UTC) == (until and at(until))


def test_the_night_is_where_the_person_is() -> None:
    noon = at("2026-05-01T12:00:00")

    assert Quiet().until(noon, BERLIN) is None
    assert Quiet().until(noon, ZoneInfo("Asia/Tokyo")) == at("2026-05-01T23:00:00")


def test_the_morning_comes_by_the_clock_that_was_put_forward() -> None:
    # Eight o'clock in summer time, after a night of ten hours.
    assert Quiet().until(at("2026-03-28T21:00:00", BERLIN), BERLIN) == at("2026-03-29T06:00:00")


def test_the_morning_comes_by_the_clock_that_was_put_back() -> None:
    assert Quiet().until(at("2026-10-24T21:00:00", BERLIN), BERLIN) == at("2026-10-25T07:00:00")


def test_a_nap_within_one_day_ends_on_that_day() -> None:
    nap = Quiet(begins=time(13), ends=time(14))

    assert nap.until(at("2026-05-01T13:30:00"), UTC) == at("2026-05-01T14:00:00")
    assert nap.until(at("2026-05-01T14:00:00"), UTC) is None


@given(now=MOMENTS, zone=ZONES, clock=st.times())
def test_hours_without_length_are_none(now: datetime, zone: tzinfo, clock: time) -> None:
    assert Quiet(begins=clock, ends=clock).until(now, zone) is None


@given(now=MOMENTS, zone=ZONES)
def test_the_default_night_is_what_the_clock_on_the_wall_says(now: datetime, zone: tzinfo) -> None:
    hour = now.astimezone(zone).hour

    assert (Quiet().until(now, zone) is not None) == (hour >= 21 or hour < 8)


# Half past two twice, in the hour that comes twice; and not at all.
@example(now=at("2026-10-25T01:10:00"), zone=BERLIN, begins=time(22), ends=time(2, 30))
@example(now=at("2026-10-25T00:10:00"), zone=BERLIN, begins=time(22), ends=time(2, 30))
@example(now=at("2026-03-29T00:10:00"), zone=BERLIN, begins=time(22), ends=time(2, 30))
@example(now=at("2026-03-29T00:10:00"), zone=BERLIN, begins=time(3, 15), ends=time(2, 30))
@given(now=MOMENTS, zone=ZONES, begins=st.times(), ends=st.times())
def test_the_end_of_the_night_is_later_and_no_night(
    now: datetime, zone: tzinfo, begins: time, ends: time
) -> None:
    quiet = Quiet(begins=begins, ends=ends)
    until = quiet.until(now, zone)
    assume(until is not None)

    assert until is not None
    assert now < until <= now + timedelta(hours=50)
    assert quiet.until(until, zone) is None
