"""A slice lies as radiologists show it, and an asymmetric head differs from side to side."""

from dataclasses import replace

import numpy as np

from brainmri.phantom.drawing import draw_patient
from brainmri.phantom.geometry import bend, place_pixels
from brainmri.phantom.settings import PhantomParams


def test_the_patient_s_right_is_on_the_left_and_the_front_above(params: PhantomParams) -> None:
    patient = draw_patient(params, 0)
    x, y, _ = place_pixels(patient, patient.slices[0], 32)
    assert (x[:, 0] > x[:, -1]).all()
    assert (y[0] > y[-1]).all()


def test_asymmetry_narrows_the_half_of_the_head_on_its_side(params: PhantomParams) -> None:
    patient = draw_patient(params, 0)
    points = place_pixels(patient, patient.slices[0], 32)
    even, right, left = (
        bend(points, replace(patient.body, asymmetry=asymmetry))[0] for asymmetry in (0.0, 1.0, -1.0)
    )
    # A pixel that shows a place farther out shows a narrower head.
    far_right, far_left = points[0] > 40, points[0] < -40
    assert (right - even)[far_right].min() > 1
    assert np.abs(left - even)[far_right].min() > 1
    assert (left - even)[far_left].max() < -1
    assert ((left - even)[far_right] < 0).all()


def test_odd_patients_are_more_often_asymmetric(params: PhantomParams) -> None:
    def count(share: float) -> int:
        odd = params.model_copy(update={"lookalikes_without_tumor": share, "lookalikes_with_tumor": share})
        return sum(abs(draw_patient(odd, number).body.asymmetry) >= 0.5 for number in range(100))

    assert count(0.0) < 25
    assert count(1.0) > 35
