"""Answers in words that need no statistics."""

from typing import Final

from pydantic import BaseModel, ConfigDict

from brainmri.serving.answers import Answers, ScanAnswer

_HIGHEST: Final = (
    "It is the highest of the {} slices looked at, which is more often high by chance than one slice alone "
    "is."
)
_UNLIKE: Final = (
    "This scan is unlike the pictures that the model learnt from: its answer may mean nothing, whatever it "
    "says."
)
CALIBRATION: Final = (
    "Probabilities are calibrated on the validation slices of the model's own data set. On scans of another "
    "place, scanner or patient group they may be off; nobody has checked them on yours."
)


class Reading(BaseModel):
    """Of a scan: what the model says, what to make of the number, and a warning where there is one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scan: str
    says: str
    means: str
    warning: str | None


def read_out(scan: ScanAnswer, answers: Answers) -> Reading:
    """A scan's answer in words."""
    model, probability = answers.model, scan.probability_max
    side = "at or above" if probability >= model.threshold else "below"
    digits = 0 if f"{100 * probability:.0f}" != f"{100 * model.threshold:.0f}" else 2
    shown, threshold = (_percent(share, digits) for share in (probability, model.threshold))
    return Reading(
        scan=scan.scan,
        says=f"The model says: {scan.decision}.",
        means=f"The probability of {model.positive} is {shown}, {side} the model's threshold of {threshold}. "
        f"{_explain(scan, model.positive)}".strip(),
        warning=_UNLIKE if scan.unlike else None,
    )


def _explain(scan: ScanAnswer, positive: str) -> str:
    """What a probability is, where it is one: not of a strange scan, nor of the highest of several slices."""
    if scan.unlike:
        return ""
    if (count := len(scan.slices)) > 1:
        return f"{_HIGHEST.format(count)} Their mean is {_percent(scan.probability_mean, 0)}."
    share = scan.probability_max
    number = "none or 1" if share < 0.01 else "99 or all" if share > 0.99 else f"{100 * share:.0f}"
    return f"Of 100 slices with such a number about {number} show {positive}, where its calibration holds."


def _percent(share: float, digits: int) -> str:
    """Never 0 or 100: the model is not that sure of anything."""
    if share < 0.01:
        return "less than 1 %"
    return "more than 99 %" if share > 0.99 else f"{100 * share:.{digits}f} %"
