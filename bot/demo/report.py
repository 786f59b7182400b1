"""How the demo went: tables, one JSON object, a contact sheet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import REGISTRY
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Column, Table

from bot.demo.event import Event, Reply
from bot.wiring import Bot
from pipeline.domain.model import IndexCounts, Match, PhotoState, UserId
from pipeline.errors import FindmeError
from pipeline.sheet import Cell, save_sheet
from pipeline.shell import boxes_in
from pipeline.telemetry import STAGES
from pipeline.usecases.find_photos import Query
from pipeline.vision.decode import decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All that the demo tells."""

    engine: str
    counts: IndexCounts
    replies: Sequence[Reply]
    steps: Mapping[str, float]
    seconds: float


def as_json(result: Result) -> dict[str, object]:
    """The result as one JSON object."""
    return {
        "engine": result.engine,
        "photos": result.counts.photos,
        "faces": result.counts.faces,
        "unreadable": result.counts.unreadable,
        "people": [_person(reply) for reply in result.replies],
        "seconds": round(result.seconds, 2),
        "steps": {name: round(seconds, 3) for name, seconds in result.steps.items()},
        "stages_ms": stage_means_ms(),
    }


def print_index(
    console: Console, counts: IndexCounts, problems: Sequence[tuple[str, PhotoState, str]]
) -> None:
    """What came into the index, and what did not."""
    console.print(
        f"{counts.photos} photos posted: {counts.indexed} indexed with {counts.faces} faces, "
        f"{counts.without_face} without a face, {counts.unreadable} unreadable."
    )
    for name, state, why in problems:
        console.print(f"  {name}: {state.value}, {why}", markup=False)


def print_reply(console: Console, reply: Reply) -> None:
    """An answer as a table, and how right it is."""
    question = reply.question
    command = f"{question.asker}: /findme {question.text}".rstrip()
    console.print(f"\n{command}   ({reply.reply_ms:.0f} ms)", style="bold", markup=False)
    console.print(reply.sentence, markup=False)
    if reply.lines:
        table = Table("photo", "similarity", "", Column("permalink", overflow="fold"), box=SIMPLE)
        for line in reply.lines:
            table.add_row(line.photo, f"{line.similarity:.2f}", line.certainty, line.permalink)
        console.print(table)
    if question.expected is not None:
        console.print(
            f"expected {len(question.expected)}, found {len(reply.lines)}, "
            f"precision {reply.precision:.2f} (sure {reply.sure_precision:.2f}), "
            f"recall {reply.recall:.2f}"
        )


def print_times(console: Console, result: Result) -> None:
    """How long each step and each stage took."""
    steps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in result.steps.items())
    stages = ", ".join(f"{name} {ms:.1f}" for name, ms in stage_means_ms().items())
    console.print(f"\nEngine {result.engine}. Seconds: {steps}; {result.seconds:.1f} in all.")
    console.print(f"Milliseconds a photo (a search): {stages}.")


def print_again(console: Console, command: str) -> None:
    """How to see all of it with one's own eyes."""
    console.print(f"\nClick through it yourself: {command}", markup=False, soft_wrap=True)


def print_page(console: Console, address: str) -> None:
    """Where the workspace's page is, while it runs."""
    console.print(
        f"\nClick through it: {address}\n"
        "Everybody and everything is there, on this machine only. Ctrl-C ends it.",
        markup=False,
        soft_wrap=True,
    )


def stage_means_ms() -> dict[str, float]:
    """Mean milliseconds of each stage in this process so far."""
    means = {}
    for stage in STAGES:
        labels = {"stage": stage}
        count = REGISTRY.get_sample_value("findme_stage_seconds_count", labels)
        total = REGISTRY.get_sample_value("findme_stage_seconds_sum", labels)
        if count and total is not None:
            means[stage] = round(1000 * total / count, 2)
    return means


def save_answers_sheet(bot: Bot, event: Event, path: Path) -> None:
    """Everybody's answers on one contact sheet, each photo once, the matched faces boxed."""
    matches: dict[int, list[tuple[str, Match]]] = {}
    for question in event.questions:
        asker = UserId(event.people[question.asker].id)
        target = UserId(event.people[question.target].id)
        try:
            found = bot.find_photos(bot.team_id, Query(asker=asker, people=[target]))
        except FindmeError:
            continue  # who has no profile picture has no matches to draw
        for match in found.matches:
            known = matches.setdefault(match.face.photo_id, [])
            if all(other.face.face_id != match.face.face_id for _, other in known):
                known.append((question.target, match))
    cells = [_cell(bot, found) for found in matches.values()]
    save_sheet(path, cells, title="Findme found")


def _cell(bot: Bot, found: Sequence[tuple[str, Match]]) -> Cell:
    photo_id = found[0][1].face.photo_id
    photo = bot.runtime.photos.get(bot.team_id, photo_id)
    if photo is None:
        raise FindmeError("A photo was deleted while the demo drew it.")
    weakest = min((match for _, match in found), key=lambda match: match.similarity)
    image = decode(bot.workspace.download(photo))
    return Cell(
        image=image,
        boxes=boxes_in(image, photo, [match.face.box for _, match in found]),
        tone=weakest.certainty.value,
        label=f"{weakest.certainty.value} {weakest.similarity:.2f}",
        caption=photo.name,
        detail=", ".join(name for name, _ in found),
    )


def _person(reply: Reply) -> dict[str, object]:
    expected = reply.question.expected
    return {
        "name": reply.question.target,
        "asked_by": reply.question.asker,
        "expected": None if expected is None else len(expected),
        "found": len(reply.lines),
        "precision": reply.precision,
        "sure_precision": reply.sure_precision,
        "recall": reply.recall,
        "reply_ms": round(reply.reply_ms, 1),
    }
