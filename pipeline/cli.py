"""`findme index | search | reindex | worker | migrate | models | eval | calibrate | status`.

Nothing heavy is imported here: `findme --help` answers at once.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.errors import FindmeError, SettingsError, UsageError
from pipeline.evaluation.cli import calibrate, evaluate

if TYPE_CHECKING:
    from pipeline.domain.model import TeamId
    from pipeline.ports import PhotoSource
    from pipeline.wiring import Runtime

MoreSources = Callable[[], "Mapping[TeamId, PhotoSource]"]
"""Given in click's `obj` by whoever knows more places that photos come from (the bot: Slack)."""

EXIT_FAILED = 1
EXIT_USAGE = 2


class FindmeGroup(click.Group):
    """Commands whose FindmeErrors become one sentence and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a FindmeError ends the program with its sentence on stderr."""
        try:
            return super().invoke(ctx)
        except (SettingsError, UsageError) as error:
            click.echo(str(error), err=True)
            ctx.exit(EXIT_USAGE)
        except FindmeError as error:
            click.echo(str(error), err=True)
            ctx.exit(EXIT_FAILED)


def start_runtime(
    sources: Mapping[TeamId, PhotoSource] | None = None, *, engine_name: str | None = None
) -> Runtime:
    """Settings, logs and a runtime for one command; `engine_name` stands for FINDME_ENGINE."""
    from pipeline.logs import set_up_logs  # noqa: PLC0415
    from pipeline.settings import Settings, load  # noqa: PLC0415
    from pipeline.wiring import Runtime  # noqa: PLC0415

    settings = load(Settings, **({"findme_engine": engine_name} if engine_name else {}))
    set_up_logs(settings.findme_log)
    return Runtime(settings, sources=sources)


def _quiet_runtime(
    sources: Mapping[TeamId, PhotoSource] | None = None, *, engine_name: str | None = None
) -> Runtime:
    """A runtime for a command that draws its own progress: only warnings are logged."""
    from pipeline.logs import set_up_logs  # noqa: PLC0415

    runtime = start_runtime(sources, engine_name=engine_name)
    set_up_logs("debug" if runtime.settings.findme_log == "debug" else "error")
    return runtime


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the counts as one JSON object.")
def index(folder: Path, *, as_json: bool) -> None:
    """Index the photos in FOLDER and below it; run it again to take up what is new."""
    from pipeline.folder import LOCAL, channel_of  # noqa: PLC0415
    from pipeline.shell import index_folder, print_counts  # noqa: PLC0415

    runtime = _quiet_runtime()
    try:
        channel_id = channel_of(folder)
        index_folder(runtime, folder)
        counts = runtime.photos.counts(LOCAL, channel_id=channel_id)
        problems = runtime.photos.problems(LOCAL, channel_ids=[channel_id], limit=20)
        print_counts(counts, problems, as_json=as_json)
    finally:
        runtime.close()


