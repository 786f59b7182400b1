"""Labeled Faces in the Wild: its official 10-fold protocol, and all of its pairs.

Huang et al., "Labeled Faces in the Wild", 2007 (image-restricted, labelled outside data). LFW's
pictures are deep-funneled: whoever a picture is named after has the face at its centre, so of
several faces the one nearest to the centre is taken. A pair with a picture in which no face is
found is decided "different" by score, and counts as such.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from prometheus_client import REGISTRY

from pipeline.domain.arrays import Embedding, Embeddings
from pipeline.domain.model import EngineId, Face, PhotoFaces
from pipeline.errors import UnreadablePhotoError, UsageError
from pipeline.evaluation.all_pairs import AllPairs, Operating, compare_all
from pipeline.evaluation.metrics import NO_FACE, FoldAccuracy, fold_accuracy
from pipeline.evaluation.pictures import Picture, Pictures, in_threads, open_pictures, with_bar
from pipeline.ports import FaceReader

PAIRS_NAME = "pairs.txt"
FARS = (1e-3, 1e-4, 1e-5)
STAGES = ("decode", "detect", "embed")

# Far enough to count what a *maybe* lets through exactly.
_MAX_FAR = 1e-2
_MIN_FOLDS = 2
_SAME_FIELDS = 3
_DIFFERENT_FIELDS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two pictures, by name, and what is true of them."""

    first: str
    second: str
    same: bool
    fold: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lfw:
    """What is to be measured on; every picture that a pair names is there."""

    pictures: Pictures
    pairs: Sequence[Pair]


@dataclass(frozen=True, slots=True, kw_only=True)
class LfwReport:
    """All figures.

    `ms` is the mean time per picture in each stage, by the clock on the wall, while `threads`
    pictures were read at once; `misses` are the pictures in which no face was found.
    """

    engine_id: EngineId
    pictures: int
    faces: int
    people: int
    pairs: int
    folds: int
    accuracy: FoldAccuracy
    all_pairs: AllPairs
    at_far: Mapping[float, Operating]
    sure: Operating
    maybe: Operating
    misses: Sequence[str]
    ms: Mapping[str, float]
    seconds: float
    threads: int

    @property
    def ms_per_face(self) -> float:
        """Decoding, detecting and embedding, shared out among all faces found."""
        return sum(self.ms.values()) * self.pictures / max(1, self.faces)

    @property
    def embed_ms_per_face(self) -> float:
        """Of it what the embedder takes."""
        return self.ms["embed"] * self.pictures / max(1, self.faces)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    name: str
    person: str
    faces: int
    embedding: Embedding | None


