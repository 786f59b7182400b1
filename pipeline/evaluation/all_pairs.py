"""Every picture against every other, block by block: 29.6 million pairs of LFW in some 40 MB."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.arrays import Embeddings
from pipeline.evaluation.metrics import (
    BINS,
    NO_FACE,
    Histogram,
    Labels,
    Scores,
    accepts_allowed,
    counted,
    mean_share_accepted,
    share_accepted,
    threshold_at_far,
)

_BLOCK_ROWS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Operating:
    """What one threshold lets through; the TARs are NaN where nobody has two pictures."""

    threshold: float
    far: float
    false_accepts: int
    tar: float
    tar_per_identity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AllPairs:
    """The scores of all pairs: each genuine one, and of the impostors as many as are needed."""

    genuine: Scores
    genuine_people: Labels
    impostor_pairs: int
    highest_impostors: Scores
    histogram: Histogram

    def at_far(self, far: float) -> Operating:
        """At the lowest threshold with this FAR or less; `far` up to what was asked for."""
        return self.at_threshold(
            threshold_at_far(self.highest_impostors, far=far, pairs=self.impostor_pairs)
        )

    def similarity_at(self, far: float) -> float:
        """The lowest similarity that no more impostors than `far` reach, to a bin (0.0001)."""
        reached = np.cumsum(self.histogram.impostor[::-1])[::-1]
        fitting = np.flatnonzero(reached <= accepts_allowed(far, self.impostor_pairs))
        return float(fitting[0]) / (BINS / 2) - 1.0 if len(fitting) else 1.0

    def at_threshold(self, threshold: float) -> Operating:
        """At this threshold. Below the highest impostors kept, to a bin of the histogram."""
        highest = self.highest_impostors
        if len(highest) == self.impostor_pairs or (len(highest) and threshold > highest.min()):
            accepts = int(np.count_nonzero(highest >= threshold))
        else:
            first = int(np.clip((threshold + 1.0) * (BINS / 2), 0, BINS))
            accepts = int(self.histogram.impostor[first:].sum())
        return Operating(
            threshold=threshold,
            far=accepts / max(1, self.impostor_pairs),
            false_accepts=accepts,
            tar=share_accepted(self.genuine, threshold),
            tar_per_identity=mean_share_accepted(self.genuine, self.genuine_people, threshold),
        )


def compare_all(
    embeddings: Embeddings, people: Sequence[str], has_face: NDArray[np.bool_], *, max_far: float
) -> AllPairs:
    """Score every pair of pictures; thresholds can then be asked for up to `max_far`.

    `embeddings` (N, D), `people` and `has_face` (N,) go together. Pairs with a picture that has no
    face score NO_FACE.
    """
    _, labels = np.unique(np.asarray(people, dtype=str), return_inverse=True)
    total = len(people) * (len(people) - 1) // 2
    sizes = np.bincount(labels)
    impostor_pairs = total - int((sizes * (sizes - 1) // 2).sum())
    keep = accepts_allowed(max_far, impostor_pairs) + 1

    genuine: list[NDArray[np.float32]] = []
    genuine_people: list[Labels] = []
    highest = np.empty(0, np.float32)
    floor = -np.inf
    counts = np.zeros((2, BINS), np.int64)
    for start in range(0, len(people), _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        scores = embeddings[rows] @ embeddings[start:].T
        scores[~has_face[rows]] = NO_FACE
        scores[:, ~has_face[start:]] = NO_FACE
        later = np.triu(np.ones(scores.shape, np.bool_), k=1)
        same = labels[rows, None] == labels[None, start:]
        ours, others = later & same, later & ~same
        genuine.append(scores[ours])
        genuine_people.append(np.broadcast_to(labels[rows, None], scores.shape)[ours])
        impostors = scores[others]
        counts[0] += counted(genuine[-1])
        counts[1] += counted(impostors)
        highest = np.concatenate([highest, impostors[impostors >= floor]])
        if len(highest) > keep:
            highest = np.partition(highest, len(highest) - keep)[-keep:]
            floor = float(highest.min())
    return AllPairs(
        genuine=_joined(genuine).astype(np.float64),
        genuine_people=np.concatenate([np.empty(0, np.intp), *genuine_people]),
        impostor_pairs=impostor_pairs,
        highest_impostors=highest.astype(np.float64),
        histogram=Histogram(genuine=counts[0], impostor=counts[1]),
    )


def _joined(blocks: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate([np.empty(0, np.float32), *blocks])