@click.command()
@click.argument(
    "selfies",
    metavar="SELFIE...",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    nargs=-1,
    required=True,
)
@click.option("--top", type=click.IntRange(min=1), help="Show at most this many photos.")
@click.option(
    "--in",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Search the photos of this folder only.",
)
@click.option(
    "--sheet",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Save a contact sheet (PNG) with the faces boxed.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the matches as one JSON object.")
@click.pass_obj
def search(
    more_sources: MoreSources | None,
    selfies: tuple[Path, ...],
    *,
    top: int | None,
    folder: Path | None,
    sheet: Path | None,
    as_json: bool,
) -> None:
    """Find the photos that show the person in SELFIE (its largest face); several are better."""
    from pipeline.shell import print_matches, save_matches_sheet, search_everywhere  # noqa: PLC0415

    runtime = _quiet_runtime(_optional_sources(more_sources) if sheet else None)
    try:
        answer = search_everywhere(runtime, *selfies, folder=folder)
        shown = answer.matches[:top] if top else answer.matches
        if sheet:
            save_matches_sheet(runtime, shown, sheet, title=f"Photos of {selfies[0].stem}")
        print_matches(answer, shown, as_json=as_json)
    finally:
        runtime.close()


@click.command()
@click.option("--engine", "engine_name", help="Change the index to this engine.")
@click.option(
    "--leave-failed",
    is_flag=True,
    help="Change the engine although some photos can't be fetched; they are given up.",
)
@click.pass_obj
def reindex(
    more_sources: MoreSources | None, *, engine_name: str | None, leave_failed: bool
) -> None:
    """Read every photo again, with the engine of FINDME_ENGINE or another one.

    An index of another engine is changed: the new faces are filled in beside the old ones, and
    searches, also those of a running bot, stay with the old ones until all are there. Stopped half
    way, it goes on where it was when it is run again.
    """
    from pipeline.shell_reindex import reindex_everything  # noqa: PLC0415

    runtime = _quiet_runtime(_optional_sources(more_sources), engine_name=engine_name)
    try:
        is_done = reindex_everything(runtime, leave_failed=leave_failed)
    finally:
        runtime.close()
    if not is_done:
        raise click.exceptions.Exit(EXIT_FAILED)
    if engine_name:
        click.echo(f"Set FINDME_ENGINE={engine_name} before Findme is started again.", err=True)


@click.command()
@click.pass_obj
def worker(more_sources: MoreSources | None) -> None:
    """Index photos for a bot that runs elsewhere, on the same DATABASE_URL."""
    if more_sources is None:
        raise UsageError("There is no workspace to work for.")
    from pipeline.logs import log_uncaught  # noqa: PLC0415

    runtime = start_runtime(more_sources())
    if runtime.settings.findme_workers == 0:
        raise SettingsError("FINDME_WORKERS is 0: this worker would index nothing; set 1 or more.")
    log_uncaught()
    try:
        team_ids = list(runtime.sources)
        for team_id in team_ids:
            runtime.claim_engine(team_id)
        metrics = runtime.metrics()
        if metrics is not None:
            metrics.start()
        running = runtime.worker(team_ids)
        running.start()
        wait_for_signal(lambda: click.echo("Findme worker is running. Ctrl-C ends it.", err=True))
        running.stop()
        if metrics is not None:
            metrics.stop()
    finally:
        runtime.close()


@click.command()
def migrate() -> None:
    """Bring the database up to date."""
    runtime = _quiet_runtime()
    try:
        applied = runtime.migrate()
    finally:
        runtime.close()
    click.echo(f"Applied: {', '.join(applied)}." if applied else "The database is up to date.")


@click.group()
def models() -> None:
    """The weights of the face networks."""


@models.command("pull")
def models_pull() -> None:
    """Download the weights of FINDME_ENGINE and verify them."""
    from pipeline.domain.model import EngineId  # noqa: PLC0415
    from pipeline.vision.engines import recipe  # noqa: PLC0415

    runtime = _quiet_runtime()
    files = recipe(EngineId(runtime.settings.findme_engine)).weights
    runtime.weights.pull(files)
    click.echo(f"{len(files)} files are in {runtime.settings.findme_models_dir}, verified.")


@models.command("list")
def models_list() -> None:
    """Say which weights are there."""
    from pipeline.shell import print_weights  # noqa: PLC0415

    print_weights(_quiet_runtime())


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as one JSON object.")
@click.option("--channels", is_flag=True, help="Count each channel, however large the index is.")
def status(*, channels: bool, as_json: bool) -> None:
    """Say what is indexed, what waits and what failed, how fast it goes and how long it takes."""
    from pipeline.shell_status import print_status  # noqa: PLC0415

    runtime = _quiet_runtime()
    try:
        print_status(runtime, channels=channels, as_json=as_json)
    finally:
        runtime.close()


def wait_for_signal(begun: Callable[[], object] = lambda: None) -> None:
    """Return at SIGINT or SIGTERM; `begun` is called once they are heeded.

    Python runs a handler between two steps of the main thread. If the signal comes just before
    that blocks on a lock, no step follows: it waits for ever. A file is written to by the signal
    itself, and stays readable.
    """
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    before = signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    ends = (signal.SIGINT, signal.SIGTERM)
    try:
        for number in ends:
            signal.signal(number, lambda *_: None)
        begun()
        while os.read(told, 1)[0] not in ends:
            pass
    finally:
        signal.set_wakeup_fd(before)
        os.close(told)
        os.close(tell)


def _optional_sources(more_sources: MoreSources | None) -> Mapping[TeamId, PhotoSource] | None:
    """Slack's photos too, where this machine has its settings; else only what lies on disk."""
    if more_sources is None:
        return None
    try:
        return more_sources()
    except SettingsError:
        return None


COMMANDS: tuple[click.Command, ...] = (
    index,
    search,
    reindex,
    worker,
    migrate,
    models,
    evaluate,
    calibrate,
    status,
)
