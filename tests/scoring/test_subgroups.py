"""Sensitivity by the tumor's size: halves by the median, slices without a mask left out."""

from brainmri.dataset.manifest import Subset
from brainmri.dataset.predictions import Epoch, Prediction
from brainmri.scoring.calibration import OperatingPoint
from brainmri.scoring.resampling import IntervalParams
from brainmri.scoring.subgroups import evaluate_tumor_sizes

POINT = OperatingPoint(temperature=1.0, threshold=0.5, positive="tumor", negative="none", rule="youden")
PARAMS = IntervalParams(confidence=0.95, draws=200, seed=0)


def _row(name: str, label: str, score: float) -> Prediction:
    return Prediction(
        slice_id=name,
        group=name,
        patient=None,
        label=label,
        subset=Subset.TEST,
        epoch=Epoch.BEST,
        score=score,
        logit=1.0 if score >= 0.5 else -1.0,
    )


ROWS = [
    *(_row(f"small {n}", "tumor", 0.9 if n == 0 else 0.1) for n in range(4)),
    *(_row(f"large {n}", "tumor", 0.9) for n in range(4)),
    _row("unknown", "tumor", 0.1),
    _row("none", "none", 0.9),
]
SHARES = {f"small {n}": 0.01 for n in range(4)} | {f"large {n}": 0.1 for n in range(4)}


def test_each_half_has_its_own_sensitivity() -> None:
    report = evaluate_tumor_sizes(ROWS, SHARES, POINT, PARAMS)
    assert (4, 0.25) == (report["smaller"]["n"], report["smaller"]["sensitivity"]["value"])
    assert (4, 1.0) == (report["larger"]["n"], report["larger"]["sensitivity"]["value"])
    assert report["smaller"]["sensitivity"]["high"] < 1
    assert 0.055 == report["median_share"]


def test_tumors_of_one_size_are_one_half() -> None:
    report = evaluate_tumor_sizes(ROWS, dict.fromkeys(SHARES, 0.05), POINT, PARAMS)
    assert "smaller" not in report
    assert 8 == report["larger"]["n"]


def test_without_sizes_there_is_nothing_to_tell() -> None:
    assert {} == evaluate_tumor_sizes(ROWS, {}, POINT, PARAMS)
    assert {} == evaluate_tumor_sizes(ROWS, {"none": 0.1, "small 0": 0.1}, POINT, PARAMS)
