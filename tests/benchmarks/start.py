"""How long a program takes until it can be used: `findme --help`, and a bot."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from bot.sandbox import Sandbox
from tests.benchmarks.results import Goal, Options, Result, Rows, Table, percentile
from tests.benchmarks.running import (
    FINDME,
    BotProcess,
    NotHereError,
    folder_for_a_server,
    free_port,
    settings,
)

HELP_GOAL_S = 0.3
BOT_GOAL_S = 3.0
HEALTH_EVERY_S = 0.02
HEALTH_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """One start: until it can be asked, until it says that it is healthy, and the CPU's part."""

    ready_s: float
    healthy_s: float
    cpu_s: float


def measure(options: Options) -> Result:
    """Wall time, from the start of the process."""
    helps = [_help() for _ in range(5 if options.is_short else 21)]
    rows: Rows = [_row("findme --help", [one.ready_s for one in helps], helps)]
    goals = [
        Goal(
            what="`findme --help`, median",
            reached=_median([one.ready_s for one in helps]),
            sense="≤",
            bar=HELP_GOAL_S,
            unit=" s",
        )
    ]
    notes = ["CPU: of the process, its decoders and its database's starter, all cores together."]
    try:
        first, again = _bots(1 if options.is_short else 3, 1 if options.is_short else 5)
    except NotHereError as error:
        return Result(tables=[Table(title="Start", rows=rows, notes=[*notes, str(error)])])
    for name, starts in (("bot, its database made anew", first), ("bot", again)):
        ready = [one.ready_s for one in starts]
        rows = [*rows, _row(f"{name}: hears Slack", ready, starts)]
        rows = [*rows, _row(f"{name}: /healthz", [one.healthy_s for one in starts], starts)]
        goals.append(
            Goal(
                what=f"{name}, median until /healthz",
                reached=_median([one.healthy_s for one in starts]),
                sense="≤",
                bar=BOT_GOAL_S,
                unit=" s",
            )
        )
    return Result(tables=[Table(title="Start", rows=rows, notes=notes)], goals=goals)


def _row(
    what: str, seconds: Sequence[float], starts: Sequence[Started]
) -> dict[str, float | int | str | None]:
    return {
        "what": what,
        "starts": len(seconds),
        "best s": min(seconds),
        "median s": _median(seconds),
        "worst s": max(seconds),
        "median CPU s": _median([one.cpu_s for one in starts]),
    }


def _median(values: Sequence[float]) -> float:
    return percentile(values, 0.5)


def _help() -> Started:
    began_s = time.perf_counter()
    process = subprocess.Popen([FINDME, "--help"], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    took_s = time.perf_counter() - began_s
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return Started(ready_s=took_s, healthy_s=took_s, cpu_s=used.ru_utime + used.ru_stime)


def _bots(first: int, again: int) -> tuple[list[Started], list[Started]]:
    """Starts over a folder with nothing in it, and over one that was used before."""
    made_anew, used_before = [], []
    with Sandbox() as slack:
        for number in range(first):
            with folder_for_a_server() as folder:
                made_anew.append(_bot(slack, folder))
                is_last = number == first - 1
                used_before += [_bot(slack, folder) for _ in range(again if is_last else 0)]
    return made_anew, used_before


def _bot(slack: Sandbox, folder: Path) -> Started:
    port = free_port()
    env = settings(slack, folder, FINDME_PORT=str(port))
    began_s = time.perf_counter()
    bot = BotProcess(env, folder)
    try:
        bot.wait_until_ready()
        ready_s = time.perf_counter() - began_s
        _wait_until_healthy(port)
        healthy_s = time.perf_counter() - began_s
        cpu_s = _cpu_s(bot.process.pid)
    finally:
        bot.end()
    return Started(ready_s=ready_s, healthy_s=healthy_s, cpu_s=cpu_s)


def _wait_until_healthy(port: int) -> None:
    until_s = time.monotonic() + HEALTH_S
    while (
        httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).status_code != httpx.codes.OK
    ):
        assert time.monotonic() < until_s, "it never became healthy"
        time.sleep(HEALTH_EVERY_S)


def _cpu_s(pid: int) -> float:
    """User and system time of a process and of its children that have ended (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")
