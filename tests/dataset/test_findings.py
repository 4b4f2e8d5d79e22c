"""Findings name the slice, what was found and with which other slice."""

import numpy as np

from brainmri.dataset.findings import Finding, list_outliers, list_twins, sort_findings
from brainmri.dataset.outliers import Outliers
from brainmri.dataset.twins import Likeness, Mirror, Twin
from tests.dataset.rows import make_slice

SLICES = [make_slice(0, "P1"), make_slice(1, "P2", "no"), make_slice(2)]
MIRRORED = Twin(0, 1, Likeness.DETAIL, 0.912, Mirror.LEFT_RIGHT)


def test_a_conflict_is_told_from_both_sides() -> None:
    found = {(row.finding, row.slice_id): row.detail for row in list_twins(SLICES, [MIRRORED])}
    assert found == {
        (Finding.NEAR_TWIN, "s1"): "near twin 0.91, mirrored: s0",
        (Finding.TWO_CLASSES, "s0"): "yes; no in s1",
        (Finding.TWO_CLASSES, "s1"): "no; yes in s0",
        (Finding.TWO_PATIENTS, "s0"): "P1; P2 in s1",
        (Finding.TWO_PATIENTS, "s1"): "P2; P1 in s0",
    }


def test_a_copy_of_one_class_and_unknown_patient_is_no_conflict() -> None:
    rows = list_twins(SLICES, [Twin(0, 2, Likeness.BYTES, 1.0, Mirror.NONE)])
    assert [(row.finding, row.slice_id, row.detail) for row in rows] == [
        (Finding.COPY, "s2", "same file: s0")
    ]


def test_outliers_are_what_passes_a_limit() -> None:
    outliers = Outliers(np.array([0.1, 0.5, 0.5]), np.array([0.2, 0.9, 0.2]), np.array([1, 1, 7.0]))
    rows = list_outliers(SLICES, outliers, least_filled=0.3, most_contact=0.6, most_distance=5)
    assert [(row.finding, row.slice_id) for row in sort_findings(rows[::-1])] == [
        (Finding.NEAR_EMPTY, "s0"),
        (Finding.CUT_OFF, "s1"),
        (Finding.UNLIKE, "s2"),
    ]
