"""Segmentation arms: Dice of each patient over seeds, and paired differences."""

import numpy as np
import pytest
from scipy.stats import ttest_rel

from brainmri.dataset.manifest import Subset
from brainmri.dataset.predictions import Epoch
from brainmri.dataset.units import SegmentedRow
from brainmri.scoring.segmented_arms import describe_masks


def _row(
    patient: str, counts: tuple[int, int, int], seed: int = 0, subset: Subset = Subset.TEST
) -> SegmentedRow:
    tp, fp, fn = counts
    return SegmentedRow(
        slice_id=f"{patient}{seed}",
        group=patient,
        patient=patient,
        label="tumor",
        subset=subset,
        epoch=Epoch.BEST,
        score=0.5,
        logit=0.0,
        seed=seed,
        fold=0,
        tp=tp,
        fp=fp,
        fn=fn,
    )


def test_a_patient_s_dice_is_the_mean_over_seeds_of_what_was_scored() -> None:
    rows = [
        _row("A", (10, 0, 10)),
        _row("A", (10, 10, 0), seed=1),
        _row("B", (1, 0, 0)),
        _row("B", (0, 0, 1), seed=1),
        _row("C", (0, 5, 0)),
        _row("A", (0, 0, 99), subset=Subset.VALID),
    ]
    figures = describe_masks({"unet": rows}, 0.95)["unet"]
    assert 2 == figures["patients_with_tumor"]
    assert (2 / 3 + 0.5) / 2 == pytest.approx(figures["dice_per_patient_mean"]["value"])
    assert "against_first_segmenter" not in figures


def test_arms_are_compared_patient_by_patient() -> None:
    generator = np.random.default_rng(0)
    hits = generator.integers(40, 80, 20)
    first = [_row(f"P{number:02d}", (int(tp), 10, 20)) for number, tp in enumerate(hits)]
    better = [row.model_copy(update={"fn": 10}) for row in first]
    figures = describe_masks({"first": first, "better": better, "same": list(first)}, 0.95)
    found = figures["better"]["against_first_segmenter"]
    dices = [
        np.array([2 * row.tp / (2 * row.tp + row.fp + row.fn) for row in rows]) for rows in (better, first)
    ]
    assert dices[0].mean() - dices[1].mean() == pytest.approx(found["dice_difference"]["value"])
    assert float(ttest_rel(*dices).pvalue) == pytest.approx(found["p_value"])
    assert (2 * found["p_value"], "better") == (pytest.approx(found["p_value_holm"]), found["verdict"])
    assert "not separable" == figures["same"]["against_first_segmenter"]["verdict"]
