"""Somebody who turned alerts on, and the tick that tells them, at any time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.demo.portraits import Who
from bot.names import TimeZonesOfPeople
from bot.sandbox import Channel, Message, Person
from pipeline.usecases.alert_people import AlertPeople
from tests.acceptance.office import Office, lines, snapshot
from tests.acceptance.surfaces import home, press

NOON = (datetime.now(UTC) + timedelta(days=1)).replace(hour=12, minute=0)
"""Long after whatever a test posts was gathered, and not at night in UTC."""


def tick(office: Office, now: datetime = NOON) -> int:
    """What the bot does every 20 s, as if it were `now`; how many were told."""
    edge = office.running.edge
    alert_people = AlertPeople(
        find_photos=edge.find_photos,
        alerts=edge.runtime.alerts,
        people=TimeZonesOfPeople(edge.workspace),
        compose=edge.alerting,
        clock=lambda: now,
    )
    return alert_people(office.running.team_id)


def listening(
    office: Office, who: Who | None = "eileen", tz: str = "UTC"
) -> tuple[Person, Channel]:
    """Somebody who turned alerts on, and a channel with an older photo of them."""
    person = office.person(who, tz=tz)
    channel = office.channel(person)
    office.show(channel, snapshot(who or "eileen", 15))
    press(office, person, home(office, person), "alerts_on")
    return person, channel


def messages(office: Office, who: Person) -> list[Message]:
    return office.slack.people.direct_messages(who)


def linked(message: Message) -> set[str]:
    return {line.permalink for line in lines(message)}


def by_day() -> str:
    """A time zone in which it is noon, more or less."""
    offset = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-offset:+d}" if offset else "Etc/GMT"
