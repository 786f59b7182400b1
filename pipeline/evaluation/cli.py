"""`findme eval lfw | event`; like `pipeline.cli`, it imports nothing heavy by itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.ports import FaceReader
    from pipeline.settings import Settings
    from pipeline.wiring import Runtime

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
PLOT = click.option(
    "--plot",
    "plot_path",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Save scores and ROC as a PNG.",
)
ENGINE = click.option("--engine", "engine_name", help="Instead of FINDME_ENGINE.")
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group("eval")
def evaluate() -> None:
    """Measure how well faces are told apart and people found."""


@evaluate.command("lfw")
@click.argument("folder", type=FOLDER)
@AS_JSON
@PLOT
@ENGINE
def eval_lfw(
    folder: Path, *, as_json: bool, plot_path: Path | None, engine_name: str | None
) -> None:
    """Labeled Faces in the Wild: accuracy by its protocol, and true accepts over all pairs.

    FOLDER holds lfw-pairs.tar (or folders Name/Name_0001.jpg) and pairs.txt. Where a picture shows
    several faces, the one nearest to its centre is taken: LFW's pictures are deep-funneled.
    """
    from pipeline.evaluation.lfw import evaluate_lfw, open_lfw  # noqa: PLC0415
    from pipeline.evaluation.pictures import threads_of  # noqa: PLC0415
    from pipeline.evaluation.report import lfw_plot, print_lfw  # noqa: PLC0415

    _check_plot(plot_path)
    lfw = open_lfw(folder)
    settings, engine = _engine(engine_name)
    report = evaluate_lfw(lfw, engine, threads=threads_of(settings.findme_workers))
    print_lfw(report, as_json=as_json)
    if plot_path:
        lfw_plot(report, plot_path)


@evaluate.command("event")
@click.argument("folders", metavar="FOLDER...", type=FOLDER, nargs=-1, required=True)
@click.option("--together", is_flag=True, help="One index for all; a name means one person.")
@click.option(
    "--strangers",
    type=click.Path(exists=True, path_type=Path),
    help="Index these photos too: a tar or folder of people who were not there (LFW).",
)
@click.option(
    "--strangers-limit", type=click.IntRange(min=1), help="Only the first so many of them."
)
@click.option(
    "--same",
    "same_as",
    multiple=True,
    metavar="PERSON=STRANGER",
    help="A stranger who is a person after all, like rachel=Jennifer_Aniston; may be repeated. "
    "Their photos count neither way for that person.",
)
@click.option(
    "--own-curve", is_flag=True, help="Judge by the engine's own thresholds, not the index's."
)
@click.option("--no-expansion", is_flag=True, help="Search with the portrait alone.")
@AS_JSON
@PLOT
@ENGINE
def eval_event(
    folders: tuple[Path, ...],
    *,
    together: bool,
    strangers: Path | None,
    strangers_limit: int | None,
    same_as: tuple[str, ...],
    own_curve: bool,
    no_expansion: bool,
    as_json: bool,
    plot_path: Path | None,
    engine_name: str | None,
) -> None:
    """Events of which it is known who is in which photo: what each portrait finds, and misses.

    Each FOLDER holds people/NAME/* (portraits), photos/* and truth.json:
    {"photos": {photo: [names]}, "hard": {photo: [names]}}. Who is "hard" to see in a photo counts
    neither way. The index is made anew, in a temporary folder; yours is not touched.
    """
    from pipeline.evaluation.event import evaluate_events  # noqa: PLC0415
    from pipeline.evaluation.pictures import open_pictures  # noqa: PLC0415
    from pipeline.evaluation.report import event_plot, print_events  # noqa: PLC0415
    from pipeline.evaluation.strangers import read_same  # noqa: PLC0415
    from pipeline.evaluation.truth import read_event  # noqa: PLC0415

    _check_plot(plot_path)
    if strangers is None and (strangers_limit or same_as):
        raise UsageError("--strangers-limit and --same go with --strangers.")
    events = [read_event(folder) for folder in folders]
    others = open_pictures(strangers).first(strangers_limit) if strangers else None
    same = read_same(same_as, events, others)
    settings, engine = _engine(engine_name)
    report = evaluate_events(
        events,
        settings=settings,
        engine=engine,
        together=together,
        strangers=others,
        same=same,
        learn=not own_curve,
        expand=not no_expansion,
    )
    print_events(report, as_json=as_json)
    if plot_path:
        event_plot(report, plot_path)


@click.command("calibrate")
@AS_JSON
@PLOT
def calibrate(*, as_json: bool, plot_path: Path | None) -> None:
    """Show the thresholds: the engine's own, what this index makes of them, and why.

    With several workspaces in one database, the plot shows the one with the most faces.
    """
    from pipeline.evaluation.calibration import (  # noqa: PLC0415
        calibration_plot,
        calibrations,
        print_calibrations,
    )

    _check_plot(plot_path)
    runtime = _runtime()
    try:
        found = calibrations(runtime)
    finally:
        runtime.close()
    print_calibrations(found, as_json=as_json)
    if plot_path and found:
        calibration_plot(max(found, key=lambda one: one.faces), plot_path)


def _engine(name: str | None) -> tuple[Settings, FaceReader]:
    """The settings, and the engine that they or `name` ask for."""
    runtime = _runtime(name)
    # A runtime opens its database when that is first used: here, never.
    return runtime.settings, runtime.reader


def _runtime(engine_name: str | None = None) -> Runtime:
    """For a command that draws its own progress: only errors are logged."""
    from pipeline.logs import set_up_logs  # noqa: PLC0415
    from pipeline.settings import Settings, load  # noqa: PLC0415
    from pipeline.wiring import Runtime  # noqa: PLC0415

    settings = load(Settings, **({"findme_engine": engine_name} if engine_name else {}))
    set_up_logs("debug" if settings.findme_log == "debug" else "error")
    return Runtime(settings)


def _check_plot(path: Path | None) -> None:
    """Before a minute's work, not after it."""
    if path is None:
        return
    from pipeline.evaluation.plots import need_matplotlib  # noqa: PLC0415

    need_matplotlib()
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent} is no folder to save a plot in.")
