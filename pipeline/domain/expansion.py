"""Query expansion: what was found leads to more, once.

A portrait shows one angle and one light; the faces found by it show others. Their mean with the
references is a better query. It is only as good as they are, so how much it may say depends on how
sure they were:

- three sure faces, or one that hardly any stranger would reach: further faces can be sure;
- fewer, or where there is none the best maybe if it stands out: a few more maybes.

Measured (tests/accuracy/test_expansion.py): each portrait of three events as the query, alone and
among 7,000 strangers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.domain.arrays import Embedding, unit
from pipeline.domain.calibration import Limits
from pipeline.domain.matching import ranked
from pipeline.domain.model import Certainty, Match, NearFace, PhotoId
from pipeline.domain.references import POOR_QUALITY

SEEDS = 3
"""How many faces extend a query: recall grows up to three, and with ten it is the same."""

WEAK_ADDS = 3
"""How many photos faces that are no proof may add: the cost of a wrong one is bounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """A query of references and faces found; `is_proof` if what it finds may be sure."""

    embedding: Embedding
    is_proof: bool


def extended(query: Embedding, found: Sequence[Match], limits: Limits) -> Extension | None:
    """The query with the strongest matches added; None where nothing found is fit for it.

    `found` is ranked. Confirmed faces are references already; poor and contested ones never join.
    """
    good = [
        match
        for match in found
        if match.face.quality >= POOR_QUALITY and not match.confirmed and not match.contested
    ]
    sure = [match.face for match in good if match.certainty is Certainty.SURE][:SEEDS]
    is_proof = len(sure) >= SEEDS or any(face.distance <= limits.alone_distance for face in sure)
    hints = [match.face for match in good if match.face.distance <= limits.hint_distance][:1]
    seeds = sure or hints
    if not seeds:
        return None
    return Extension(
        embedding=unit(query + np.sum([face.embedding for face in seeds], axis=0)),
        is_proof=is_proof,
    )


def within_reach(near: Sequence[NearFace], query: Embedding, limits: Limits) -> list[NearFace]:
    """Of what an extension came near to, the faces that are like the references themselves."""
    return [face for face in near if 1.0 - float(face.embedding @ query) <= limits.reach_distance]


def merged(
    found: Sequence[Match],
    further: Sequence[Match],
    *,
    query: Embedding,
    extension: Extension,
    limits: Limits,
) -> list[Match]:
    """What was found, made surer and joined by what the extension found; nothing gets lost.

    Only what the references alone would call a maybe can become sure.
    """
    matches = {match.face.photo_id: match for match in found}
    added: list[PhotoId] = []
    for match in further:
        photo_id = match.face.photo_id
        own_distance = 1.0 - float(match.face.embedding @ query)
        is_sure = (
            extension.is_proof
            and match.certainty is Certainty.SURE
            and own_distance <= limits.maybe_distance
        )
        closer = match.face
        if own_distance < closer.distance:
            closer = replace(closer, distance=own_distance)
        known = matches.get(photo_id)
        if known is None:
            if not extension.is_proof and len(added) == WEAK_ADDS:
                continue
            added.append(photo_id)
            certainty = Certainty.SURE if is_sure else Certainty.MAYBE
            matches[photo_id] = replace(match, face=closer, certainty=certainty)
        elif known.face.face_id == match.face.face_id:
            certainty = Certainty.SURE if is_sure else known.certainty
            matches[photo_id] = replace(
                known, face=closer, certainty=certainty, contested=match.contested
            )
    return ranked(matches.values())
