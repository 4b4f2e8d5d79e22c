"""The figures of metrics/segmentation.json: by hand, with unit in the name and the undefined counted."""

import numpy as np
import pytest

from brainmri.scoring.overlap import SliceOverlap
from brainmri.scoring.segmentation import Scale, choose_scale, compare_masks, evaluate_masks


def _slice(name: str, case: str, counts: tuple[int, int, int], **more: float | int | None) -> SliceOverlap:
    tp, fp, fn = counts
    known = {
        "hausdorff95": None,
        "surface_dice": None,
        "lesions": int(tp + fn > 0),
        "lesions_found": int(tp > 0),
    }
    known |= {"false_lesions": int(fp > 0 and not tp), "spacing_mm": None} | more
    label = "tumor" if tp + fn else "no tumor"
    return SliceOverlap(
        slice_id=name,
        group=f"G-{case}",
        case=case,
        label=label,
        tp=tp,
        fp=fp,
        fn=fn,
        tn=100 - tp - fp - fn,
        **known,
    )


PIXELS = Scale("px", 2.0)
ROWS = [
    _slice("a1", "A", (10, 5, 5), hausdorff95=2.0, surface_dice=0.5),
    _slice("a2", "A", (0, 0, 10), surface_dice=0.0),
    _slice("b1", "B", (20, 0, 0), hausdorff95=0.0, surface_dice=1.0),
    _slice("b2", "B", (0, 4, 0), surface_dice=0.0),
    _slice("c1", "C", (0, 0, 0)),
    _slice("c2", "C", (0, 0, 0)),
]


def test_every_figure_of_a_set_by_hand() -> None:
    report = evaluate_masks(ROWS, PIXELS, 0.95)
    first, second = 20 / (20 + 5 + 15), 40 / 44
    expected = {
        "dice_per_patient_mean": (first + second) / 2,
        "dice_per_patient_median": (first + second) / 2,
        "dice_per_tumor_slice_mean": (20 / 30 + 0 + 1) / 3,
        "iou_per_patient_mean": (10 / 30 + 20 / 24) / 2,
        "pixel_sensitivity_per_patient_mean": (10 / 25 + 1) / 2,
        "pixel_specificity_per_patient_mean": (170 / 175 + 176 / 180 + 1) / 3,
        "pixel_precision_per_patient_mean": (10 / 15 + 20 / 24) / 2,
        "hausdorff95_px_per_patient_mean": 1.0,
        "normalized_surface_dice_2px_per_patient_mean": (0.25 + 0.5) / 2,
        "sensitivity_per_lesion_in_slice": 2 / 3,
        "false_lesions_per_slice": 1 / 6,
        "sensitivity_of_slices": 2 / 3,
        "specificity_of_slices": 2 / 3,
        "false_area_px2_per_tumor_free_slice": 4 / 3,
    }
    assert expected == pytest.approx({name: report[name]["value"] for name in expected})
    assert (3, 2, 6, 3, 1, 3, 0) == tuple(
        report[name]
        for name in (
            "patients",
            "patients_with_tumor",
            "slices",
            "slices_with_tumor",
            "slices_without_distance",
            "lesions_in_slices",
            "undefined",
        )
    )


def test_names_say_millimeters_where_spacing_is_known() -> None:
    rows = [row.model_copy(update={"spacing_mm": 0.5}) for row in ROWS]
    report = evaluate_masks(rows, choose_scale(rows, 1.5, 2.0), 0.95)
    assert "normalized_surface_dice_1.5mm_per_patient_mean" in report
    assert report["false_area_mm2_per_tumor_free_slice"]["value"] == pytest.approx(4 / 3 / 4)
    assert "hausdorff95_mm_per_patient_mean" in report


def test_a_set_without_tumor_has_no_overlap_and_says_how_much_is_undefined() -> None:
    report = evaluate_masks(ROWS[-2:], PIXELS, 0.95)
    # Of 14 figures specificity of pixels and of slices, false lesions and false area are left.
    assert 10 == report["undefined"]
    assert "dice_per_patient_mean" not in report
    assert 1.0 == report["specificity_of_slices"]["value"]


def test_empty_slices_never_raise_a_mean() -> None:
    more = [_slice(f"d{number}", "D", (0, 0, 0)) for number in range(50)]
    names = ("dice_per_patient_mean", "dice_per_tumor_slice_mean", "iou_per_patient_mean")
    alone, beside = evaluate_masks(ROWS, PIXELS, 0.95), evaluate_masks([*ROWS, *more], PIXELS, 0.95)
    assert [alone[name] for name in names] == [beside[name] for name in names]


def test_the_gain_of_the_mirrored_view_is_paired() -> None:
    worse = [row.model_copy(update={"fp": row.fp + 5}) for row in ROWS]
    found = compare_masks(ROWS, worse, 0.95)
    without = np.mean([20 / (20 + 15 + 15), 40 / (40 + 14)])
    assert found["dice_per_patient_mean_without"]["value"] == pytest.approx(without)
    gain = np.mean([20 / 40, 40 / 44]) - without
    assert found["dice_per_patient_mean_gain"]["value"] == pytest.approx(gain)


def test_patients_of_one_group_are_one_cluster() -> None:
    rows = [*ROWS, _slice("d1", "D", (5, 5, 5)), _slice("e1", "E", (5, 5, 9))]
    joined = [row.model_copy(update={"group": "G"} if row.case in "DE" else {}) for row in rows]
    apart, together = (evaluate_masks(own, PIXELS, 0.95)["dice_per_patient_mean"] for own in (rows, joined))
    assert apart["value"] == together["value"]
    assert apart["low"] != together["low"]


def test_groups_are_not_called_patients() -> None:
    rows = [row.model_copy(update={"group": row.case}) for row in ROWS]
    assert "group, as no patient is known" == evaluate_masks(rows, PIXELS, 0.95)["unit"]
    assert "patient" == evaluate_masks(ROWS, PIXELS, 0.95)["unit"]
