"""What the benchmark draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.evaluation.plots import GENUINE, GREY, MAYBE, SURE, new_figure, save_figure
from tests.benchmarks.results import Figure

Rows = Sequence[Mapping[str, Figure]]


def save_search_plot(path: Path, searched: Rows, built: Rows) -> None:
    """Cost against size: what a search takes (left), what the index takes (right)."""
    figure, left, right = new_figure(
        title="Search: cost against size", subtitle="one whole search as /findme does it"
    )
    for scope, clients, colour in (("all", 1, GENUINE), ("small", 1, SURE), ("all", 8, MAYBE)):
        rows = [row for row in searched if (row["scope"], row["clients"]) == (scope, clients)]
        sizes = [float(row["faces"] or 0) for row in rows]
        label = {"all": "whole workspace", "small": "one small channel"}[scope]
        left.plot(
            sizes,
            [float(row["p95 ms"] or 0) for row in rows],
            color=colour,
            marker="o",
            label=f"{label}, {clients} at once, p95",
        )
    left.axhline(15, color=GREY, linewidth=1, linestyle=":")
    left.set(xscale="log", yscale="log", xlabel="faces in the workspace", ylabel="ms")
    left.legend(frameon=False, fontsize=9)
    indexed = [row for row in built if row["index built in s"] is not None]
    sizes = [float(row["faces"] or 0) for row in indexed]
    right.plot(
        sizes,
        [float(row["index built in s"] or 0) for row in indexed],
        color=GENUINE,
        marker="o",
        label="index built, s",
    )
    right.set(xscale="log", yscale="log", xlabel="faces in the workspace", ylabel="s")
    right.legend(frameon=False, fontsize=9)
    save_figure(figure, path)


def save_ingest_plot(path: Path, rows: Rows) -> None:
    """Milliseconds a photo, ours beside the floor (left), and the share of the floor (right)."""
    figure, left, right = new_figure(
        title="Ingest: from bytes to committed rows",
        subtitle="one core; floor: decode, networks",
    )
    names = [f"{row['megapixels']} MP, {row['faces']} faces" for row in rows]
    places = range(len(rows))
    for offset, column, colour, label in (
        (-0.2, "ms", GENUINE, "Findme"),
        (0.2, "floor ms", GREY, "kernel floor"),
    ):
        values = [float(row[column] or 0) for row in rows]
        left.bar([place + offset for place in places], values, 0.4, color=colour, label=label)
    left.set_xticks(list(places), names, rotation=35, ha="right", fontsize=8)
    left.set_ylabel("ms a photo")
    left.legend(frameon=False, fontsize=9)
    right.bar(list(places), [float(row["of the floor"] or 0) for row in rows], color=SURE)
    right.axhline(0.85, color=MAYBE, linewidth=1.4, linestyle="--")
    right.set_xticks(list(places), names, rotation=35, ha="right", fontsize=8)
    right.set(ylabel="share of the floor", ylim=(0, 1.05))
    figure.subplots_adjust(bottom=0.2)
    save_figure(figure, path)
