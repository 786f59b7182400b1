"""`/findme` from command in to answer out, alone and together, idle and during a backfill."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tests.benchmarks.asking import TOGETHER, Load, Measured, open_office
from tests.benchmarks.results import Figure, Goal, Options, Result, Table, percentile
from tests.benchmarks.running import FINDME, NotHereError

ACK_GOAL_MS = 100.0
ALONE_GOAL_MS = 300.0
TOGETHER_GOAL_MS = 1500.0
BUSY_SHARE = 0.9
"""Of all cores: less, and the backfill is none."""

EVEN = """
from pipeline import priority
priority.INDEXING_NICENESS = 0
from bot.cli import main
main(["bot"])
"""
"""The bot as it would be if indexing had no lower priority."""

IDLE, BACKFILL, EVEN_BACKFILL = "idle", "backfill", "backfill, even priority"
NOTES = (
    "Bot, PostgreSQL and decoders are processes of their own; its people are here.",
    "Slack's rate limits are off, and there is no network in between.",
    "CPU ms of a question: the bot (in a backfill with the indexing), the workspace (its thread).",
    "backfill: 12-megapixel photos with some faces, as many workers as cores.",
    "left: photos still pending at the end of the row; cores busy: whoever used them.",
    "even priority: the same bot, but that its indexing has the niceness of all else.",
)


def measure(options: Options) -> Result:
    """Tables: times of answers; what a question costs."""
    loads = (
        Load(picture="warm", at_once=1, rounds=5 if options.is_short else 40),
        Load(picture="cold", at_once=1, rounds=3 if options.is_short else 20),
        Load(picture="warm", at_once=TOGETHER, rounds=1 if options.is_short else 3),
        Load(picture="cold", at_once=TOGETHER, rounds=1 if options.is_short else 3),
    )
    large = 300 if options.is_short else 1200
    rows: list[tuple[str, Load, Measured]] = []
    try:
        with open_office(command=(FINDME, "bot")) as office:
            office.furnish(loads, times=2, large=large, options=options)
            office.warm_up()
            rows += [(IDLE, load, office.measure(load)) for load in loads]
            office.begin_backfill()
            rows += [(BACKFILL, load, office.measure(load)) for load in loads]
        with open_office(command=(sys.executable, "-c", EVEN)) as office:
            office.furnish(loads, times=1, large=large, options=options)
            office.warm_up()
            office.begin_backfill()
            rows += [(EVEN_BACKFILL, load, office.measure(load)) for load in loads]
    except NotHereError as error:
        return Result(tables=[Table(title="/findme", rows=[], notes=[f"skipped: {error}"])])
    return Result(
        tables=[
            Table(
                title="/findme: command in to answer out",
                rows=[_row(*row) for row in rows],
                notes=[*NOTES, *_doubts(rows)],
            )
        ],
        goals=_goals(rows),
    )


def _doubts(rows: Sequence[tuple[str, Load, Measured]]) -> list[str]:
    """What makes a row worth less than it seems."""
    return [
        f"NOT a backfill throughout: {while_}, {load.picture}, {load.at_once} at once"
        for while_, load, measured in rows
        if while_ != IDLE and (not measured.left or measured.busy_share < BUSY_SHARE)
    ]


def _row(while_: str, load: Load, measured: Measured) -> dict[str, Figure]:
    return {
        "while": while_,
        "picture": load.picture,
        "at once": load.at_once,
        "asked": len(measured.answers_ms),
        "ack p50 ms": percentile(measured.acks_ms, 0.5),
        "ack p99 ms": percentile(measured.acks_ms, 0.99),
        "answer p50 ms": percentile(measured.answers_ms, 0.5),
        "answer p95 ms": percentile(measured.answers_ms, 0.95),
        "Looking…": measured.spinners,
        "bot CPU ms": measured.bot_cpu_ms,
        "Slack CPU ms": measured.slack_cpu_ms,
        "cores busy": f"{measured.busy_share:.0%}",
        "indexed/s": measured.indexed / measured.took_s,
        "left": measured.left,
    }


def _goals(rows: Sequence[tuple[str, Load, Measured]]) -> list[Goal]:
    goals = []
    for while_, load, measured in rows:
        if while_ == EVEN_BACKFILL:
            continue
        what = f"{while_}, {load.picture}, {load.at_once} at once"
        ack = percentile(measured.acks_ms, 0.99)
        goals.append(
            Goal(what=f"ack p99, {what}", reached=ack, sense="≤", bar=ACK_GOAL_MS, unit=" ms")
        )
        bar = ALONE_GOAL_MS if load.at_once == 1 else TOGETHER_GOAL_MS
        answer = percentile(measured.answers_ms, 0.95)
        goals.append(
            Goal(what=f"answer p95, {what}", reached=answer, sense="≤", bar=bar, unit=" ms")
        )
    return goals
