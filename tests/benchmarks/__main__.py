"""`python -m tests.benchmarks [PART...]`: measure, print tables, write bench.json, draw."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table as Drawn

from pipeline.logs import set_up_logs
from tests.benchmarks.results import Figure, Goal, Options, Part, Result, Table

PARTS = {
    "start": "tests.benchmarks.start",
    "ingest": "tests.benchmarks.ingest",
    "workers": "tests.benchmarks.workers",
    "search": "tests.benchmarks.search",
    "latency": "tests.benchmarks.latency",
}


def machine() -> dict[str, Figure]:
    """What the figures were measured on."""
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


def _draw(console: Console, table: Table) -> None:
    drawn = Drawn(*(table.rows[0] if table.rows else ()), title=table.title, title_justify="left")
    for row in table.rows:
        drawn.add_row(*(_written(figure) for figure in row.values()))
    console.print(drawn)
    for note in table.notes:
        console.print(f"  {note}", style="dim")


def _written(figure: Figure) -> str:
    match figure:
        case None:
            return "–"
        case float():
            return f"{figure:,.3g}" if abs(figure) < 100 else f"{figure:,.0f}"
        case int():
            return f"{figure:,}"
        case _:
            return figure


def _told(goal: Goal) -> str:
    mark = "met " if goal.is_met else "MISSED"
    reached, bar = _written(float(goal.reached)), _written(float(goal.bar))
    return f"{mark:6} {goal.what}: {reached}{goal.unit} (goal {goal.sense} {bar}{goal.unit})"


def _as_json(result: Result) -> dict[str, Any]:
    return {
        "tables": [asdict(table) for table in result.tables],
        "goals": [asdict(goal) | {"is_met": goal.is_met} for goal in result.goals],
    }


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(list(PARTS)))
@click.option("--plot", is_flag=True, help="Draw each part into bench-PART.png.")
@click.option("--short", is_flag=True, help="Small sizes: whether it works, not how fast it is.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("bench.json"),
    show_default=True,
    help="Where to write the figures.",
)
def main(parts: tuple[str, ...], *, plot: bool, short: bool, out: Path) -> None:
    """Measure PARTS, or all of them."""
    set_up_logs("error")
    console = Console(width=None if sys.stdout.isatty() else 140)
    known: dict[str, Any] = json.loads(out.read_text()) if out.exists() and parts else {}
    where = machine()
    console.print(", ".join(f"{name} {value}" for name, value in where.items()))
    goals: list[Goal] = []
    for name in parts or PARTS:
        measure: Part = import_module(PARTS[name]).measure
        result = measure(Options(is_short=short))
        for table in result.tables:
            _draw(console, table)
        for goal in result.goals:
            console.print(_told(goal), style="green" if goal.is_met else "red", highlight=False)
        goals += result.goals
        known |= {"machine": where, "is_short": short, name: _as_json(result)}
        out.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")
        if plot and result.plot is not None:
            picture = out.with_name(f"{out.stem}-{name}.png")
            result.plot(picture)
            console.print(f"Drawn: {picture}")
    console.print(f"{sum(goal.is_met for goal in goals)} of {len(goals)} goals met. {out}")


if __name__ == "__main__":
    main()
