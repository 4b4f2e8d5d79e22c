"""The rows behind the plots: ROC, precision-recall, confusion, reliability."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from brainmri.dataset.predictions import Prediction
from brainmri.scoring.calibration import OperatingPoint
from brainmri.scoring.cases import Cases, Unit, gather_cases
from brainmri.scoring.intervals import Basis, clustered_error, grouped_interval
from brainmri.scoring.tally import BINS, Tally, Vector, bin_numbers, count, rank_cases
from brainmri.tables import Row


class RocRow(Row):
    """A corner of the ROC curve; `threshold` is None at the start, where nothing is called positive."""

    fpr: float
    tpr: float
    threshold: float | None


class PrecisionRecallRow(Row):
    """A point of the precision-recall curve, at a score that occurs."""

    recall: float
    precision: float
    threshold: float


class ConfusionRow(Row):
    """What a case is and what it was called."""

    actual: str
    predicted: str


class ReliabilityRow(Row):
    """A bin of scores that is not empty: `n` cases of `groups` groups from the score `low` on.

    `mean_score` and `observed_share`, that of positives, are 0 to 1; `share_low` and `share_high` are the
    share's interval by group, None where one group fills the bin.
    """

    bin: int
    low: float
    mean_score: float
    observed_share: float
    share_low: float | None
    share_high: float | None
    n: int
    groups: int


def trace_roc(cases: Cases) -> list[RocRow]:
    """The ROC curve from (0, 0) to (1, 1) without the points on a straight line between two others.

    Empty if a class is absent.
    """
    tally, scores = _sweep(cases)
    positives, negatives = float(tally.positives[0]), float(tally.negatives[0])
    if not positives or not negatives:
        return []
    true, false = tally.sweep_tp[0], tally.sweep_fp[0]
    bends = np.diff(true)[1:] * np.diff(false)[:-1] != np.diff(true)[:-1] * np.diff(false)[1:]
    return [
        RocRow(
            fpr=false[index] / negatives,
            tpr=true[index] / positives,
            threshold=float(scores[index - 1]) if index else None,
        )
        for index in np.flatnonzero(np.concatenate([[True], bends, [True]]))
    ]


def trace_precision_recall(cases: Cases) -> list[PrecisionRecallRow]:
    """Precision and recall at each distinct score, from the highest down. Empty without positives."""
    tally, scores = _sweep(cases)
    positives = float(tally.positives[0])
    if not positives:
        return []
    true, false = tally.sweep_tp[0, 1:], tally.sweep_fp[0, 1:]
    return [
        PrecisionRecallRow(recall=hit / positives, precision=hit / (hit + miss), threshold=float(score))
        for hit, miss, score in zip(true, false, scores, strict=True)
    ]


def list_confusion(predictions: Sequence[Prediction], point: OperatingPoint) -> list[ConfusionRow]:
    """One row a slice, by `slice_id`, with the names of the classes: what DVC's confusion template counts."""
    cases = gather_cases(predictions, point, Unit.SLICE)
    return [
        ConfusionRow(actual=point.classes[int(actual)], predicted=point.classes[int(called)])
        for actual, called in zip(cases.truth, cases.score >= point.threshold, strict=True)
    ]


def bin_reliability(cases: Cases, confidence: float) -> list[ReliabilityRow]:
    """The bins that ECE is computed over, with intervals of that confidence; empty bins have no row."""
    bins = bin_numbers(cases.score)
    return [_describe_bin(int(number), cases, bins == number, confidence) for number in np.unique(bins)]


def _describe_bin(number: int, cases: Cases, inside: NDArray[np.bool_], confidence: float) -> ReliabilityRow:
    truth, group = cases.truth[inside], cases.group[inside]
    share, groups = float(truth.mean()), len(np.unique(group))
    low, high = None, None
    if groups > 1:
        basis = Basis(clustered_error(truth, group), len(truth), groups)
        low, high = grouped_interval(share, basis, confidence)
    return ReliabilityRow(
        bin=number,
        low=number / BINS,
        mean_score=float(cases.score[inside].mean()),
        observed_share=share,
        share_low=low,
        share_high=high,
        n=len(truth),
        groups=groups,
    )


def _sweep(cases: Cases) -> tuple[Tally, Vector]:
    """Counts at every distinct score, and those scores (k,) from the highest down."""
    tally = count(rank_cases(cases, 0.0), np.ones((1, cases.groups)))
    return tally, np.unique(cases.score)[::-1]
