"""`findme reindex`: read all again, or change the engine while searches go on."""

from collections.abc import Sequence

from rich.console import Console

from pipeline.domain.model import IndexCounts, TeamId
from pipeline.errors import FindmeError
from pipeline.shell import console, progress_bar, work_off
from pipeline.usecases.change_engine import Failed
from pipeline.usecases.reindex import NothingToReindexError
from pipeline.wiring import Runtime

FAILED_SHOWN = 20


def reindex_everything(runtime: Runtime, *, leave_failed: bool = False) -> bool:
    """Make each workspace's index anew by this runtime's engine, where its photos are in reach.

    An index of another engine is changed to this one: searches go on with the old one until all
    is done. Returns: whether every index is of this engine now.
    """
    teams = runtime.workspaces.all()
    if not teams:
        raise NothingToReindexError("There is nothing to re-index: run `findme index DIR` first.")
    out = console(stderr=True)
    is_done = True
    for team_id in teams:
        if runtime.workspaces.engine(team_id) == runtime.reader.engine_id:
            runtime.engine_changes.abandon(team_id)
            _read_again(runtime, team_id, out)
        elif team_id in runtime.sources:
            is_done &= _change_engine(runtime, team_id, out, leave_failed=leave_failed)
        else:
            out.print(
                f"Workspace {team_id}: its photos are out of reach here. Set SLACK_BOT_TOKEN and "
                "SLACK_APP_TOKEN, then run this again."
            )
            is_done = False
    return is_done


def _read_again(runtime: Runtime, team_id: TeamId, out: Console) -> None:
    for run in runtime.runs.open(team_id):
        # Whoever began it was stopped, or is told less than this one will tell.
        runtime.runs.finish(team_id, run.run_id)
    try:
        run_id = runtime.reindex(team_id)
    except NothingToReindexError:
        return
    if team_id not in runtime.sources:
        out.print(f"Workspace {team_id}: its photos are queued for the bot.")
        return
    for channel in runtime.workspaces.watched(team_id):
        try:
            runtime.list_channel(team_id, channel.channel_id)
        except FindmeError as error:
            out.print(f"{channel.name}: {error}")
    work_off(runtime, [team_id])
    counts = runtime.photos.counts(team_id, run_id=run_id)
    runtime.runs.finish(team_id, run_id)
    _print_indexed(runtime, team_id, counts, out)


def _change_engine(runtime: Runtime, team_id: TeamId, out: Console, *, leave_failed: bool) -> bool:
    wanted = runtime.reader.engine_id
    present = runtime.workspaces.engine(team_id)
    with progress_bar(out) as bar:
        task = bar.add_task(f"{present} → {wanted}", total=None)
        failed = runtime.change_engine(
            team_id,
            leave_failed=leave_failed,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    is_done = leave_failed or not failed
    _print_failed(failed, out)
    if is_done:
        # What was posted meanwhile, or waited before.
        work_off(runtime, [team_id])
        _print_indexed(runtime, team_id, runtime.photos.counts(team_id), out)
    else:
        out.print(
            f"Workspace {team_id}: {len(failed)} photos can't be fetched, so searches stay with "
            f"{present}. Run this again, or with --leave-failed to go on without them."
        )
    return is_done


def _print_failed(failed: Sequence[Failed], out: Console) -> None:
    for one in failed[:FAILED_SHOWN]:
        out.print(f"  {one.name}: {one.reason}", markup=False)
    if len(failed) > FAILED_SHOWN:
        out.print(f"  and {len(failed) - FAILED_SHOWN} more")


def _print_indexed(runtime: Runtime, team_id: TeamId, counts: IndexCounts, out: Console) -> None:
    out.print(
        f"Workspace {team_id}: {counts.indexed} photos with {counts.faces} faces, "
        f"engine {runtime.reader.engine_id}."
    )
