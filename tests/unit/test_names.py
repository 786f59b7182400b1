"""Names and days: never an answer withheld for want of a name, and no day of another zone."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest

from bot.files.downloads import Downloads
from bot.names import Names, TimeZonesOfPeople, day
from bot.sandbox import Sandbox, changes
from bot.workspace import SlackWorkspace, web_client
from pipeline.domain.model import ChannelId, EngineId, TeamId, UserId
from pipeline.errors import PersonGoneError, SourceUnavailableError
from pipeline.storage.connect import Database
from pipeline.storage.workspaces import Workspaces

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(scope="module")
def slack() -> Iterator[Sandbox]:
    with Sandbox() as started:
        yield started


@pytest.fixture
def names(slack: Sandbox, database: Database) -> Iterator[Names]:
    downloads = Downloads(token=slack.bot_token, api_url=slack.api_url)
    workspace = SlackWorkspace(web_client(slack.bot_token, slack.api_url), downloads)
    made = Names(workspace, Workspaces(database))
    yield made
    made.close()
    workspace.close()


def test_a_person_goes_by_their_name_and_lives_in_their_zone(slack: Sandbox, names: Names) -> None:
    ann = UserId(slack.people.add_person("Ann Lee", tz="Europe/Berlin").id)
    assert names.people([ann]) == {ann: "Ann Lee"}
    assert names.time_zone_of(ann) == BERLIN
    assert names.languages(ann)[-1] == "en"


def test_nobody_and_a_stranger_are_somebody_who_lives_by_utc(names: Names) -> None:
    assert names.people([]) == {}
    assert names.people([UserId("U999999999")]) == {UserId("U999999999"): "somebody"}
    assert names.time_zone_of(UserId("U999999999")) == ZoneInfo("UTC")
    assert names.languages(UserId("U999999999")) == ["en"]


def test_a_zone_that_is_not_known_here_is_told_by_its_offset(slack: Sandbox, names: Names) -> None:
    person = slack.people.add_person("Bo")
    changes.update_person(slack.workspace, person.id, tz="Moon/Tranquility", tz_offset_s=-12_600)
    assert names.time_zone_of(UserId(person.id)) == timezone(timedelta(hours=-3, minutes=-30))


def test_whose_account_was_closed_is_gone_but_keeps_a_name(slack: Sandbox, names: Names) -> None:
    person = slack.people.add_person("Cy Roe")
    slack.people.deactivate(person)
    with pytest.raises(PersonGoneError):
        names.time_zone_of(UserId(person.id))
    assert names.people([UserId(person.id)]) == {UserId(person.id): "Cy Roe"}


def test_ten_people_are_asked_for_side_by_side_and_no_longer_than_a_second(
    slack: Sandbox, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [UserId(slack.people.add_person(f"No {number}").id) for number in range(10)]
    slack.faults.slow("users.info", delay_s=1.0, times=10)
    started_s = time.monotonic()
    with monkeypatch.context() as patient:
        patient.setattr("bot.names.PATIENCE_S", 20.0)
        found = names.people(people)
    assert time.monotonic() - started_s < 8  # s: one after the other they take ten
    assert "somebody" not in found.values()
    slack.faults.slow("users.info", delay_s=6, times=1)
    late = UserId(slack.people.add_person("Zoe").id)
    started_s = time.monotonic()
    assert names.people([late]) == {late: "somebody"}
    assert time.monotonic() - started_s < 4


def test_for_alerts_a_zone_is_known_or_it_is_none(slack: Sandbox, names: Names) -> None:
    zones = TimeZonesOfPeople(names._workspace)
    dee, eve = (
        UserId(slack.people.add_person(name, tz="Europe/Berlin").id) for name in ("Dee", "Eve")
    )
    slack.faults.fail("users.info", error="some_error")
    with pytest.raises(SourceUnavailableError):
        zones.time_zone_of(dee)
    assert zones.time_zone_of(dee) == BERLIN
    slack.people.deactivate(slack.workspace.person(eve))
    for gone in (eve, UserId("U999999999")):
        with pytest.raises(PersonGoneError):
            zones.time_zone_of(gone)


def test_channels_are_named_if_they_are_watched(names: Names, database: Database) -> None:
    team, channels = TeamId("T1"), Workspaces(database)
    channels.claim(team, EngineId("retail"))
    channels.watch(team, ChannelId("C1"), "offsite")
    channels.watch(team, ChannelId("C2"), "secret")
    channels.exclude(team, ChannelId("C2"))
    assert names.channels(team) == {ChannelId("C1"): "offsite"}


@pytest.mark.parametrize(
    ("when", "now", "zone", "told"),
    [
        ("2026-05-12T10:00", "2026-06-01T10:00", UTC, "12 May"),
        ("2025-05-12T10:00", "2026-06-01T10:00", UTC, "12 May 2025"),
        # Late in the evening in UTC it is the next day, month and year in Berlin.
        ("2025-12-31T23:30", "2026-06-01T10:00", BERLIN, "1 January"),
        ("2025-12-31T23:30", "2026-06-01T10:00", UTC, "31 December 2025"),
        ("2025-12-31T22:30", "2025-12-31T23:30", BERLIN, "31 December 2025"),
    ],
)
def test_a_day_is_that_of_the_readers_zone_with_its_year_if_it_is_another(
    when: str, now: str, zone: tzinfo, told: str
) -> None:
    at, moment = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (when, now))
    assert day(at, now=moment, zone=zone) == told
