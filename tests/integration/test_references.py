"""Several pictures of a person find more than one: real networks over real photos."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipeline.domain.model import Certainty, ChannelId, Match, Reference, ReferenceKind
from pipeline.domain.references import POOR_QUALITY, combined, reference_from
from pipeline.folder import LOCAL
from pipeline.ports import FaceReader
from pipeline.usecases.match_faces import Person
from pipeline.wiring import Runtime
from tests.integration.conftest import index_now
from tests.shared import shared_folder

# The best single picture is known in hindsight alone; so much less may several find, on average.
MARGIN = 0.01


@dataclass(frozen=True, kw_only=True)
class Event:
    """Photos of which it is known who is in them, and pictures to look for people with."""

    channel_id: ChannelId
    shown: Mapping[str, set[str]]
    hard: Mapping[str, set[str]]
    pictures: Mapping[str, Sequence[Reference]]


@dataclass(kw_only=True)
class Figures:
    """Of groups of pictures of one person: what each picture found alone, what all did."""

    groups: int = 0
    single: float = 0.0
    best: float = 0.0
    together: float = 0.0
    sure_best: float = 0.0
    sure_together: float = 0.0
    wrong_sure: list[str] = field(default_factory=list)
    wrong_maybe: int = 0

    def __str__(self) -> str:
        n = self.groups
        return (
            f"{n} groups: one alone {self.single / n:.3f}, the best one {self.best / n:.3f}, "
            f"together {self.together / n:.3f} (sure: {self.sure_best / n:.3f}, "
            f"{self.sure_together / n:.3f}), {self.wrong_maybe} wrong maybes"
        )


def bbt(runtime: Runtime, folder: Path) -> Event:
    """The photos of the event; people are looked for with their portraits."""
    del folder
    event = shared_folder() / "data/events/bbt"
    truth = json.loads((event / "truth.json").read_text(encoding="utf-8"))
    return Event(
        channel_id=index_now(runtime, event / "photos"),
        shown={photo: set(people) for photo, people in truth["photos"].items()},
        hard={photo: set(people) for photo, people in truth["hard"].items()},
        pictures={
            person.name: list(references(runtime.reader, sorted(person.iterdir())))
            for person in sorted((event / "people").iterdir())
        },
    )


def friends(runtime: Runtime, folder: Path) -> Event:
    """Of each friend's portraits every second one is posted, as far as it shows one face alone."""
    event = shared_folder() / "data/events/friends"
    truth = json.loads((event / "truth.json").read_text(encoding="utf-8"))
    shown = {photo: set(people) for photo, people in truth["photos"].items()}
    pictures = {}
    shutil.copytree(event / "photos", folder, dirs_exist_ok=True)
    for person in sorted((event / "people").iterdir()):
        portraits = sorted(person.iterdir())
        pictures[person.name] = list(references(runtime.reader, portraits[0:18:2]))
        for portrait in portraits[1::2]:
            if len(runtime.reader.read(portrait.read_bytes()).faces) == 1:
                shutil.copyfile(portrait, folder / portrait.name)
                shown[portrait.name] = {person.name}
    return Event(channel_id=index_now(runtime, folder), shown=shown, hard={}, pictures=pictures)


def references(reader: FaceReader, portraits: Sequence[Path]) -> Iterator[Reference]:
    """Those that could be selfies."""
    for portrait in portraits:
        faces = reader.read(portrait.read_bytes())
        if faces.faces:
            reference = reference_from(faces, kind=ReferenceKind.SELFIE)
            if reference.quality >= POOR_QUALITY:
                yield reference


def search(runtime: Runtime, event: Event, known: Sequence[Reference]) -> list[Match]:
    person = Person(engine_id=runtime.reader.engine_id, query=combined(known))
    return runtime.match_faces(LOCAL, person, [event.channel_id])


def measure(runtime: Runtime, event: Event, *, size: int) -> Figures:
    """Every group of so many pictures, one after the other."""
    figures = Figures()
    for person, pictures in event.pictures.items():
        wanted = {photo for photo, people in event.shown.items() if person in people}
        right = wanted | {photo for photo, people in event.hard.items() if person in people}
        if not wanted:
            continue

        def recall(matches: Sequence[Match], wanted: set[str] = wanted) -> float:
            return len(wanted & {match.face.photo_name for match in matches}) / len(wanted)

        alone = [search(runtime, event, [picture]) for picture in pictures]
        for first in range(len(pictures) - size + 1):
            matches = search(runtime, event, pictures[first : first + size])
            singles = alone[first : first + size]
            figures.groups += 1
            figures.single += sum(map(recall, singles)) / size
            figures.best += max(map(recall, singles))
            figures.together += recall(matches)
            figures.sure_best += max(recall(sure(single)) for single in singles)
            figures.sure_together += recall(sure(matches))
            wrong = [match for match in matches if match.face.photo_name not in right]
            figures.wrong_sure += [f"{person} in {one.face.photo_name}" for one in sure(wrong)]
            figures.wrong_maybe += len(wrong) - len(sure(wrong))
    return figures


def sure(matches: Sequence[Match]) -> list[Match]:
    return [match for match in matches if match.certainty is Certainty.SURE]


@pytest.mark.slow
@pytest.mark.parametrize("prepare", [bbt, friends])
def test_several_pictures_find_as_much_as_the_best_of_them_and_nobody_else_surely(
    runtime: Runtime,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    prepare: Callable[[Runtime, Path], Event],
) -> None:
    event = prepare(runtime, tmp_path / "photos")

    for size in (2, 3):
        figures = measure(runtime, event, size=size)

        with capsys.disabled():
            print(f"\n{prepare.__name__}, {size} pictures, {figures}", end="")  # noqa: T201
        assert figures.wrong_sure == []
        assert figures.together >= figures.best - MARGIN * figures.groups
        assert figures.sure_together >= figures.sure_best - MARGIN * figures.groups
