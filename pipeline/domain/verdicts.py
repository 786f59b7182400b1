"""A person's own word on a match, and how it stays tied to a face that is detected anew."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

import numpy as np

from pipeline.domain.arrays import Embedding
from pipeline.domain.model import Box, FaceId, PhotoId

SAME_FACE_OVERLAP = 0.5
"""Boxes of one face, found by two detectors or at two scales, overlap at least so much (IoU)."""


class Verdict(Enum):
    """What a person says of a face."""

    ME = "me"
    NOT_ME = "not me"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A face of a photo on which a verdict was given, whoever detected it."""

    verdict: Verdict
    given_box: Box
    photo_id: PhotoId
    face_id: FaceId
    box: Box
    embedding: Embedding
    quality: float


@dataclass(frozen=True, kw_only=True)
class JudgedFaces:
    """The faces of the present index that a person confirmed and rejected."""

    confirmed: Sequence[Candidate] = field(default_factory=tuple)
    rejected: Sequence[Candidate] = field(default_factory=tuple)

    @cached_property
    def confirmed_ids(self) -> frozenset[FaceId]:
        """Which faces are the person."""
        return frozenset(face.face_id for face in self.confirmed)

    @cached_property
    def rejected_ids(self) -> frozenset[FaceId]:
        """Which faces are not."""
        return frozenset(face.face_id for face in self.rejected)

    def rejected_similarity(self, embedding: Embedding) -> float:
        """The highest cosine with any rejected face; -1 if there is none."""
        if not self.rejected:
            return -1.0
        return float(np.max(np.stack([face.embedding for face in self.rejected]) @ embedding))


NOTHING_JUDGED = JudgedFaces()


def tied(candidates: Iterable[Candidate]) -> JudgedFaces:
    """Each verdict with the one face of each photo that its box overlaps most, if enough.

    A re-index or another engine detects faces anew, with other ids and slightly other boxes; a
    repost is another photo with the same faces.
    """
    best: dict[tuple[PhotoId, Box, Verdict], Candidate] = {}
    for face in candidates:
        overlap = face.box.overlap(face.given_box)
        key = face.photo_id, face.given_box, face.verdict
        known = best.get(key)
        if overlap >= SAME_FACE_OVERLAP and (
            known is None or overlap > known.box.overlap(known.given_box)
        ):
            best[key] = face
    return JudgedFaces(
        confirmed=[face for face in best.values() if face.verdict is Verdict.ME],
        rejected=[face for face in best.values() if face.verdict is Verdict.NOT_ME],
    )
