"""Faces of people who turned Findme off: kept out of the index, and out of every answer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.domain.arrays import Embedding
from pipeline.domain.calibration import SURE_RATE, Curve
from pipeline.domain.model import Match, UserId

OUT_RATE = SURE_RATE
"""Of other people's faces this share is kept out for each person who is out, and lost to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """The one vector kept of somebody who is out; faces within `max_distance` are theirs."""

    user_id: UserId
    embedding: Embedding
    max_distance: float


def max_distance(own: Curve) -> float:
    """Up to which cosine distance from a template a face is kept out, by an engine's own curve."""
    return 1.0 - own.similarity_at(OUT_RATE)


def is_of_another(
    query: Embedding, templates: Iterable[Template], *, user_id: UserId | None
) -> bool:
    """Whether somebody goes by the face of another person, who is out: by their picture, say."""
    return any(
        one.user_id != user_id and 1.0 - float(one.embedding @ query) <= one.max_distance
        for one in templates
    )


def without(
    matches: Sequence[Match], templates: Sequence[Template], *, maybe: float
) -> list[Match]:
    """The matches but those more like somebody who is out than like the person they were found for.

    `maybe` is the similarity from which a face may be a person at all. A face that its person
    confirmed stays.
    """
    if not templates:
        return list(matches)
    rows = np.stack([one.embedding for one in templates])
    return [
        match
        for match in matches
        if match.confirmed
        or (closest := float(np.max(rows @ match.face.embedding))) < maybe
        or closest <= match.similarity
    ]
