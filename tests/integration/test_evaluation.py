"""`findme eval` on real pictures: a little of LFW, and one event."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PilImage

from pipeline.domain.model import Certainty
from pipeline.evaluation.event import EventsReport, evaluate_events
from pipeline.evaluation.lfw import LfwReport, evaluate_lfw, open_lfw
from pipeline.evaluation.pictures import open_pictures
from pipeline.evaluation.report import events_json, lfw_json, print_events, print_lfw
from pipeline.evaluation.truth import read_event
from pipeline.ports import FaceReader
from pipeline.settings import Settings, load
from tests.shared import shared_folder

pytestmark = pytest.mark.slow

FINDME = Path(sys.executable).with_name("findme")
PICTURES = 200
FOLDS = 4
STRANGERS = 30


@pytest.fixture(scope="module")
def lfw_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first pictures of LFW as a tar, with pairs of their own and one picture of nobody."""
    folder = tmp_path_factory.mktemp("lfw")
    names: dict[str, list[int]] = {}
    wall = folder / "wall.jpg"
    PilImage.new("RGB", (250, 250), "grey").save(wall)
    with (
        tarfile.open(shared_folder() / "data/lfw/lfw-pairs.tar") as source,
        tarfile.open(folder / "lfw-pairs.tar", "w") as target,
    ):
        for member in source:
            person, number = member.name.removesuffix(".jpg").rsplit("_", 1)
            names.setdefault(person.split("/")[0], []).append(int(number))
            target.addfile(member, source.extractfile(member))
            if sum(map(len, names.values())) == PICTURES:
                break
        target.add(wall, "Wall/Wall_0001.jpg")
    same = [(person, *numbers[:2]) for person, numbers in names.items() if len(numbers) > 1]
    people = [(person, numbers[0]) for person, numbers in names.items()]
    per_fold = len(same) // FOLDS
    lines = [f"{FOLDS}\t{per_fold}"]
    for fold in range(FOLDS):
        start = fold * per_fold
        lines += ["\t".join(map(str, pair)) for pair in same[start : start + per_fold]]
        for place in range(start, start + per_fold):
            lines.append("\t".join(map(str, (*people[place], *people[place + 50]))))
    (folder / "pairs.txt").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def lfw_report(lfw_folder: Path, engine: FaceReader) -> LfwReport:
    return evaluate_lfw(open_lfw(lfw_folder), engine, threads=2)


@pytest.fixture(scope="module")
def settings(models: Path) -> Settings:
    return load(Settings, findme_models_dir=models)


@pytest.fixture(scope="module")
def family() -> Path:
    return shared_folder() / "data/events/family"


