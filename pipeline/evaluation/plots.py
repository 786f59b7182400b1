"""One picture of how well an engine separates people: its scores, and its ROC."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import UsageError
from pipeline.evaluation.metrics import BINS, Histogram

GENUINE = "#2563eb"
IMPOSTOR = "#94a3b8"
SURE = "#16a34a"
MAYBE = "#d97706"
INK = "#1e293b"
GREY = "#64748b"
RULE = "#e2e8f0"

_SIZE_IN = (12.0, 5.4)
_DPI = 150
_BARS = 200
_FEW = 2000
_BARS_OF_FEW = 80
# In 30 million pairs what lies further left is the work of a handful of them.
_LOWEST_FAR = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The engine's thresholds, as similarities."""

    sure: float
    maybe: float


def need_matplotlib() -> None:
    """Raises: UsageError, saying how to get it, if matplotlib is missing."""
    try:
        import matplotlib.figure  # noqa: F401, PLC0415
    except ImportError as error:
        raise UsageError(
            "Plots need matplotlib; install it with `.venv/bin/pip install -e '.[demo]'`."
        ) from error


def save_plot(
    path: Path, histogram: Histogram, *, title: str, subtitle: str, counting: str, marks: Marks
) -> None:
    """Draw the scores (left, `counting` what) and the ROC (right) as a PNG.

    Raises: UsageError if matplotlib is missing or the file can't be written.
    """
    figure, left, right = new_figure(title=title, subtitle=subtitle)
    _draw_scores(left, histogram, counting=counting, marks=marks)
    _draw_roc(right, histogram, marks=marks)
    save_figure(figure, path)


def new_figure(*, title: str, subtitle: str) -> tuple[Any, Any, Any]:
    """A figure with two axes side by side. Raises: UsageError if matplotlib is missing."""
    need_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=_SIZE_IN, facecolor="white")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, gridspec_kw={"width_ratios": [1.15, 1.0]})
    figure.subplots_adjust(left=0.06, right=0.975, top=0.80, bottom=0.115, wspace=0.2)
    figure.text(0.06, 0.932, title, size=15, weight="bold", color=INK)
    figure.text(0.06, 0.885, subtitle, size=10.5, color=GREY)
    return figure, left, right


def save_figure(figure: Any, path: Path) -> None:
    """As a PNG. Raises: UsageError if the file can't be written."""
    try:
        figure.savefig(path, dpi=_DPI, format="png")
    except OSError as error:
        raise UsageError(f"{path} can't be written: {error.strerror}.") from error


def _draw_scores(axes: Any, histogram: Histogram, *, counting: str, marks: Marks) -> None:
    few = int(histogram.genuine.sum()) < _FEW
    bars = _BARS_OF_FEW if few else _BARS
    edges = np.linspace(-1.0, 1.0, bars + 1)
    highest = 1
    for name, counts, colour in (
        ("impostor", histogram.impostor, IMPOSTOR),
        ("genuine", histogram.genuine, GENUINE),
    ):
        heights = _merged(_without_faceless(counts), bars)
        highest = max(highest, int(heights.max()))
        axes.stairs(heights, edges, fill=True, color=colour, alpha=0.4, lw=0)
        label = f"{name} ({int(counts.sum()):,})"
        axes.stairs(heights, edges, color=colour, lw=1.4, label=label)
    axes.set_ylim(0.7, highest * 30)
    axes.set_yscale("log")
    held = np.flatnonzero(_merged(_without_faceless(histogram.genuine + histogram.impostor), bars))
    if len(held):
        low = min(edges[held[0]], marks.maybe)
        high = max(edges[held[-1] + 1], marks.sure)
        axes.set_xlim(low - 0.03, high + 0.03)
    # Names stand above the frame, each on its own side: the two thresholds may be close.
    for name, at, colour, side, aside in (
        ("maybe", marks.maybe, MAYBE, "right", 5),
        ("sure", marks.sure, SURE, "left", -5),
    ):
        axes.axvline(at, color=colour, lw=1.6, ls=(0, (5, 2)))
        axes.annotate(
            f"{name} {at:.2f}",
            (at, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(aside, 4),
            textcoords="offset points",
            ha=side,
            va="bottom",
            color=colour,
            size=10,
            weight="bold",
        )
    finished(axes, x="cosine similarity", y=counting)
    axes.legend(loc="upper left", frameon=False, fontsize=10, labelcolor=INK)


def _draw_roc(axes: Any, histogram: Histogram, *, marks: Marks) -> None:
    far, tar = histogram.roc()
    # Of fewer than one impostor nothing can be told.
    lowest = max(_LOWEST_FAR, 0.5 / max(1, int(histogram.impostor.sum())))
    # A threshold above every impostor has no place on a log axis; it stands at its left edge.
    far = np.concatenate([[lowest], np.maximum(far, lowest), [1.0]])
    tar = np.concatenate([[0.0], tar, [1.0]])
    axes.step(far, tar, where="post", color=GENUINE, lw=2.0)
    axes.set_xscale("log")
    axes.set_xlim(lowest, 1.0)
    bottom = float(tar[np.searchsorted(far, lowest, side="right") - 1])
    for name, at, colour in (("sure", marks.sure, SURE), ("maybe", marks.maybe, MAYBE)):
        far_at, tar_at = _at(histogram, at)
        bottom = min(bottom, tar_at)
        axes.plot(
            [max(far_at, lowest)],
            [tar_at],
            "o",
            color=colour,
            ms=9,
            mec="white",
            mew=1.5,
            zorder=3,
            clip_on=False,
            label=f"{name}: TAR {tar_at:.3f} at FAR {far_at:.1e}"
            if far_at
            else f"{name}: TAR {tar_at:.3f}, no false accept",
        )
    room = max(1.0 - bottom, 0.01)
    axes.set_ylim(bottom - 0.12 * room, 1.0 + 0.05 * room)
    finished(axes, x="false accept rate (FAR)", y="true accept rate (TAR)")
    axes.legend(loc="lower right", frameon=False, fontsize=10, labelcolor="linecolor")


def _at(histogram: Histogram, threshold: float) -> tuple[float, float]:
    """FAR and TAR at a threshold, to a bin."""
    first = int(np.clip(round((threshold + 1.0) * (BINS / 2)), 0, BINS))
    far, tar = (
        float(counts[first:].sum() / max(1, counts.sum()))
        for counts in (histogram.impostor, histogram.genuine)
    )
    return far, tar


def _merged(counts: NDArray[np.int64], bars: int) -> NDArray[np.int64]:
    merged: NDArray[np.int64] = counts.reshape(bars, -1).sum(axis=1)
    return merged


def _without_faceless(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pairs without a face lie at -1, far from all others, and would squeeze them together."""
    kept = counts.copy()
    kept[0] = 0
    return kept


def finished(axes: Any, *, x: str, y: str) -> None:
    """Name the axes and leave out what says nothing."""
    axes.set_xlabel(x, color=GREY, size=10.5)
    axes.set_ylabel(y, color=GREY, size=10.5)
    axes.tick_params(colors=GREY, labelsize=9.5, which="both", length=0)
    axes.grid(visible=True, color=RULE, lw=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(RULE)
