import numpy as np
import pytest

from brainmri.errors import BadInput
from brainmri.scoring.calibration import OperatingPoint
from brainmri.scoring.cases import Unit, gather_cases
from tests.scoring.samples import POINT, make_cases, make_prediction

ROWS = [
    make_prediction("a2", "healthy", 2.0, group="G2", patient="A"),
    make_prediction("b1", "healthy", -1.0, group="G1", patient="B"),
    make_prediction("a1", "tumor", -2.0, group="G2", patient="A"),
    make_prediction("c1", "tumor", 0.0, group="G3"),
]


def sigmoid(logit):
    return 1 / (1 + np.exp(-logit))


def test_slices_come_by_name_with_calibrated_scores():
    warm = OperatingPoint(**POINT.model_dump() | {"temperature": 2.0})
    cases = gather_cases(ROWS, warm, Unit.SLICE)
    assert cases.truth.tolist() == [True, False, False, True]
    assert cases.score == pytest.approx([sigmoid(logit / 2) for logit in (-2, 2, -1, 0)])
    assert cases.group.tolist() == [1, 1, 0, 2]
    assert cases.groups == 3


@pytest.mark.parametrize(("unit", "score"), [(Unit.PATIENT_MAX, sigmoid(2)), (Unit.PATIENT_MEAN, 0.5)])
def test_a_patient_is_positive_if_a_slice_is_and_slices_without_patient_make_none(unit, score):
    cases = gather_cases(ROWS, POINT, unit)
    assert cases.truth.tolist() == [True, False]
    assert cases.score == pytest.approx([score, sigmoid(-1)])
    assert cases.group.tolist() == [1, 0]


def test_a_patient_in_two_groups_is_named():
    rows = [make_prediction("a", group="G1", patient="A"), make_prediction("b", group="G2", patient="A")]
    with pytest.raises(BadInput, match="patient A: expected one group, came G1, G2"):
        gather_cases(rows, POINT, Unit.PATIENT_MAX)


def test_no_known_patient_makes_no_cases():
    with pytest.raises(BadInput, match="at least one case"):
        gather_cases([make_prediction("a")], POINT, Unit.PATIENT_MEAN)


@pytest.mark.parametrize(
    ("truth", "score", "group", "message"),
    [
        ([True], [0.5, 0.5], [0], "one length"),
        ([True], [1.5], [0], "0 to 1"),
        ([True], [np.nan], [0], "0 to 1"),
        ([True, False], [0.5, 0.5], [0, 2], "without a gap"),
        ([True, False], [0.5, 0.5], [-1, 0], "without a gap"),
    ],
)
def test_cases_that_do_not_fit_together_cannot_be_built(truth, score, group, message):
    with pytest.raises(ValueError, match=message):
        make_cases(truth, score, group)
