"""Counts of slices and patients: by hand, by scikit-learn, and the rule for empty masks."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, jaccard_score, precision_score, recall_score

from brainmri.scoring.mask_counts import OverlapRule, count_slices
from brainmri.scoring.overlap import SliceOverlap, dice, join_patients
from tests.scoring.masks import draw, draw_random, make_score

RULE = OverlapRule(lesion_overlap=0.1, tolerance_mm=1.0, tolerance_px=1.0)


def _count(
    masks: dict[str, tuple[np.ndarray, np.ndarray]], patient: str | None = "P1", spacing: float | None = None
) -> list[SliceOverlap]:
    """Slices by name, each with its predicted and its reference mask."""
    scores = [make_score(name, patient, tumor=bool(truth.any())) for name, (_, truth) in masks.items()]
    maps = np.array([predicted * np.uint8(255) for predicted, _ in masks.values()])
    references = {name: (truth.astype(np.uint8), spacing) for name, (_, truth) in masks.items()}
    return count_slices(scores, maps, references, RULE)


FOUND = draw("##..", "##..", "....", "....")
TRUTH = draw(".##.", ".##.", "....", "....")
EMPTY = np.zeros((4, 4), bool)


def test_counts_of_a_slice_by_hand() -> None:
    (row,) = _count({"a": (FOUND, TRUTH)})
    assert (2, 2, 2, 10) == (row.tp, row.fp, row.fn, row.tn)
    assert (1, 1, 0) == (row.lesions, row.lesions_found, row.false_lesions)
    assert 1.0 == row.hausdorff95


def test_a_patient_is_all_its_slices_as_one_volume() -> None:
    (patient,) = join_patients(_count({"a": (FOUND, TRUTH), "b": (TRUTH, TRUTH), "c": (FOUND, EMPTY)}))
    # tp 2 + 4, fp 2 + 4, fn 2, tn 10 + 12 + 12
    assert (6 * 2 / (6 * 2 + 6 + 2), 6 / 14, 6 / 8, 34 / 40, 6 / 12) == (
        patient.dice,
        patient.iou,
        patient.sensitivity,
        patient.specificity,
        patient.precision,
    )
    assert (3, 2, 8, 12) == (
        patient.slices,
        patient.tumor_slices,
        patient.tumor_px,
        patient.predicted_px,
    )
    assert 0.5 == patient.hausdorff95


def test_a_group_stands_for_an_unknown_patient() -> None:
    rows = _count({"a": (FOUND, TRUTH), "b": (FOUND, TRUTH)}, patient=None)
    assert ["G-a", "G-b"] == [row.case for row in join_patients(rows)]


def test_without_tumor_in_the_reference_only_specificity_is_defined() -> None:
    for predicted in (EMPTY, FOUND):
        (patient,) = join_patients(_count({"a": (predicted, EMPTY)}))
        assert {None} == {
            patient.dice,
            patient.iou,
            patient.sensitivity,
            patient.precision,
            patient.hausdorff95,
            patient.surface_dice,
        }
        assert 1 - predicted.mean() == patient.specificity
    assert dice(0, 5, 0) is None
    assert dice(0, 0, 5) == 0


def test_a_missed_tumor_has_dice_0_and_no_distance_and_no_precision() -> None:
    (patient,) = join_patients(_count({"a": (EMPTY, TRUTH)}))
    assert (0.0, 0.0, None, None) == (
        patient.dice,
        patient.sensitivity,
        patient.precision,
        patient.hausdorff95,
    )


def test_distances_are_in_millimeters_where_every_spacing_is_known() -> None:
    (row,) = _count({"a": (FOUND, TRUTH)}, spacing=0.5)
    assert (0.5, 0.5) == (row.hausdorff95, row.spacing_mm)


def test_a_pixel_is_called_from_a_half_on() -> None:
    maps = np.array([[[127, 128], [0, 255]]], np.uint8)
    truth = np.array([[0, 1], [0, 1]], np.uint8)
    (row,) = count_slices([make_score("a", "P", tumor=True)], maps, {"a": (truth, None)}, RULE)
    assert (2, 0, 0, 2) == (row.tp, row.fp, row.fn, row.tn)


@pytest.mark.long
def test_a_thousand_random_pairs_agree_with_scikit_learn() -> None:
    generator = np.random.default_rng(2)
    pairs = {f"{number:04d}": (draw_random(generator), draw_random(generator)) for number in range(1000)}
    for row in _count(pairs, patient=None):
        predicted, truth = (mask.ravel() for mask in pairs[row.slice_id])
        (patient,) = join_patients([row])
        if not truth.any():
            assert patient.dice is None
            continue
        assert f1_score(truth, predicted, zero_division=0) == pytest.approx(patient.dice)
        assert jaccard_score(truth, predicted, zero_division=0) == pytest.approx(patient.iou)
        assert recall_score(truth, predicted) == pytest.approx(patient.sensitivity)
        if not truth.all():
            assert recall_score(~truth, ~predicted) == pytest.approx(patient.specificity)
        if predicted.any():
            assert precision_score(truth, predicted) == pytest.approx(patient.precision)
