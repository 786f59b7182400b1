"""What `findme eval` reads: pairs, pictures, the truth about an event, and what is wrong there."""

import io
import json
import sys
import tarfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage

from pipeline.domain.model import Box, Detection, Face, PhotoFaces
from pipeline.errors import UsageError
from pipeline.evaluation.lfw import nearest_to_centre, open_lfw, parse_pairs
from pipeline.evaluation.metrics import Histogram, counted
from pipeline.evaluation.pictures import in_threads, open_pictures
from pipeline.evaluation.plots import Marks, save_plot
from pipeline.evaluation.strangers import read_same
from pipeline.evaluation.truth import read_event
from tests.strategies import POINTS

GOOD = ["2\t1", "Ann\t1\t2", "Ann\t1\tBob\t1", "Bob\t1\t2", "Ann\t2\tBob\t2"]


def picture() -> bytes:
    made = io.BytesIO()
    PilImage.new("RGB", (32, 32), "grey").save(made, "JPEG")
    return made.getvalue()


@pytest.fixture
def lfw(tmp_path: Path) -> Path:
    """Two people with two pictures each, and their pairs."""
    for person in ("Ann", "Bob"):
        (tmp_path / person).mkdir()
        for number in (1, 2):
            (tmp_path / person / f"{person}_{number:04d}.jpg").write_bytes(picture())
    (tmp_path / "pairs.txt").write_text("\n".join(GOOD))
    return tmp_path


@pytest.fixture
def event(tmp_path: Path) -> Path:
    """Ann's party: two photos, and a portrait of each guest."""
    for place in ("people/ann/1.jpg", "people/bob/1.jpg", "photos/a.jpg", "photos/more/b.jpg"):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture())
    truth = {"photos": {"a.jpg": ["ann"], "more/b.jpg": []}, "hard": {"a.jpg": ["bob"]}}
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    return tmp_path


def put_truth(event: Path, truth: object) -> None:
    (event / "truth.json").write_text(json.dumps(truth))


def test_pairs_have_names_truth_and_fold() -> None:
    pairs = parse_pairs("\n".join(GOOD))

    assert [(pair.first, pair.second, pair.same, pair.fold) for pair in pairs] == [
        ("Ann_0001", "Ann_0002", True, 0),
        ("Ann_0001", "Bob_0001", False, 0),
        ("Bob_0001", "Bob_0002", True, 1),
        ("Ann_0002", "Bob_0002", False, 1),
    ]


@pytest.mark.parametrize(
    ("line", "text", "told"),
    [
        (1, "10", "line 1: expected the numbers of folds and of pairs"),
        (1, "ten\t300", "line 1: expected the numbers of folds and of pairs"),
        (1, "1\t2", "line 1: the protocol needs two folds"),
        (1, "3\t1", "holds 4 pairs; its first line speaks of 6"),
        (2, "Ann\t1", "line 2: expected a same pair"),
        (2, "Ann\t1\tBob\t1", "line 2: expected a same pair"),
        (2, "Ann\tone\ttwo", "line 2: expected a same pair"),
        (3, "Ann\t1\t2", "line 3: expected a different pair"),
        (4, "Bob\t0\t2", "line 4: expected a same pair"),
        (5, "Ann\t2\tBob\tx", "line 5: expected a different pair"),
        (5, "", "holds 3 pairs; its first line speaks of 4"),
    ],
)
def test_a_malformed_line_is_told_with_its_number(line: int, text: str, told: str) -> None:
    lines = [*GOOD[: line - 1], text, *GOOD[line:]]

    with pytest.raises(UsageError, match=told):
        parse_pairs("\n".join(lines))


def test_an_empty_list_of_pairs_is_told() -> None:
    with pytest.raises(UsageError, match="line 1"):
        parse_pairs("")


def test_lfw_in_a_folder_is_opened(lfw: Path) -> None:
    opened = open_lfw(lfw)

    assert len(opened.pairs) == 4
    assert [(one.person, one.name) for one in opened.pictures][:2] == [
        ("Ann", "Ann_0001"),
        ("Ann", "Ann_0002"),
    ]


def test_lfw_in_a_tar_reads_the_same(lfw: Path, tmp_path: Path) -> None:
    in_folder = list(open_lfw(lfw).pictures)
    with tarfile.open(tmp_path / "lfw-pairs.tar", "w") as tar:
        for person in ("Ann", "Bob"):
            tar.add(lfw / person, person)

    assert list(open_lfw(lfw).pictures) == in_folder


def test_lfw_without_its_pairs_is_told(lfw: Path) -> None:
    (lfw / "pairs.txt").unlink()

    with pytest.raises(UsageError, match=r"holds no pairs\.txt"):
        open_lfw(lfw)


def test_pairs_that_are_no_text_are_told(lfw: Path) -> None:
    (lfw / "pairs.txt").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(UsageError, match="not a text"):
        open_lfw(lfw)


def test_a_picture_that_is_missing_is_told_by_name(lfw: Path) -> None:
    (lfw / "Bob/Bob_0002.jpg").unlink()

    with pytest.raises(UsageError, match="names Bob_0002, which is not in"):
        open_lfw(lfw)


def test_a_tar_that_is_none_is_told(lfw: Path) -> None:
    (lfw / "lfw-pairs.tar").write_text("hello")

    with pytest.raises(UsageError, match="can't be read as a tar"):
        open_lfw(lfw)


def test_a_folder_without_pictures_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no pictures"):
        open_pictures(tmp_path)


def test_only_the_first_pictures_are_read_if_so_asked(lfw: Path) -> None:
    assert [one.name for one in open_pictures(lfw).first(3)] == ["Ann_0001", "Ann_0002", "Bob_0001"]


