"""What the commands of a terminal do and show, over a runtime."""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from pipeline import sheet
from pipeline.domain.arrays import Image
from pipeline.domain.matching import ranked
from pipeline.domain.model import (
    Box,
    ChannelId,
    EngineId,
    IndexCounts,
    Match,
    Photo,
    PhotoState,
    Reference,
    ReferenceKind,
    TeamId,
)
from pipeline.domain.references import combined, usable
from pipeline.errors import FindmeError, UsageError
from pipeline.folder import LOCAL, channel_of
from pipeline.sheet import Cell, save_sheet
from pipeline.usecases.change_engine import Failed
from pipeline.usecases.known_people import read_reference
from pipeline.usecases.match_faces import Person
from pipeline.usecases.reindex import NothingToReindexError
from pipeline.vision.decode import decode
from pipeline.vision.engines import recipe
from pipeline.wiring import Runtime

POLL_EVERY_S = 0.1
STUCK_AFTER_S = 1.0
# Longer than a killed worker's jobs take to be handed on.
PATIENCE_S = 45.0
SHEET_CELLS = 60
FAILED_SHOWN = 20
PIPE_WIDTH = 140


def console(*, stderr: bool = False) -> Console:
    """A terminal as wide as it is; a pipe or file wide enough for whole links."""
    made = Console(stderr=stderr)
    return made if made.is_terminal else Console(stderr=stderr, width=PIPE_WIDTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellAnswer:
    """Matches over every workspace in the index, best first."""

    matches: Sequence[Match]
    teams: dict[int, TeamId]
    faces_in_picture: int


def index_folder(runtime: Runtime, folder: Path) -> None:
    """Bring the folder's photos into the index; those that are gone from disk leave it."""
    channel_id = channel_of(folder)
    runtime.claim_engine(LOCAL)
    runtime.workspaces.watch(LOCAL, channel_id, folder.resolve().name)
    # A folder tells of no deletion: each time all of it is compared.
    runtime.workspaces.compare_anew(LOCAL)
    runtime.list_channel(LOCAL, channel_id)
    work_off(runtime, [LOCAL])


def work_off(runtime: Runtime, team_ids: Sequence[TeamId]) -> None:
    """Run a worker until nothing of these workspaces is pending, with a progress bar."""
    total = _pending(runtime, team_ids)
    if total == 0:
        return
    worker = runtime.worker(list(team_ids))
    with _progress_bar(console(stderr=True)) as bar:
        task = bar.add_task("Indexing", total=total)
        worker.start()
        try:
            left, since = total, time.monotonic()
            while left and time.monotonic() - since < PATIENCE_S:
                time.sleep(POLL_EVERY_S)
                pending = _pending(runtime, team_ids)
                if pending != left:
                    left, since = pending, time.monotonic()
                elif time.monotonic() - since >= STUCK_AFTER_S:
                    # A photo that changed while it was read has no job any more.
                    for team_id in team_ids:
                        runtime.queue.enqueue_pending(team_id)
                bar.update(task, completed=max(0, total - left))
        finally:
            worker.stop()


def _progress_bar(out: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=out,
        transient=True,
        disable=not out.is_terminal,
    )


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
    with _progress_bar(out) as bar:
        task = bar.add_task(f"{present} → {wanted}", total=None)
        failed = runtime.change_engine(
            team_id,
            leave_failed=leave_failed,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    is_done = leave_failed or not failed
    _print_failed(failed, out)
    if is_done:
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


def search_everywhere(runtime: Runtime, *selfies: Path, folder: Path | None = None) -> ShellAnswer:
    """All matches in every workspace, or in one folder, of the person in the selfies.

    Raises: NoFaceInPictureError, UnreadablePhotoError, UsageError if the folder isn't indexed.
    """
    matches: list[Match] = []
    teams: dict[int, TeamId] = {}
    pictures = [selfie.read_bytes() for selfie in selfies]
    references: dict[EngineId, list[Reference]] = {}
    for team_id in [LOCAL] if folder else runtime.workspaces.all():
        runtime.claim_engine(team_id)
        reader = runtime.engines.of(team_id)
        if reader.engine_id not in references:
            references[reader.engine_id] = [
                read_reference(reader, data, kind=ReferenceKind.SELFIE) for data in pictures
            ]
        person = Person(
            engine_id=reader.engine_id,
            query=combined(
                usable(references[reader.engine_id], maybe_similarity=reader.curve.maybe)
            ),
        )
        channel_ids = [channel.channel_id for channel in runtime.workspaces.watched(team_id)]
        if folder:
            channel_ids = _only(channel_ids, folder)
        found = runtime.match_faces(team_id, person, channel_ids)
        teams |= {match.face.photo_id: team_id for match in found}
        matches += found
    faces = [one.faces_in_picture for known in references.values() for one in known]
    return ShellAnswer(matches=ranked(matches), teams=teams, faces_in_picture=max(faces, default=1))


def save_matches_sheet(
    runtime: Runtime, matches: Sequence[Match], path: Path, *, title: str
) -> None:
    """Draw the first matches, their faces boxed, as a PNG."""
    cells = []
    for match in matches[:SHEET_CELLS]:
        face = match.face
        photo = next(
            (
                photo
                for team_id in runtime.sources
                if (photo := runtime.photos.get(team_id, face.photo_id)) is not None
            ),
            None,
        )
        if photo is not None:
            cells.append(_cell(runtime, photo, match))
    save_sheet(path, cells, title=title)


def print_counts(
    counts: IndexCounts, problems: Sequence[tuple[str, PhotoState, str]], *, as_json: bool
) -> None:
    """What `findme index` ends with."""
    if as_json:
        listed = [
            {"name": name, "state": state.value, "reason": why} for name, state, why in problems
        ]
        _echo_json({**_counts(counts), "problems": listed})
        return
    out = console()
    out.print(
        f"{counts.photos} photos: {counts.indexed} indexed with {counts.faces} faces, "
        f"{counts.without_face} of them without a face; {counts.unreadable} unreadable, "
        f"{counts.given_up} given up, {counts.pending} waiting."
    )
    for name, state, why in problems:
        out.print(f"  {name}: {state.value}, {why}", markup=False)


def print_matches(answer: ShellAnswer, shown: Sequence[Match], *, as_json: bool) -> None:
    """What `findme search` answers."""
    if as_json:
        _echo_json(
            {
                "faces_in_picture": answer.faces_in_picture,
                "matches": [
                    {
                        "photo": match.face.photo_name,
                        "similarity": round(match.similarity, 4),
                        "certainty": match.certainty.value,
                        "link": match.face.share.permalink,
                    }
                    for match in shown
                ],
            }
        )
        return
    out = console()
    if answer.faces_in_picture > 1:
        out.print(f"A picture shows {answer.faces_in_picture} faces; the largest one was taken.")
    if not shown:
        out.print("No photo shows this person.")
        return
    out.print(match_table(shown))


def match_table(matches: Sequence[Match]) -> Table:
    """Photo, similarity, certainty and link of each match."""
    table = Table("photo", "similarity", "", Column("link", overflow="fold"), box=SIMPLE)
    for match in matches:
        table.add_row(
            match.face.photo_name,
            f"{match.similarity:.2f}",
            match.certainty.value,
            match.face.share.permalink,
        )
    return table


def print_weights(runtime: Runtime) -> None:
    """What `findme models list` shows."""
    table = Table("file", "size", "state", "licence", box=SIMPLE)
    files = recipe(EngineId(runtime.settings.findme_engine)).weights
    for known in runtime.weights.status(files):
        size = f"{known.size_bytes:,} B" if known.size_bytes is not None else "-"
        table.add_row(known.file.name, size, known.state.value, known.file.licence)
    console().print(table)


def print_status(runtime: Runtime, *, as_json: bool) -> None:
    """What `findme status` shows."""
    rows = [
        (team_id, channel, runtime.photos.counts(team_id, channel_id=channel.channel_id))
        for team_id in runtime.workspaces.all()
        for channel in runtime.workspaces.watched(team_id)
    ]
    if as_json:
        _echo_json(
            [
                {"workspace": team_id, "channel": channel.name, **_counts(counts)}
                for team_id, channel, counts in rows
            ]
        )
        return
    table = Table(
        "workspace", "channel", "photos", "faces", "waiting", "unreadable", "given up", box=SIMPLE
    )
    for team_id, channel, counts in rows:
        numbers = (counts.photos, counts.faces, counts.pending, counts.unreadable, counts.given_up)
        table.add_row(team_id, channel.name, *(str(number) for number in numbers))
    console().print(table)


def _pending(runtime: Runtime, team_ids: Sequence[TeamId]) -> int:
    return sum(runtime.photos.pending(team_id) for team_id in team_ids)


def _only(channel_ids: Sequence[ChannelId], folder: Path) -> list[ChannelId]:
    wanted = channel_of(folder)
    if wanted not in channel_ids:
        raise UsageError(f"{folder} is not indexed yet; run `findme index {folder}` first.")
    return [wanted]


def boxes_in(image: Image, photo: Photo, boxes: Sequence[Box]) -> list[sheet.Box]:
    """Boxes of a photo (px of its full size) as x y width height in px of a decoded image."""
    scale = image.shape[1] / (photo.width_px or image.shape[1])
    return [
        (box.x_px * scale, box.y_px * scale, box.width_px * scale, box.height_px * scale)
        for box in boxes
    ]


def _cell(runtime: Runtime, photo: Photo, match: Match) -> Cell:
    image = decode(runtime.sources[photo.team_id].download(photo))
    return Cell(
        image=image,
        boxes=boxes_in(image, photo, [match.face.box]),
        tone=match.certainty.value,
        label=f"{match.certainty.value} {match.similarity:.2f}",
        caption=photo.name,
        detail=f"{match.face.share.shared_at:%d %B %Y}",
    )


def _counts(counts: IndexCounts) -> dict[str, int]:
    return {name: getattr(counts, name) for name in IndexCounts.__slots__}


def _echo_json(value: object) -> None:
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")
