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
from pipeline.errors import UsageError
from pipeline.folder import LOCAL, channel_of
from pipeline.ports import FaceReader
from pipeline.sheet import Cell, save_sheet
from pipeline.usecases.known_people import read_reference
from pipeline.usecases.match_faces import Person
from pipeline.vision.decode import decode
from pipeline.vision.engines import recipe
from pipeline.wiring import Runtime

POLL_EVERY_S = 0.1
STUCK_AFTER_S = 1.0
# Longer than a killed worker's jobs take to be handed on.
PATIENCE_S = 45.0
SHEET_CELLS = 60
PIPE_WIDTH = 140


def console(*, stderr: bool = False) -> Console:
    """A terminal as wide as it is; a pipe or file wide enough for whole links."""
    made = Console(stderr=stderr)
    return made if made.is_terminal else Console(stderr=stderr, width=PIPE_WIDTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellAnswer:
    """Matches over every workspace in the index, best first."""

    matches: Sequence[Match]
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
    runtime.tend_index(LOCAL)


def work_off(runtime: Runtime, team_ids: Sequence[TeamId]) -> None:
    """Run a worker until nothing of these workspaces is pending, with a progress bar."""
    total = _pending(runtime, team_ids)
    if total == 0:
        return
    worker = runtime.worker(list(team_ids))
    with progress_bar(console(stderr=True)) as bar:
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


def progress_bar(out: Console) -> Progress:
    """A bar that is gone afterwards; none where `out` is no terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=out,
        transient=True,
        disable=not out.is_terminal,
    )


def search_everywhere(runtime: Runtime, *selfies: Path, folder: Path | None = None) -> ShellAnswer:
    """All matches in every workspace, or in one folder, of the person in the selfies.

    Raises: NoFaceInPictureError, UnreadablePhotoError, UsageError if the folder isn't indexed.
    """
    selfie = _Selfie(selfies)
    matches: list[Match] = []
    known = runtime.workspaces.all()
    if not known:
        selfie.references(runtime.reader)  # whether it shows a face is told all the same
    for team_id in [LOCAL] if folder else known:
        runtime.claim_engine(team_id)
        channel_ids = [channel.channel_id for channel in runtime.workspaces.watched(team_id)]
        if folder:
            channel_ids = _only(channel_ids, folder)
        found = _found(runtime, team_id, selfie, channel_ids)
        matches += found
    return ShellAnswer(matches=ranked(matches), faces_in_picture=selfie.faces_in_picture)


class _Selfie:
    """Pictures of one person, read once by each engine."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._pictures = [path.read_bytes() for path in paths]
        self._read: dict[EngineId, list[Reference]] = {}

    @property
    def faces_in_picture(self) -> int:
        """Of the picture with the most."""
        counts = [one.faces_in_picture for read in self._read.values() for one in read]
        return max(counts, default=1)

    def references(self, reader: FaceReader) -> list[Reference]:
        """Raises: NoFaceInPictureError, UnreadablePhotoError."""
        if reader.engine_id not in self._read:
            self._read[reader.engine_id] = [
                read_reference(reader, data, kind=ReferenceKind.SELFIE) for data in self._pictures
            ]
        return self._read[reader.engine_id]


def _found(
    runtime: Runtime, team_id: TeamId, selfie: _Selfie, channel_ids: Sequence[ChannelId]
) -> list[Match]:
    while True:
        reader = runtime.engines.of(team_id)
        chosen = usable(selfie.references(reader), maybe_similarity=reader.curve.maybe)
        person = Person(engine_id=reader.engine_id, query=combined(chosen))
        found = runtime.match_faces(team_id, person, channel_ids)
        # The index may have been switched to another engine meanwhile: ask that one.
        if runtime.engines.of(team_id).engine_id == reader.engine_id:
            return found


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
        echo_json({**count_values(counts), "problems": listed})
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
        echo_json(
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


def count_values(counts: IndexCounts) -> dict[str, int]:
    """The counts by name."""
    return {name: getattr(counts, name) for name in IndexCounts.__slots__}


def echo_json(value: object) -> None:
    """One JSON value on stdout."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")
