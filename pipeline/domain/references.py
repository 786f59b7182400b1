"""What is known of a person's face, as one vector to search with."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.domain.arrays import Embedding, unit
from pipeline.domain.model import EngineId, PhotoFaces, Reference, ReferenceKind

POOR_QUALITY = 0.1
"""Below it a face is too small, blurred, or turned away to stand for a person.

Of LFW's faces 8% lie below, nearly all of them people in the background.
"""

_LEAST_WEIGHT = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Selfie:
    """What a picture that somebody took of themselves says of them, by one engine.

    The picture itself is not kept, only its hash.
    """

    reference: Reference
    picture_hash: str
    engine_id: EngineId

    @property
    def is_usable(self) -> bool:
        """One face, and one that shows enough of the person."""
        return self.reference.faces_in_picture == 1 and self.reference.quality >= POOR_QUALITY


def reference_from(faces: PhotoFaces, *, kind: ReferenceKind = ReferenceKind.PROFILE) -> Reference:
    """The largest face of a picture that shows the person asked for; it must show one."""
    face = max(faces.faces, key=lambda face: face.detection.box.short_side_px)
    return Reference(
        embedding=face.embedding,
        quality=face.quality,
        faces_in_picture=len(faces.faces),
        kind=kind,
    )


def usable(references: Sequence[Reference], *, maybe_similarity: float) -> list[Reference]:
    """The references that may speak for a person.

    Poor faces don't, unless nothing better is known. Nor does a profile picture that is nothing
    like what the person gave and confirmed themselves: it shows a child, a cat, another person.
    """
    good = [one for one in references if one.quality >= POOR_QUALITY]
    if not good:
        return [max(references, key=lambda one: one.quality)] if references else []
    own = [one for one in good if one.kind is not ReferenceKind.PROFILE]
    if not own:
        return good
    face = combined(own)
    return own + [
        one
        for one in good
        if one.kind is ReferenceKind.PROFILE and float(one.embedding @ face) >= maybe_similarity
    ]


def combined(references: Sequence[Reference]) -> Embedding:
    """One vector (D,) of several, each weighted by its quality.

    Each picture has its own light, age and angle; what they have in common is the person.
    """
    rows = np.stack([one.embedding for one in references])
    weights = np.array([max(one.quality, _LEAST_WEIGHT) for one in references], np.float32)
    face: Embedding = unit(weights @ rows)
    return face
