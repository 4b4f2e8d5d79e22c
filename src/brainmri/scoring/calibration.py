"""From validation logits to the operating point: one temperature and one threshold."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError
from scipy.optimize import minimize_scalar
from scipy.special import expit

from brainmri.dataset.manifest import Subset
from brainmri.dataset.predictions import Prediction, select_predictions
from brainmri.dataset.prepared import Classes
from brainmri.errors import BadInput
from brainmri.params import Section
from brainmri.tables import DIGITS, read_mapping, write_mapping

Values = NDArray[np.float64]  # (n,), one a case
Truth = NDArray[np.bool_]  # (n,), whether the case is positive

TEMPERATURE_RANGE = (0.05, 20.0)


_SENSITIVITY = r"^sensitivity (0?\.\d*[1-9]\d*|1(\.0*)?)$"


class CalibrateParams(Section):
    """The section `calibrate`."""

    threshold: Annotated[
        Literal["youden"] | Annotated[str, Field(pattern=_SENSITIVITY)] | Annotated[float, Field(ge=0, le=1)],
        Field(description="youden, `sensitivity 0.95` (any share above 0) or a number from 0 to 1"),
    ]


class OperatingPoint(Section):
    """How a logit becomes a decision: positive if sigmoid(logit / temperature) >= threshold.

    Both numbers have the six digits they are written with, so reading them back changes no decision.
    """

    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    threshold: Annotated[float, Field(ge=0, le=1)]
    rule: str
    negative: str
    positive: str

    @property
    def classes(self) -> tuple[str, str]:
        """The names of the classes: that of a decision against the tumor, that of one for it."""
        return self.negative, self.positive


def read_operating_point(path: Path) -> OperatingPoint:
    """The operating point at `path`; `BadInput` names the key that is wrong."""
    try:
        return OperatingPoint.model_validate(read_mapping(path))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise BadInput(f"{path}: {key}: {first['msg'].lower()}, came {first['input']!r}") from None


def write_operating_point(path: Path, point: OperatingPoint) -> None:
    """Writes the operating point as JSON."""
    write_mapping(path, point.model_dump())


def choose_operating_point(
    predictions: Iterable[Prediction], classes: Classes, params: CalibrateParams
) -> OperatingPoint:
    """Temperature, then threshold, both on the validation slices of the best epoch and nothing else.

    Without a test subset (the paper's protocol) the validation slices are what is reported, so nothing
    may be tuned on them: temperature 1, threshold 0.5, rule `fixed`.
    """
    predictions, names = list(predictions), vars(classes)
    if not any(row.subset is Subset.TEST for row in predictions):
        return OperatingPoint(temperature=1.0, threshold=0.5, rule="fixed", **names)
    valid = select_predictions(predictions, Subset.VALID)
    logits = np.array([row.logit for row in valid])
    truth = np.array([row.label == classes.positive for row in valid])
    temperature = fit_temperature(logits, truth)
    threshold, rule = choose_threshold(truth, apply_temperature(logits, temperature), params.threshold)
    return OperatingPoint(temperature=temperature, threshold=threshold, rule=rule, **names)


def apply_temperature(logits: Values, temperature: float | Values) -> Values:
    """Calibrated scores sigmoid(logits / temperature), each 0 to 1; one temperature, or one a case."""
    return np.asarray(expit(logits / temperature), dtype=np.float64)


def fit_temperature(logits: Values, truth: Truth) -> float:
    """The temperature with the least log loss (Guo et al. 2017, arXiv 1706.04599), six digits.

    It is looked for from 0.05 to 20. Where logit 0 separates the classes, log loss falls without end
    as the temperature does; the targets are then Platt's (1999), (n + 1) / (n + 2) for n cases of a
    class, which have a finite best. With one class alone there is nothing to fit to: 1.
    """
    if truth.all() or not truth.any():
        return 1.0
    signs = np.where(truth, 1.0, -1.0)
    separated = bool((signs * logits >= 0).all())
    target = _platt_targets(truth) if separated else truth.astype(np.float64)

    def log_loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        return float(np.mean(np.logaddexp(0.0, scaled) - target * scaled))

    found = minimize_scalar(
        log_loss, bounds=np.log(TEMPERATURE_RANGE), method="bounded", options={"xatol": 1e-9}
    )
    return round(float(np.exp(found.x)), DIGITS)


def choose_threshold(truth: Truth, score: Values, rule: str | float) -> tuple[float, str]:
    """The threshold that `calibrate.threshold` asks for, six digits, and what the rule is called."""
    if isinstance(rule, float):
        return round(rule, DIGITS), "given"
    if rule == "youden":
        return youden_threshold(truth, score), rule
    return sensitive_threshold(truth, score, float(rule.split()[1])), rule


def sensitive_threshold(truth: Truth, score: Values, sensitivity: float) -> float:
    """The highest threshold that finds at least the share `sensitivity` of the positives, six digits.

    It lies midway between the last positive that has to be found and the score below, so that as few
    negatives as may be are called. Raises `BadInput` if a class is absent.
    """
    candidates, called_true, _ = _sweep_thresholds(truth, score)
    # Whole numbers of cases: 19 of 20 are 0.95, whatever 0.95 is in binary.
    wanted = int(np.ceil(sensitivity * truth.sum() - 1e-9))
    return float(candidates[np.flatnonzero(called_true >= wanted)[-1]])


def youden_threshold(truth: Truth, score: Values) -> float:
    """The threshold with the greatest sensitivity + specificity - 1 (Youden 1950), six digits.

    Candidates lie midway between neighbouring scores, rounded as they will be written, so that the
    last digit of a score decides nothing. Of several best ones the lowest wins: at equal Youden index
    the rule that misses fewer positives. Raises `BadInput` if a class is absent.
    """
    candidates, called_true, called_false = _sweep_thresholds(truth, score)
    # Whole numbers: ties are exact.
    index = called_true * int((~truth).sum()) - called_false * int(truth.sum())
    return float(candidates[int(index.argmax())])


def _sweep_thresholds(truth: Truth, score: Values) -> tuple[Values, NDArray[np.int64], NDArray[np.int64]]:
    """Rising thresholds as they will be written, and the positives and negatives that each calls."""
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        raise BadInput(
            "validation: expected slices of both classes for a threshold, came one class alone; add scans"
        )
    distinct = np.unique(score)
    middles = (distinct[:-1] + distinct[1:]) / 2
    # Rounded down, the lowest still calls the lowest score.
    lowest = np.floor(distinct[:1] * 10**DIGITS) / 10**DIGITS
    candidates = np.unique(np.concatenate([lowest, np.round(middles, DIGITS)]))
    called_true = positives - np.searchsorted(np.sort(score[truth]), candidates)
    called_false = negatives - np.searchsorted(np.sort(score[~truth]), candidates)
    return candidates, called_true, called_false


def _platt_targets(truth: Truth) -> Values:
    positives, negatives = int(truth.sum()), int((~truth).sum())
    return np.where(truth, (positives + 1) / (positives + 2), 1 / (negatives + 2))
