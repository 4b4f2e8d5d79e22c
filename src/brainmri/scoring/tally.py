"""Cases under weights -> counts, from which every figure is reduced.

Ones give the estimate, multiplicities a bootstrap draw, a zero the jackknife's left-out group.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brainmri.scoring.calibration import Truth, Values
from brainmri.scoring.cases import Cases
from brainmri.threads import limit_blas

Vector = NDArray[np.float64]  # (draws,), one value a row of weights
Matrix = NDArray[np.float64]  # (draws, something)
# One for all cases, or one a case (n,).
Threshold = float | Values

# ECE: as many bins of equal width, the last one closed at 1.
BINS = 10
# Weights of cases held in memory at once: 8 MB an array.
_CHUNK = 1_000_000


@dataclass(frozen=True)
class Ranked:
    """Cases from the highest score to the lowest, with what is summed over them.

    `group` and `truth` are (n,); `last` (k,) is where each distinct score ends; `terms`
    (groups, 6 + BINS) are a group's sums of tp, fp, fn, tn, squared error, cross entropy, and of
    truth - score in the column of its bin.
    """

    group: NDArray[np.int64]
    truth: Truth
    last: NDArray[np.int64]
    terms: Matrix


@dataclass(frozen=True)
class Tally:
    """Weighted counts, one entry a row of weights.

    tp, fp, fn, tn at the threshold; `sweep_tp` and `sweep_fp` (draws, k + 1) at every distinct score
    from "nothing is positive" down; sums of squared error and cross entropy; `bin_gaps` (draws, BINS)
    the sums of truth - score.
    """

    tp: Vector
    fp: Vector
    fn: Vector
    tn: Vector
    squared_error: Vector
    cross_entropy: Vector
    bin_gaps: Matrix
    sweep_tp: Matrix
    sweep_fp: Matrix

    @property
    def positives(self) -> Vector:
        """The weight of the positive cases."""
        return self.tp + self.fn

    @property
    def negatives(self) -> Vector:
        """The weight of the negative cases."""
        return self.fp + self.tn

    @property
    def total(self) -> Vector:
        """The weight of all cases."""
        return self.positives + self.negatives


def squared_error(truth: Truth, score: Values) -> Values:
    """The squared difference of score and truth of each case."""
    difference: Values = score - truth
    return difference**2


def cross_entropy(truth: Truth, score: Values) -> Values:
    """Cross entropy of each case in nats; scores stay one float64 epsilon off 0 and 1, as in scikit-learn."""
    epsilon = float(np.finfo(np.float64).eps)
    kept = np.clip(score, epsilon, 1 - epsilon)
    return -np.log(np.where(truth, kept, 1 - kept))


def bin_numbers(score: Values) -> NDArray[np.int64]:
    """The bin 0 … BINS - 1 of each score: [0, 0.1), [0.1, 0.2) … [0.9, 1]."""
    return np.minimum((score * BINS).astype(np.int64), BINS - 1)


def rank_cases(cases: Cases, threshold: Threshold) -> Ranked:
    """Sorts the cases once for all draws; a case is called positive if its score >= (its) threshold."""
    order = np.argsort(-cases.score, kind="stable")
    truth, score = cases.truth[order], cases.score[order]
    called = (cases.score >= threshold)[order]
    gaps = np.zeros((len(score), BINS))
    gaps[np.arange(len(score)), bin_numbers(score)] = truth - score
    counts = [truth & called, ~truth & called, truth & ~called, ~truth & ~called]
    terms = np.column_stack([*counts, squared_error(truth, score), cross_entropy(truth, score), gaps])
    by_group = np.zeros((cases.groups, terms.shape[1]))
    np.add.at(by_group, cases.group[order], terms)
    last = np.flatnonzero(np.append(np.diff(score) != 0, True))
    return Ranked(cases.group[order], truth, last, by_group)


def rows_at_once(ranked: Ranked) -> int:
    """How many rows of weights to count together so that memory stays bounded."""
    return max(1, _CHUNK // len(ranked.group))


def count(ranked: Ranked, weights: Matrix) -> Tally:
    """Counts under each row of `weights` (draws, groups): a case weighs what its group weighs."""
    by_case = weights[:, ranked.group]
    true = np.cumsum(by_case * ranked.truth, axis=1)[:, ranked.last]
    false = np.cumsum(by_case * ~ranked.truth, axis=1)[:, ranked.last]
    nothing = np.zeros((len(weights), 1))
    # For so few columns the threads of BLAS wait for each other longer than they work.
    with limit_blas():
        sums = weights @ ranked.terms
    tp, fp, fn, tn, squared, entropy = sums[:, :6].T
    sweep_tp, sweep_fp = np.hstack([nothing, true]), np.hstack([nothing, false])
    return Tally(tp, fp, fn, tn, squared, entropy, sums[:, 6:], sweep_tp, sweep_fp)