def open_lfw(folder: Path) -> Lfw:
    """LFW as it lies in `folder`: its tar or the folders of its people, and `pairs.txt`.

    Raises: UsageError, one sentence, for whatever is missing or malformed.
    """
    path = folder / PAIRS_NAME
    if not path.is_file():
        raise UsageError(f"{folder} holds no {PAIRS_NAME}, LFW's list of pairs.")
    try:
        pairs = parse_pairs(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not a text in UTF-8.") from error
    pictures = open_pictures(folder)
    names = pictures.names
    for pair in pairs:
        for name in (pair.first, pair.second):
            if name not in names:
                raise UsageError(f"{PAIRS_NAME} names {name}, which is not in {pictures.source}.")
    return Lfw(pictures=pictures, pairs=pairs)


def parse_pairs(text: str) -> list[Pair]:
    """LFW's `pairs.txt`: folds and pairs a fold, then for each fold its same and different pairs.

    Raises: UsageError with the number of the line that is wrong.
    """
    lines = text.rstrip().splitlines()
    head = lines[0].split() if lines else []
    if len(head) != 2 or not all(_is_number(field) for field in head):  # noqa: PLR2004
        raise UsageError(
            f"{PAIRS_NAME}, line 1: expected the numbers of folds and of pairs, like `10 300`."
        )
    folds, per_fold = map(int, head)
    if folds < _MIN_FOLDS:
        raise UsageError(f"{PAIRS_NAME}, line 1: the protocol needs two folds or more.")
    expected = 2 * folds * per_fold
    if len(lines) - 1 != expected:
        raise UsageError(
            f"{PAIRS_NAME} holds {len(lines) - 1} pairs; its first line speaks of {expected}."
        )
    return [
        _pair(
            line.split(),
            line_number=index + 2,
            same=index % (2 * per_fold) < per_fold,
            fold=index // (2 * per_fold),
        )
        for index, line in enumerate(lines[1:])
    ]


def evaluate_lfw(lfw: Lfw, reader: FaceReader, *, threads: int) -> LfwReport:
    """Read every picture and compare. Raises UsageError if one is no picture."""
    started, before = time.perf_counter(), _stage_seconds()
    reading = in_threads(lambda picture: _read(picture, reader), lfw.pictures, threads=threads)
    read = list(with_bar(reading, "Reading faces", total=len(lfw.pictures)))
    after = _stage_seconds()
    has_face = np.array([one.embedding is not None for one in read])
    if not has_face.any():
        raise UsageError(f"No face was found in {lfw.pictures.source}.")
    embeddings = _embeddings(read)
    people = [one.person for one in read]

    rows = {one.name: row for row, one in enumerate(read)}
    first = np.array([rows[pair.first] for pair in lfw.pairs])
    second = np.array([rows[pair.second] for pair in lfw.pairs])
    scores = np.einsum("nd,nd->n", embeddings[first], embeddings[second]).astype(np.float64)
    scores[~(has_face[first] & has_face[second])] = NO_FACE
    folds = np.array([pair.fold for pair in lfw.pairs])
    compared = compare_all(embeddings, people, has_face, max_far=_MAX_FAR)
    return LfwReport(
        engine_id=reader.engine_id,
        pictures=len(read),
        faces=sum(one.faces for one in read),
        people=len(set(people)),
        pairs=len(lfw.pairs),
        folds=len(set(folds.tolist())),
        accuracy=fold_accuracy(scores, np.array([pair.same for pair in lfw.pairs]), folds),
        all_pairs=compared,
        at_far={far: compared.at_far(far) for far in FARS},
        sure=compared.at_threshold(reader.curve.sure),
        maybe=compared.at_threshold(reader.curve.maybe),
        misses=[one.name for one in read if one.embedding is None],
        ms={stage: 1000 * (after[stage] - before[stage]) / len(read) for stage in STAGES},
        seconds=time.perf_counter() - started,
        threads=threads,
    )


def nearest_to_centre(photo: PhotoFaces) -> Face | None:
    """The face whose box's centre is nearest to the photo's, if there is a face."""

    def distance_px(face: Face) -> float:
        box = face.detection.box
        x_px, y_px = box.x_px + box.width_px / 2, box.y_px + box.height_px / 2
        return float(np.hypot(x_px - photo.width_px / 2, y_px - photo.height_px / 2))

    return min(photo.faces, key=distance_px, default=None)


def _read(picture: Picture, reader: FaceReader) -> _Read:
    try:
        photo = reader.read(picture.data)
    except UnreadablePhotoError as error:
        raise UsageError(f"{picture.name} can't be read: {error}.") from error
    face = nearest_to_centre(photo)
    return _Read(
        name=picture.name,
        person=picture.person,
        faces=len(photo.faces),
        embedding=None if face is None else face.embedding,
    )


def _embeddings(read: Sequence[_Read]) -> Embeddings:
    """A row each; zeros where there is no face."""
    dimension = next(len(one.embedding) for one in read if one.embedding is not None)
    nothing = np.zeros(dimension, np.float32)
    return np.stack([nothing if one.embedding is None else one.embedding for one in read])


def _stage_seconds() -> dict[str, float]:
    """How long this process has spent in each stage by now."""
    name = "findme_stage_seconds_sum"
    return {stage: REGISTRY.get_sample_value(name, {"stage": stage}) or 0.0 for stage in STAGES}


def _pair(fields: Sequence[str], *, line_number: int, same: bool, fold: int) -> Pair:
    if same and len(fields) == _SAME_FIELDS and all(_is_number(field) for field in fields[1:]):
        person, first, second = fields
        return Pair(first=_name(person, first), second=_name(person, second), same=True, fold=fold)
    if (
        not same
        and len(fields) == _DIFFERENT_FIELDS
        and all(_is_number(field) for field in fields[1::2])
    ):
        person, first, other, second = fields
        return Pair(first=_name(person, first), second=_name(other, second), same=False, fold=fold)
    wanted = "a same pair, `Name i j`" if same else "a different pair, `Name i Other j`"
    raise UsageError(f"{PAIRS_NAME}, line {line_number}: expected {wanted}.")


def _name(person: str, number: str) -> str:
    return f"{person}_{int(number):04d}"


def _is_number(field: str) -> bool:
    return field.isascii() and field.isdigit() and int(field) > 0
