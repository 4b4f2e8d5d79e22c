"""The figures of merit of a classifier, each a reduction of counts (draws,) to values (draws,).

A figure is NaN where it is undefined (its denominator is 0), never a number that stands for that.
"""

import numpy as np

from brainmri.scoring.tally import Matrix, Tally, Vector

# The specificity that sensitivity is read at, and the reverse.
FLOOR = 0.9


def auroc(tally: Tally) -> Vector:
    """Area under the ROC curve: the share of (positive, negative) pairs ranked rightly, ties one half.

    Mann-Whitney; Hanley and McNeil 1982. Trapezes between neighbouring distinct scores.
    """
    widths = np.diff(tally.sweep_fp, axis=1)
    heights = tally.sweep_tp[:, 1:] + tally.sweep_tp[:, :-1]
    return _ratio((widths * heights).sum(axis=1), 2 * tally.positives * tally.negatives)


def auprc(tally: Tally) -> Vector:
    """Average precision: precision at each distinct score, weighted by the recall gained there.

    scikit-learn's `average_precision_score`: no interpolation. Undefined without positives.
    """
    true, false = tally.sweep_tp[:, 1:], tally.sweep_fp[:, 1:]
    precision = np.nan_to_num(_ratio(true, true + false))  # nothing called: no recall gained either
    gained = np.diff(tally.sweep_tp, axis=1)
    return _ratio((gained * precision).sum(axis=1), tally.positives)


def accuracy(tally: Tally) -> Vector:
    """(tp + tn) / all."""
    return _ratio(tally.tp + tally.tn, tally.total)


def sensitivity(tally: Tally) -> Vector:
    """Also called recall: tp / (tp + fn)."""
    return _ratio(tally.tp, tally.positives)


def specificity(tally: Tally) -> Vector:
    """tn / (tn + fp)."""
    return _ratio(tally.tn, tally.negatives)


def balanced_accuracy(tally: Tally) -> Vector:
    """The mean of sensitivity and specificity; undefined if a class is absent."""
    return (sensitivity(tally) + specificity(tally)) / 2


def precision(tally: Tally) -> Vector:
    """Also called positive predictive value: tp / (tp + fp)."""
    return _ratio(tally.tp, tally.tp + tally.fp)


def f1(tally: Tally) -> Vector:
    """2 tp / (2 tp + fp + fn); undefined if nothing is positive and nothing is called so."""
    return _ratio(2 * tally.tp, 2 * tally.tp + tally.fp + tally.fn)


def mcc(tally: Tally) -> Vector:
    """Matthews correlation of truth and decision, -1 to 1; undefined if either has one value only.

    Matthews 1975. The root is taken factor by factor: their product overflows for large counts.
    """
    ways = [tally.positives, tally.negatives, tally.tp + tally.fp, tally.tn + tally.fn]
    scale = np.prod([np.sqrt(way) for way in ways], axis=0)
    correlation = _ratio(tally.tp * tally.tn - tally.fp * tally.fn, scale)
    inside: Vector = np.clip(correlation, -1, 1)
    return inside


def brier(tally: Tally) -> Vector:
    """Mean squared difference of score and truth, 0 to 1 (Brier 1950)."""
    return _ratio(tally.squared_error, tally.total)


def log_loss(tally: Tally) -> Vector:
    """Mean cross entropy in nats."""
    return _ratio(tally.cross_entropy, tally.total)


def ece(tally: Tally) -> Vector:
    """Expected calibration error over 10 bins of equal width, 0 to 1 (Naeini et al. 2015).

    Mean over cases of |share of positives - mean score| of the case's bin. Empty bins weigh nothing.
    """
    return _ratio(np.abs(tally.bin_gaps).sum(axis=1), tally.total)


def sensitivity_at_specificity(tally: Tally) -> Vector:
    """The greatest sensitivity of any threshold on the score whose specificity is at least 0.90.

    Thresholds are the distinct scores and one above them all (sensitivity 0, specificity 1): no
    interpolation. Undefined if a class is absent.
    """
    allowed = tally.sweep_fp <= (1 - FLOOR) * tally.negatives[:, None] * (1 + 1e-9)
    best = np.where(allowed, tally.sweep_tp, 0).max(axis=1)
    return np.where(tally.negatives > 0, _ratio(best, tally.positives), np.nan)


def specificity_at_sensitivity(tally: Tally) -> Vector:
    """The greatest specificity of any threshold on the score whose sensitivity is at least 0.90.

    Thresholds and undefined cases as in `sensitivity_at_specificity`.
    """
    allowed = tally.sweep_tp >= FLOOR * tally.positives[:, None] * (1 - 1e-9)
    true = tally.negatives[:, None] - tally.sweep_fp
    best = np.where(allowed, true, 0).max(axis=1)
    return np.where(tally.positives > 0, _ratio(best, tally.negatives), np.nan)


def _ratio(above: Matrix, below: Matrix) -> Matrix:
    """above / below, NaN where below is 0: the one place that decides what is undefined."""
    undefined: Matrix = np.full(np.broadcast_shapes(above.shape, below.shape), np.nan)
    np.divide(above, below, out=undefined, where=below > 0)
    return undefined
