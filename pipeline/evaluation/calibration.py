"""What `findme calibrate` shows: how alike strangers are, to the engine and in this index.

`--json` prints a list, one object for each workspace:

- `workspace`, `engine`, `faces` (in the index)
- `own` and `learned`: `sure` and `maybe`, similarities of a small index: the engine's, and as the
  index moves them
- `together_own` and `together_here`: `centre`, `spread` and `pairs` of faces that share a photo,
  where the engine was measured and in this index (null where there are too few, or nobody measured)
- `now_own` and `now`: `sure` and `maybe` for an index of so many faces, before a search has seen
  its own crowd
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE
from rich.table import Table

from pipeline.domain.calibration import (
    MAYBE_FALSE_MATCHES,
    SURE_FALSE_MATCHES,
    Curve,
    Impostors,
    impostors_of,
    learned,
    limits_for,
)
from pipeline.domain.model import EngineId, TeamId
from pipeline.evaluation.plots import (
    GREY,
    IMPOSTOR,
    INK,
    MAYBE,
    SURE,
    finished,
    new_figure,
    save_figure,
)
from pipeline.shell import console
from pipeline.wiring import Runtime

_BINS = 60
_MOST_FACES = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """One workspace's index; `together` are the similarities (N,) of faces that share a photo."""

    team_id: TeamId
    engine_id: EngineId
    faces: int
    own: Curve
    seen: Impostors | None
    together: NDArray[np.float32]

    @property
    def learned(self) -> Curve:
        """The engine's curve as this index moves it."""
        return learned(self.own, self.seen)

    def now(self, curve: Curve, faces: int | None = None) -> tuple[float, float]:
        """The similarities of *sure* and *maybe* in an index of this size, or another one."""
        limits = limits_for(curve, own=self.own, faces=self.faces if faces is None else faces)
        return 1.0 - limits.sure_distance, 1.0 - limits.maybe_distance


def calibrations(runtime: Runtime) -> list[Calibration]:
    """Of every workspace in the index. Raises EngineMismatchError, DatabaseUnavailableError."""
    found = []
    for team_id in runtime.workspaces.all():
        reader = runtime.engines.of(team_id)
        together = runtime.faces.together(team_id, engine_id=reader.engine_id)
        found.append(
            Calibration(
                team_id=team_id,
                engine_id=reader.engine_id,
                faces=runtime.faces.count(team_id, engine_id=reader.engine_id),
                own=reader.curve,
                seen=impostors_of(together),
                together=together,
            )
        )
    return found


def print_calibrations(found: Sequence[Calibration], *, as_json: bool) -> None:
    """A table and a sentence for each workspace, or JSON."""
    if as_json:
        json.dump([_as_json(one) for one in found], sys.stdout, indent=2)
        sys.stdout.write("\n")
        return
    out = console()
    if not found:
        out.print("There is no index yet: run `findme index DIR` first.")
    for one in found:
        table = Table("similarity", "sure", "maybe", "in-photo pairs", "centre", "spread")
        table.box = SIMPLE
        _row(table, "engine, small index", (one.own.sure, one.own.maybe), one.own.together)
        _row(table, "this index, small", (one.learned.sure, one.learned.maybe), one.seen)
        _row(table, f"engine, {one.faces:,} faces", one.now(one.own))
        _row(table, f"this index, {one.faces:,} faces", one.now(one.learned))
        out.print(f"Workspace {one.team_id}, engine {one.engine_id}")
        out.print(table)
        out.print(_sentence(one), highlight=False)


def calibration_plot(one: Calibration, path: Path) -> None:
    """Draw similarities of faces that share a photo, and the thresholds by size, as a PNG.

    Raises: UsageError if matplotlib is missing or the file can't be written.
    """
    figure, left, right = new_figure(
        title=f"How alike strangers are: {one.team_id}, engine {one.engine_id}",
        subtitle=_sentence(one),
    )
    _draw_together(left, one)
    _draw_thresholds(right, one)
    save_figure(figure, path)


