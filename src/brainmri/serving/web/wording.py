"""Answers in words that need no statistics."""

from typing import Final

from pydantic import BaseModel, ConfigDict

from brainmri.serving.answers import Answers, ScanAnswer

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
    many = len(scan.slices) > 1
    where = "In the most suspicious slice the" if many else "The"
    extra = (
        f" Over its {len(scan.slices)} slices the mean is {_percent(scan.probability_mean)}." if many else ""
    )
    return Reading(
        scan=scan.scan,
        says=f"The model says: {scan.decision}.",
        means=f"{where} probability of {model.positive} is {_percent(probability)}: of 100 slices with such "
        f"a number, about {_count(probability)} show {model.positive}, where its calibration holds. That is "
        f"{side} its threshold of {_percent(model.threshold)}.{extra}",
        warning=_UNLIKE if scan.unlike else None,
    )


def _percent(share: float) -> str:
    """Never 0 or 100: the model is not that sure of anything."""
    if share < 0.01:
        return "less than 1 %"
    return "more than 99 %" if share > 0.99 else f"{100 * share:.0f} %"


def _count(share: float) -> str:
    return "none or 1" if share < 0.01 else "99 or all" if share > 0.99 else f"{100 * share:.0f}"