def test_threads_give_results_in_order() -> None:
    def slowly(number: int) -> int:
        time.sleep(0.001 * (number % 3))
        return number * 2

    assert list(in_threads(slowly, range(50), threads=4)) == [2 * number for number in range(50)]


def test_threads_read_only_a_little_ahead() -> None:
    taken: list[int] = []

    def endless() -> Iterator[int]:
        for number in count():
            taken.append(number)
            yield number

    results = in_threads(lambda number: number, endless(), threads=2)
    next(results)
    results.close()

    assert len(taken) < 20


def face_at(x_px: float, y_px: float) -> Face:
    box = Box(x_px=x_px - 10, y_px=y_px - 10, width_px=20, height_px=20)
    return Face(
        detection=Detection(box=box, landmarks=POINTS, score=0.9),
        quality=1.0,
        embedding=np.ones(1, np.float32),
    )


def test_the_face_nearest_to_the_centre_is_taken() -> None:
    faces = [face_at(20, 20), face_at(130, 120), face_at(200, 125)]

    assert nearest_to_centre(PhotoFaces(width_px=250, height_px=250, faces=faces)) is faces[1]


def test_without_a_face_there_is_none_at_the_centre() -> None:
    assert nearest_to_centre(PhotoFaces(width_px=250, height_px=250, faces=[])) is None


def test_an_event_has_portraits_photos_and_truth(event: Path) -> None:
    read = read_event(event)

    assert [portrait.name for portrait in read.portraits] == ["ann/1.jpg", "bob/1.jpg"]
    assert [(photo.name, set(photo.people), set(photo.hard)) for photo in read.photos] == [
        ("a.jpg", {"ann"}, {"bob"}),
        ("more/b.jpg", set(), set()),
    ]


@pytest.mark.parametrize(
    ("truth", "told"),
    [
        ({"photos": {"a.jpg": ["ann"]}}, "leaves out more/b.jpg"),
        ({"photos": {"a.jpg": [], "more/b.jpg": [], "c.jpg": []}}, "names the photo 'c.jpg'"),
        ({"photos": {"a.jpg": ["eve"], "more/b.jpg": []}}, "names 'eve' in 'a.jpg'"),
        ({"photos": {"a.jpg": [], "more/b.jpg": []}, "hard": {"a.jpg": ["eve"]}}, "'hard' names"),
        ({"photos": {"a.jpg": "ann", "more/b.jpg": []}}, "a list of names"),
        ({"photos": ["a.jpg"]}, "must map each photo"),
        (["a.jpg"], "must be an object"),
        ({}, "must be an object"),
    ],
)
def test_a_truth_that_does_not_fit_is_told(event: Path, truth: object, told: str) -> None:
    put_truth(event, truth)

    with pytest.raises(UsageError, match=told):
        read_event(event)


def test_a_truth_that_is_no_json_is_told(event: Path) -> None:
    (event / "truth.json").write_text("{")

    with pytest.raises(UsageError, match="is no JSON"):
        read_event(event)


@pytest.mark.parametrize(
    ("gone", "told"),
    [
        ("truth.json", r"has no truth\.json"),
        ("people", "has no folder people"),
        ("people/ann", "names 'ann' in 'a.jpg', who has no portrait"),
        ("photos", "has no folder photos"),
    ],
)
def test_what_an_event_lacks_is_told(event: Path, gone: str, told: str) -> None:
    (event / gone).rename(event / "elsewhere")

    with pytest.raises(UsageError, match=told):
        read_event(event)


@pytest.mark.parametrize(("emptied", "told"), [("people", "no portraits"), ("photos", "no photos")])
def test_an_empty_folder_is_told(event: Path, emptied: str, told: str) -> None:
    (event / emptied).rename(event / "elsewhere")
    (event / emptied).mkdir()

    with pytest.raises(UsageError, match=told):
        read_event(event)


def test_strangers_can_be_people_of_the_event_after_all(event: Path) -> None:
    strangers = open_pictures(event / "people")

    assert read_same(["ann=bob"], [read_event(event)], strangers) == {"bob": frozenset({"ann"})}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("eve=bob", "nobody in these events is called 'eve'"),
        ("ann=Eve", "no stranger is called 'Eve'"),
        ("ann", "no stranger is called ''"),
    ],
)
def test_somebody_unknown_is_nobody_after_all(event: Path, given: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read_same([given], [read_event(event)], open_pictures(event / "people"))


def histogram(genuine: list[float], impostor: list[float]) -> Histogram:
    return Histogram(genuine=counted(np.array(genuine)), impostor=counted(np.array(impostor)))


@pytest.mark.parametrize(
    "scores",
    [
        histogram([0.7, 0.8], [0.1, 0.2, 0.3]),
        histogram([0.7], []),
        histogram([], [0.1]),
        histogram([], []),
        histogram([-1.0], [-1.0]),
    ],
)
def test_a_plot_can_be_made_of_any_scores(tmp_path: Path, scores: Histogram) -> None:
    path = tmp_path / "plot.png"

    save_plot(
        path,
        scores,
        title="Title",
        subtitle="subtitle",
        counting="pairs",
        marks=Marks(sure=0.45, maybe=0.29),
    )

    with PilImage.open(path) as made:
        assert (made.format, made.width > made.height) == ("PNG", True)


def test_without_matplotlib_a_plot_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    with pytest.raises(UsageError, match=r"pip install -e '\.\[demo\]'"):
        save_plot(
            tmp_path / "plot.png",
            histogram([0.7], [0.1]),
            title="",
            subtitle="",
            counting="",
            marks=Marks(sure=0.45, maybe=0.29),
        )
