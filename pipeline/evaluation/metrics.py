"""Figures over similarity scores: pure, numpy alone.

A *genuine* pair shows one person twice, an *impostor* pair two people. A pair is accepted where its
score is at or above the threshold. FAR (false accept rate) is the share of impostor pairs that are
accepted, TAR (true accept rate) that of genuine pairs.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Scores: TypeAlias = NDArray[np.float64]
"""float64 (N,), cosine similarities; NO_FACE where a picture has no face to compare."""

Labels: TypeAlias = NDArray[np.intp]
"""int (N,): whom or what each score belongs to."""

NO_FACE = -1.0
"""The score of a pair in which a face wasn't found: it is never accepted, whatever it shows."""

BINS = 20_000
"""Of a histogram over -1 to 1: fine enough to read a curve from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldAccuracy:
    """The LFW protocol's result; `thresholds` holds the one used in each fold."""

    mean: float
    standard_error: float
    thresholds: Scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Counts of scores in BINS equal bins from -1 to 1: int64 (BINS,) each."""

    genuine: NDArray[np.int64]
    impostor: NDArray[np.int64]

    def roc(self) -> tuple[Scores, Scores]:
        """FAR and TAR at the lower edge of each bin that holds a score, strictest first."""
        held = np.flatnonzero((self.genuine + self.impostor)[::-1])
        far = np.cumsum(self.impostor[::-1])[held] / max(1, int(self.impostor.sum()))
        tar = np.cumsum(self.genuine[::-1])[held] / max(1, int(self.genuine.sum()))
        return far, tar


def counted(scores: NDArray[np.floating]) -> NDArray[np.int64]:
    """How many scores lie in each of BINS bins; those beyond -1 and 1 count at the ends."""
    bins = ((scores + 1.0) * (BINS / 2)).astype(np.int32)
    return np.bincount(bins.clip(0, BINS - 1), minlength=BINS).astype(np.int64)


def best_threshold(scores: Scores, same: NDArray[np.bool_]) -> float:
    """The threshold that decides most of these pairs rightly.

    It lies midway between two neighbouring scores, and of several that are as good between those
    that are furthest apart: so it also holds for others like them.
    """
    values, where = np.unique(scores, return_inverse=True)
    genuine = np.bincount(where[same], minlength=len(values))
    impostor = np.bincount(where[~same], minlength=len(values))
    # At cut k values k and above are accepted; at the last cut nothing is.
    accepted = np.append(np.cumsum(genuine[::-1])[::-1], 0)
    refused = np.insert(np.cumsum(impostor), 0, 0)
    right = accepted + refused
    room = np.concatenate([[0.0], np.diff(values), [0.0]])
    cut = int(np.argmax(np.where(right == right.max(), room, -1.0)))
    if cut == 0:
        return float(values[0])
    if cut == len(values):
        return _just_above(values[-1])
    middle = (values[cut - 1] + values[cut]) / 2
    # Between two floats that touch there is no middle.
    return float(middle if middle > values[cut - 1] else values[cut])


def fold_accuracy(scores: Scores, same: NDArray[np.bool_], folds: Labels) -> FoldAccuracy:
    """Accuracy in each fold at the threshold that is best on all others; needs two folds.

    Huang et al., "Labeled Faces in the Wild", 2007, section IV: mean and standard error of the mean
    (sample deviation over the square root of the number of folds).
    """
    names = np.unique(folds)
    thresholds = np.array(
        [best_threshold(scores[folds != fold], same[folds != fold]) for fold in names]
    )
    right = [
        np.count_nonzero((scores[folds == fold] >= threshold) == same[folds == fold])
        for fold, threshold in zip(names, thresholds, strict=True)
    ]
    # Exact: 5,970 of 6,000 pairs are 0.995, and not a little less.
    accuracies = [
        Fraction(int(count), int(np.count_nonzero(folds == fold)))
        for count, fold in zip(right, names, strict=True)
    ]
    return FoldAccuracy(
        mean=float(sum(accuracies) / len(accuracies)),
        standard_error=float(np.std([float(one) for one in accuracies], ddof=1))
        / math.sqrt(len(names)),
        thresholds=thresholds,
    )


def accepts_allowed(far: float, pairs: int) -> int:
    """How many of `pairs` impostor pairs may be accepted at this FAR."""
    # 1e-3 of 3,000 pairs are 3 of them, whatever floating point makes of it
    return math.floor(far * pairs + 1e-6)


def threshold_at_far(highest: Scores, *, far: float, pairs: int) -> float:
    """The lowest threshold that accepts no more than `far` of `pairs` impostor pairs.

    `highest` are the highest scores among those pairs, in any order: more than
    `accepts_allowed(far, pairs)` of them, or all.
    """
    allowed = accepts_allowed(far, pairs)
    if allowed >= len(highest):
        return -math.inf
    # Of scores that are equal all are accepted or none.
    first_refused = np.partition(highest, len(highest) - 1 - allowed)[len(highest) - 1 - allowed]
    return _just_above(first_refused)


def share_accepted(scores: Scores, threshold: float) -> float:
    """The share at or above the threshold; NaN of no scores."""
    return float(np.mean(scores >= threshold)) if len(scores) else math.nan


def mean_share_accepted(scores: Scores, people: Labels, threshold: float) -> float:
    """The share of each person's scores at or above the threshold, averaged over the people.

    So that someone with 500 pictures counts as much as someone with two. NaN of no scores.
    """
    if not len(scores):
        return math.nan
    _, who = np.unique(people, return_inverse=True)
    return float(np.mean(np.bincount(who, weights=scores >= threshold) / np.bincount(who)))


def _just_above(score: float) -> float:
    return float(np.nextafter(score, np.inf))
