"""Panels of an index, small and as large as can be."""

from datetime import UTC, datetime

from bot.administration import LAST_ACTS
from bot.pages import Panel
from pipeline.domain.audit import Act, Entry, Noted
from pipeline.domain.model import (
    Channel,
    ChannelId,
    IndexCounts,
    PhotoState,
    Run,
    RunId,
    TeamId,
    UserId,
)
from tests.rendering import WORST_NAME

HUGE = IndexCounts(
    photos=99_999_999,
    pending=9_999_999,
    indexed=9_999_999,
    faces=999_999_999,
    unreadable=9_999_999,
    given_up=9_999_999,
    without_face=9_999_999,
)


def channel(number: int, *, problem: str | None = None) -> Channel:
    return Channel(channel_id=ChannelId(f"C{number:010}"), name=f"party-{number}", problem=problem)


def run(number: int = 1, *, listed: bool = True) -> Run:
    return Run(
        team_id=TeamId("T1"),
        run_id=RunId(number),
        listed=listed,
        notice_channel=None,
        notice_ts=None,
        started_at=datetime(2026, 5, 1, tzinfo=UTC),
    )


def act() -> Noted:
    """With every detail that an act may have."""
    details: dict[str, str | int] = {"channel": "C0000000000"}
    details |= dict.fromkeys(("photos", "faces", "references", "requests"), 999_999_999)
    entry = Entry(
        act=Act.FORGOT_VERDICTS,
        actor_id=UserId("U0000000001"),
        person_id=UserId("U0000000002"),
        details=details,
    )
    return Noted(entry=entry, at=datetime(2026, 5, 1, tzinfo=UTC))


def largest_panel(channels: int = 200) -> Panel:
    """Every channel in trouble, every photo a problem, two runs at once."""
    return Panel(
        engine_id="retail",
        channels=[(channel(each, problem=WORST_NAME), HUGE) for each in range(channels)],
        problems=[(WORST_NAME, PhotoState.GIVEN_UP, WORST_NAME)] * 100,
        runs=[(run(1), HUGE), (run(2, listed=False), HUGE), (run(3), HUGE)],
        audit=[act()] * LAST_ACTS,
    )
