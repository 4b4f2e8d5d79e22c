"""Classifier and segmenter as detectors of the same slices."""

import numpy as np
import pytest

from brainmri.dataset.manifest import Subset
from brainmri.dataset.predictions import Epoch, Prediction
from brainmri.errors import BadInput
from brainmri.scoring.calibration import OperatingPoint
from brainmri.scoring.detection import compare_detectors, tabulate_detectors
from brainmri.scoring.evaluation import EvaluateParams

PARAMS = EvaluateParams(confidence=0.95, draws=200, seed=0, top_losses=1)
POINT = OperatingPoint(temperature=1.0, threshold=0.5, rule="given", negative="no tumor", positive="tumor")


def _predict(strength: float, seed: int, count: int = 80) -> list[Prediction]:
    generator = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        logit = float(strength * (1 if number % 2 else -1) + generator.normal())
        rows.append(
            Prediction(
                slice_id=f"{number:03d}",
                group=f"G{number // 4}",
                patient=f"P{number // 4}",
                label="tumor" if number % 2 else "no tumor",
                subset=Subset.TEST,
                epoch=Epoch.BEST,
                score=1 / (1 + np.exp(-logit)),
                logit=logit,
            )
        )
    return rows


def test_a_much_better_segmenter_is_called_better_and_itself_is_not_separable() -> None:
    strong, weak = _predict(3.0, 0), _predict(0.1, 1)
    report = compare_detectors((strong, POINT), (weak, POINT), PARAMS)
    assert "the segmenter's score is better than the classifier's" == report["finding"]
    assert report["auroc_difference"]["value"] == pytest.approx(
        report["segmenter"]["slice"]["auroc"]["value"] - report["classifier"]["slice"]["auroc"]["value"]
    )
    same = compare_detectors((strong, POINT), (strong, POINT), PARAMS)
    assert "the segmenter's score is not separable from the classifier's" == same["finding"]
    table = tabulate_detectors(report, "test")
    assert all(f"\n| {name} | " in table for name in ("classifier", "segmenter", "difference"))


def test_other_slices_are_refused() -> None:
    with pytest.raises(BadInput, match="expected classifier and segmenter on the same slices"):
        compare_detectors((_predict(1.0, 0), POINT), (_predict(1.0, 0, count=40), POINT), PARAMS)
