"""Faces drawn like real ones: people as unlike each other, and photos of one as alike, as in LFW.

A person is a centre, a photo of them the centre and something of its own. Both spreads are those of
the embeddings of LFW's people who are there twice or more (as in PLDA: Prince and Elder, 2007), so
that similarities of drawn faces are distributed as those of real ones, save for the furthest tails.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.arrays import Embedding
from pipeline.evaluation.pictures import in_threads, open_pictures
from pipeline.ports import FaceReader

Vectors = NDArray[np.float32]

PICTURES = 2_400
MOST_OF_ONE = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Where people's centres lie, and how their photos spread around them: each a linear map."""

    mean: Vectors
    between: Vectors
    within: Vectors

    @property
    def dimension(self) -> int:
        """Numbers of an embedding."""
        return len(self.mean)

    def people(self, count: int, random: np.random.Generator) -> Vectors:
        """Centres of so many people (count, D)."""
        return self.mean + self._spread(self.between, count, random)

    def photos_of(self, centres: Vectors, random: np.random.Generator) -> Vectors:
        """One face of each (N, D), of unit length."""
        drawn = centres + self._spread(self.within, len(centres), random)
        faces: Vectors = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
        return faces

    def _spread(self, by: Vectors, count: int, random: np.random.Generator) -> Vectors:
        normal = random.standard_normal((count, len(by)), dtype=np.float32)
        spread: Vectors = normal @ by
        return spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Some faces (N, D) and whose they are; and those people's centres, by their number."""

    embeddings: Vectors
    person: NDArray[np.int64]
    centres: Vectors


def draw(population: Population, faces: int, random: np.random.Generator) -> Iterator[Drawn]:
    """So many faces in all, some tens of thousands at a time, each lot of people of its own.

    People are in a few to MOST_OF_ONE photos: most in few, a few in many.
    """
    left = faces
    while left > 0:
        counts = np.minimum(3 + (random.pareto(1.2, 2_000) * 6).astype(int), MOST_OF_ONE)
        person = np.repeat(np.arange(len(counts)), counts)
        random.shuffle(person)
        person = person[:left]
        centres = population.people(len(counts), random)
        embeddings = population.photos_of(centres[person], random)
        yield Drawn(embeddings=embeddings, person=person, centres=centres)
        left -= len(person)


def fit(people: dict[str, list[Embedding]]) -> Population:
    """The population that these faces are of; people with one face tell of centres only."""
    several = [np.stack(faces) for faces in people.values() if len(faces) > 1]
    centres = np.stack([faces.mean(axis=0) for faces in several])
    # Of n faces the mean lies off by a part of the spread, and the rest is that much too small.
    inner = np.concatenate(
        [(faces - faces.mean(axis=0)) * np.sqrt(len(faces) / (len(faces) - 1)) for faces in several]
    )
    within = inner.T @ inner / len(inner)
    share = float(np.mean([1 / len(faces) for faces in several]))
    between = np.cov(centres.T) - within * share
    return Population(
        mean=centres.mean(axis=0).astype(np.float32),
        between=_root(between),
        within=_root(within),
    )


def _root(covariance: NDArray[np.floating]) -> Vectors:
    values, vectors = np.linalg.eigh(covariance)
    root: Vectors = (np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T).astype(np.float32)
    return root


def lfw_people(folder: Path, reader: FaceReader) -> dict[str, list[Embedding]]:
    """Embeddings of PICTURES of LFW's people who have the most of them."""
    pictures = open_pictures(folder)
    by_person: dict[str, list[str]] = defaultdict(list)
    for path in pictures.paths:
        by_person[Path(path).parent.name].append(path)
    chosen: list[str] = []
    for paths in sorted(by_person.values(), key=len, reverse=True):
        if len(chosen) >= PICTURES or len(paths) == 1:
            break
        chosen += paths[:8]
    some = type(pictures)(source=pictures.source, paths=tuple(chosen))
    found: dict[str, list[Embedding]] = defaultdict(list)
    for person, faces in in_threads(
        lambda picture: (picture.person, reader.read(picture.data).faces), some, threads=2
    ):
        if len(faces) == 1:
            found[person].append(faces[0].embedding)
    return found


def similarities(people: dict[str, list[Embedding]]) -> tuple[Vectors, Vectors]:
    """Of pairs of one person, and of pairs of two: to compare drawn faces with real ones."""
    same = [float(one @ other) for faces in people.values() for one, other in pairwise(faces)]
    firsts = np.stack([faces[0] for faces in people.values()])
    others = (firsts @ firsts.T)[np.triu_indices(len(firsts), 1)]
    return np.array(same, np.float32), others.astype(np.float32)
