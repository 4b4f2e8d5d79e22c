"""The catalogue of figures: what each is, what it rests on, and all of them measured at once."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from brainmri.scoring import classification as of
from brainmri.scoring.intervals import CaseLoss
from brainmri.scoring.tally import (
    Matrix,
    Ranked,
    Tally,
    Vector,
    count,
    cross_entropy,
    rows_at_once,
    squared_error,
)


class Kind(StrEnum):
    """What a figure is, which decides how its interval is made.

    Losses are averages over cases, the better the lower. A distance is biased away from 0 in any
    finite sample, so an interval around it can't cover and is not given.
    """

    PROPORTION = "proportion"
    AREA = "area"
    CORRELATION = "correlation"
    LOSS = "loss"
    DISTANCE = "distance"


class Support(StrEnum):
    """The cases that a figure is computed over; with `BOTH`, either class is needed."""

    ALL = "all"
    POSITIVE = "positive"
    NEGATIVE = "negative"
    CALLED = "called positive"
    NAMED = "positive or called positive"
    BOTH = "both classes"


@dataclass(frozen=True)
class Figure:
    """A figure of merit: `reduce` takes counts (draws,) to values (draws,) from `low` to `high`.

    `parts` are the two figures that it is the mean of, `loss` what it averages over cases.
    """

    name: str
    reduce: Callable[[Tally], Vector]
    kind: Kind
    support: Support
    at_threshold: bool
    low: float = 0.0
    high: float = 1.0
    parts: "tuple[Figure, Figure] | None" = None
    loss: CaseLoss | None = None


_SENSITIVITY = Figure("sensitivity", of.sensitivity, Kind.PROPORTION, Support.POSITIVE, True)
_SPECIFICITY = Figure("specificity", of.specificity, Kind.PROPORTION, Support.NEGATIVE, True)

FIGURES = (
    Figure("auroc", of.auroc, Kind.AREA, Support.BOTH, False),
    Figure("auprc", of.auprc, Kind.AREA, Support.BOTH, False),
    Figure("accuracy", of.accuracy, Kind.PROPORTION, Support.ALL, True),
    Figure(
        "balanced_accuracy",
        of.balanced_accuracy,
        Kind.PROPORTION,
        Support.BOTH,
        True,
        parts=(_SENSITIVITY, _SPECIFICITY),
    ),
    Figure("precision", of.precision, Kind.PROPORTION, Support.CALLED, True),
    _SENSITIVITY,
    _SPECIFICITY,
    Figure("f1", of.f1, Kind.PROPORTION, Support.NAMED, True),
    Figure("mcc", of.mcc, Kind.CORRELATION, Support.BOTH, True, low=-1.0),
    Figure("brier", of.brier, Kind.LOSS, Support.ALL, False, loss=squared_error),
    Figure("ece", of.ece, Kind.DISTANCE, Support.ALL, False),
    Figure("log_loss", of.log_loss, Kind.LOSS, Support.ALL, False, high=np.inf, loss=cross_entropy),
    Figure(
        "sensitivity_at_specificity_90", of.sensitivity_at_specificity, Kind.PROPORTION, Support.BOTH, False
    ),
    Figure(
        "specificity_at_sensitivity_90", of.specificity_at_sensitivity, Kind.PROPORTION, Support.BOTH, False
    ),
)


def measure(ranked: Ranked, weights: Matrix) -> dict[str, Vector]:
    """Every figure under each row of `weights` (draws, groups); NaN where it is undefined."""
    rows = rows_at_once(ranked)
    parts = []
    for start in range(0, len(weights), rows):
        tally = count(ranked, weights[start : start + rows])
        parts.append([figure.reduce(tally) for figure in FIGURES])
    joined = np.concatenate(parts, axis=1)
    return {figure.name: values for figure, values in zip(FIGURES, joined, strict=True)}
