"""What evaluate_segmentation publishes of a small set: where it reports, what it warns of, what it draws."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from brainmri.dataset.manifest import Subset
from brainmri.dataset.maps import MaskMaps
from brainmri.dataset.predictions import Epoch, Prediction
from brainmri.dataset.prepared import PreparedSet
from brainmri.figures.masks import draw_masks
from brainmri.scoring.calibration import CalibrateParams, OperatingPoint
from brainmri.scoring.evaluation import EvaluateParams
from brainmri.scoring.mask_counts import OverlapRule
from brainmri.scoring.mask_report import Beside, MaskReport, make_mask_report, write_mask_tables
from tests.learning.samples import make_masked_set

PARAMS = EvaluateParams(confidence=0.95, draws=200, seed=0, top_losses=1), CalibrateParams(threshold="youden")
POINT = OperatingPoint(temperature=1.0, threshold=0.5, rule="given", negative="no tumor", positive="tumor")
RULE = OverlapRule(0.1, 2.0, 2.0)
DATA, _ = make_masked_set()


def _score(data: PreparedSet, place: int, subset: Subset) -> Prediction:
    row = data.slices[place]
    logit = (2.0 if row.label == "tumor" else -2.0) * (-1 if place % 5 == 0 else 1)
    return Prediction(
        slice_id=row.slice_id,
        group=f"G{place // 2}",
        patient=f"P{place // 2}",
        label=row.label,
        subset=subset,
        epoch=Epoch.BEST,
        score=1 / (1 + np.exp(-logit)),
        logit=logit,
    )


def _report(held_out: bool = True, warning: str | None = None, data: PreparedSet = DATA) -> MaskReport:
    """The maps of all slices are the masks, moved by a pixel; half of them are validation."""
    assert data.masks is not None
    subsets = [Subset.VALID, Subset.TEST if held_out else Subset.VALID]
    scores = [_score(data, place, subsets[place // 2 % 2]) for place in range(len(data.slices))]
    maps = np.roll(data.masks, 1, axis=2) * np.uint8(255)
    found = MaskMaps(scores, maps, data.masks * np.uint8(255))
    return make_mask_report(found, data, RULE, Beside(scores, POINT, warning), PARAMS)


def test_the_test_subset_is_reported_and_the_gain_of_flips_is_that_of_the_maps() -> None:
    report = _report()
    assert ("test", 16) == (report.metrics["subset"], report.metrics["slices"])
    assert 0 < report.metrics["dice_per_patient_mean"]["value"] < 1
    flips = report.metrics["flips"]
    assert 1.0 == flips["dice_per_patient_mean_without"]["value"]
    assert report.metrics["dice_per_patient_mean"]["value"] - 1 == pytest.approx(
        flips["dice_per_patient_mean_gain"]["value"]
    )
    assert 0.0 == report.metrics["detection"]["auroc_difference"]["value"]
    assert "test patients with tumor; the segmenter's score is not separable" in report.headline


def test_where_nothing_is_held_out_the_watched_subset_is_reported_untuned() -> None:
    report = _report(held_out=False)
    assert ("valid", 32) == (report.metrics["subset"], report.metrics["slices"])
    assert 0.5 == report.metrics["detection"]["segmenter"]["slice"]["threshold"]


def test_tables_and_pictures_are_written_with_the_split_s_warning(tmp_path: Path) -> None:
    report = _report(warning="this split leaks")
    write_mask_tables(report, tmp_path / "metrics.json", tmp_path / "plots")
    draw_masks(report.slices, report.maps, DATA, report.metrics, tmp_path / "plots")
    names = {"detection.md", "overlays.png", "patients.csv", "patients.png", "slices.csv"}
    assert names == {path.name for path in (tmp_path / "plots").iterdir()}
    assert "this split leaks" == json.loads((tmp_path / "metrics.json").read_text())["warning"]
    assert "this split leaks" in (tmp_path / "plots" / "detection.md").read_text()


def test_without_tumor_in_what_is_reported_there_is_no_dice_and_no_crash(tmp_path: Path) -> None:
    assert DATA.masks is not None
    report = _report(data=replace(DATA, masks=np.zeros_like(DATA.masks)))
    assert "no patient with tumor" == report.headline
    draw_masks(report.slices, report.maps, DATA, report.metrics, tmp_path)