@pytest.fixture(scope="module")
def bbt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people of the event `bbt`, one of them hard to see in one of its two photos."""
    source = shared_folder() / "data/events/bbt"
    folder = tmp_path_factory.mktemp("events") / "bbt"
    for place in ("people/raj/raj1.png", "people/sheldon/sheldon1.png"):
        (folder / place).parent.mkdir(parents=True)
        shutil.copyfile(source / place, folder / place)
    (folder / "photos").mkdir()
    for name in ("bbt1.jpg", "bbt2.jpg"):
        shutil.copyfile(source / "photos" / name, folder / "photos" / name)
    # A photo that was posted twice, and a portrait without a face.
    shutil.copyfile(source / "photos/bbt1.jpg", folder / "photos/again.jpg")
    PilImage.new("RGB", (64, 64), "grey").save(folder / "people/raj/wall.png")
    truth = {
        "photos": {
            "again.jpg": ["raj", "sheldon"],
            "bbt1.jpg": ["raj", "sheldon"],
            "bbt2.jpg": ["sheldon"],
        },
        "hard": {"bbt2.jpg": ["raj"]},
    }
    (folder / "truth.json").write_text(json.dumps(truth))
    return folder


@pytest.fixture(scope="module")
def alone(bbt: Path, settings: Settings, engine: FaceReader) -> EventsReport:
    return evaluate_events([read_event(bbt)], settings=settings, engine=engine)


@pytest.fixture(scope="module")
def crowd(
    bbt: Path, family: Path, lfw_folder: Path, settings: Settings, engine: FaceReader
) -> EventsReport:
    """Both events in one index, among strangers."""
    return evaluate_events(
        [read_event(bbt), read_event(family)],
        settings=settings,
        engine=engine,
        together=True,
        strangers=open_pictures(lfw_folder).first(STRANGERS),
    )


@pytest.fixture
def environment(models: Path) -> dict[str, str]:
    return {**os.environ, "FINDME_MODELS_DIR": str(models), "COLUMNS": "200"}


def findme(environment: dict[str, str], *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [FINDME, "eval", *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_people_of_lfw_are_told_apart(lfw_report: LfwReport) -> None:
    assert lfw_report.accuracy.mean >= 0.97
    assert lfw_report.at_far[1e-3].tar >= 0.95
    assert lfw_report.at_far[1e-3].tar_per_identity >= 0.95


def test_all_pictures_are_compared_with_all(lfw_report: LfwReport) -> None:
    compared = lfw_report.all_pairs

    assert lfw_report.pictures == PICTURES + 1
    assert len(compared.genuine) + compared.impostor_pairs == (PICTURES + 1) * PICTURES // 2


def test_a_picture_without_a_face_is_named(lfw_report: LfwReport) -> None:
    assert lfw_report.misses == ["Wall_0001"]


def test_every_stage_took_its_time(lfw_report: LfwReport) -> None:
    assert lfw_report.ms.keys() == {"decode", "detect", "embed"}
    assert all(ms > 0 for ms in lfw_report.ms.values())


def test_a_stricter_far_lets_fewer_through(lfw_report: LfwReport) -> None:
    strictest_last = list(lfw_report.at_far.items())

    for far, at in strictest_last:
        assert at.far <= far
    thresholds = [at.threshold for _, at in strictest_last]
    assert thresholds == sorted(thresholds)


def test_lfw_prints_a_table(lfw_report: LfwReport, capsys: pytest.CaptureFixture[str]) -> None:
    print_lfw(lfw_report, as_json=False)

    printed = capsys.readouterr().out
    assert "Accuracy 0.9" in printed or "Accuracy 1.0" in printed
    assert "FAR 1e-3" in printed
    assert "1 without a face: Wall_0001." in printed


def test_lfw_as_json_is_json(lfw_report: LfwReport) -> None:
    figures = json.loads(json.dumps(lfw_json(lfw_report), allow_nan=False))

    assert figures["misses"] == ["Wall_0001"]
    assert [at["target_far"] for at in figures["at_far"]] == [1e-3, 1e-4, 1e-5]


def test_a_photo_that_was_posted_twice_is_one_match_and_two_finds(alone: EventsReport) -> None:
    (result,) = alone.results

    # sheldon1 is to find all three photos, raj1 and the wall two each.
    assert (result.sure_and_maybe.right, result.sure_and_maybe.found) == (3, 5)
    assert result.sure_and_maybe.expected == 7


def test_who_is_hard_to_see_counts_neither_way(alone: EventsReport) -> None:
    (result,) = alone.results

    assert result.sure_and_maybe.wrong == []
    assert "bbt2.jpg" not in {one.photo for one in result.sure_and_maybe.missed}


def test_a_portrait_without_a_face_is_named_and_misses_all(alone: EventsReport) -> None:
    (result,) = alone.results

    ((name, reason),) = result.faceless
    assert name == "raj/wall.png"
    assert reason
    missed = result.sure_and_maybe.missed
    assert [(one.query, one.photo, one.similarity) for one in missed] == [
        ("raj/wall.png", "again.jpg", None),
        ("raj/wall.png", "bbt1.jpg", None),
    ]


def test_among_strangers_the_family_is_still_found(crowd: EventsReport) -> None:
    family = crowd.results[1]

    assert family.sure.precision == 1.0
    assert family.sure_and_maybe.recall == 1.0
    assert crowd.strangers == STRANGERS
    assert family.indexed_faces > STRANGERS


def test_every_wrong_match_is_told(crowd: EventsReport) -> None:
    for result in crowd.results:
        for one in result.sure_and_maybe.wrong:
            assert one.similarity >= crowd.maybe_similarity - 1e-3
            assert one.certainty in Certainty
        shown = result.sure_and_maybe.right + len(result.sure_and_maybe.wrong)
        assert result.sure.right + len(result.sure.wrong) <= shown


def test_scores_are_those_of_every_portrait_with_every_photo(crowd: EventsReport) -> None:
    counted = int((crowd.histogram.genuine + crowd.histogram.impostor).sum())

    portraits = sum(result.portraits for result in crowd.results)
    photos = sum(result.photos for result in crowd.results) + STRANGERS
    hard = 2  # raj's portraits with bbt2.jpg
    assert counted == portraits * photos - hard
    assert crowd.histogram.genuine.sum() == crowd.sure.expected


def test_events_print_a_table(alone: EventsReport, capsys: pytest.CaptureFixture[str]) -> None:
    print_events(alone, as_json=False)

    printed = capsys.readouterr().out
    assert "sure + maybe" in printed
    assert "5 of 7" in printed
    assert "raj/wall.png: " in printed


def test_events_as_json_are_json(crowd: EventsReport) -> None:
    figures = json.loads(json.dumps(events_json(crowd), allow_nan=False))

    assert [event["name"] for event in figures["events"]] == ["bbt", "family"]
    assert figures["total"]["sure"]["wrong"] == 0
    assert figures["events"][0]["sure_and_maybe"]["missed"][0]["query"] == "raj/wall.png"


def test_the_program_evaluates_an_event(
    environment: dict[str, str], bbt: Path, tmp_path: Path
) -> None:
    done = findme(environment, "event", bbt, "--json", "--plot", tmp_path / "plot.png")

    # the bar of `index` ends with an empty line, even where it is not drawn
    assert (done.returncode, done.stderr.strip()) == (0, "")
    figures: dict[str, Any] = json.loads(done.stdout)
    assert figures["engine"] == "retail"
    assert figures["total"]["sure_and_maybe"]["found"] == 5
    with PilImage.open(tmp_path / "plot.png") as made:
        assert made.format == "PNG"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("lfw", "."), "holds no pairs.txt"),
        (("event", "."), "has no folder people"),
        (("event", ".", "--same", "ann=Bob"), "--same go with --strangers"),
        (("lfw", ".", "--plot", "nowhere/plot.png"), "nowhere is no folder"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    environment: dict[str, str], arguments: tuple[str, ...], told: str
) -> None:
    done = findme(environment, *arguments)

    assert done.returncode == 2
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