def _draw_together(axes: Any, one: Calibration) -> None:
    if len(one.together):
        axes.hist(
            one.together,
            bins=_BINS,
            density=True,
            color=IMPOSTOR,
            alpha=0.5,
            label=f"faces that share a photo ({len(one.together):,} pairs)",
        )
    similarity = np.linspace(-0.5, 1.0, 600)
    for impostors, colour, label in (
        (one.own.together, GREY, "where the engine was measured"),
        (one.seen, INK, "this index, without outliers"),
    ):
        if impostors is not None and impostors.spread > 0:
            z = (similarity - impostors.centre) / impostors.spread
            density = np.exp(-z * z / 2) / (impostors.spread * np.sqrt(2 * np.pi))
            axes.plot(similarity, density, color=colour, lw=1.8, label=label)
    sure, maybe = one.now(one.learned)
    axes.axvline(sure, color=SURE, lw=1.6, ls=(0, (5, 2)), label=f"sure {sure:.2f}")
    axes.axvline(maybe, color=MAYBE, lw=1.6, ls=(0, (5, 2)), label=f"maybe {maybe:.2f}")
    # Cosines of some engines lie all near 1.
    centre = one.own.together.centre if one.own.together else one.own.maybe
    axes.set_xlim(centre - 1.5 * (one.own.sure - centre), min(1.0, 2 * one.own.sure - centre))
    axes.set_ylim(top=axes.get_ylim()[1] * 1.35)
    finished(axes, x="cosine similarity", y="density")
    axes.legend(loc="upper left", frameon=False, fontsize=9, labelcolor=INK)


def _draw_thresholds(axes: Any, one: Calibration) -> None:
    sizes = np.geomspace(10, _MOST_FACES, 200)
    for curve, dashes, whose in ((one.own, (0, (4, 3)), "engine"), (one.learned, "-", "here")):
        both = np.array([one.now(curve, int(size)) for size in sizes])
        for column, colour, name in ((0, SURE, "sure"), (1, MAYBE, "maybe")):
            axes.plot(sizes, both[:, column], color=colour, ls=dashes, label=f"{name}, {whose}")
    if one.faces:
        axes.axvline(one.faces, color=GREY, lw=1.2)
        axes.annotate(
            f" {one.faces:,} faces now", (one.faces, axes.get_ylim()[0]), color=GREY, size=9.5
        )
    axes.set_xscale("log")
    finished(axes, x="faces in the index", y="similarity that is asked for")
    axes.legend(loc="lower right", frameon=False, fontsize=9.5, labelcolor=INK)


def _row(
    table: Table, name: str, similarities: tuple[float, float], impostors: Impostors | None = None
) -> None:
    told = (
        ("", "", "")
        if impostors is None
        else (f"{impostors.pairs:,}", f"{impostors.centre:.3f}", f"{impostors.spread:.3f}")
    )
    table.add_row(name, *(f"{similarity:.3f}" for similarity in similarities), *told)


def _sentence(one: Calibration) -> str:
    expected = (
        f"A search may bring {SURE_FALSE_MATCHES} wrong sure and {MAYBE_FALSE_MATCHES:g} wrong "
        "maybe matches on average."
    )
    if one.seen is None:
        return f"{expected} No photo shows several faces yet: the engine's own thresholds hold."
    if one.learned.sure > one.own.sure or one.learned.maybe > one.own.maybe:
        return (
            f"{expected} People here are more alike than elsewhere: closer matches are asked for."
        )
    return f"{expected} People here are no more alike than elsewhere."


def _as_json(one: Calibration) -> dict[str, Any]:
    def both(similarities: tuple[float, float]) -> dict[str, float]:
        return {"sure": round(similarities[0], 4), "maybe": round(similarities[1], 4)}

    return {
        "workspace": one.team_id,
        "engine": one.engine_id,
        "faces": one.faces,
        "own": both((one.own.sure, one.own.maybe)),
        "learned": both((one.learned.sure, one.learned.maybe)),
        "together_own": asdict(one.own.together) if one.own.together else None,
        "together_here": asdict(one.seen) if one.seen else None,
        "now_own": both(one.now(one.own)),
        "now": both(one.now(one.learned)),
    }
