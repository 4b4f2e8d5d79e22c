import numpy as np
import pytest

from brainmri.phantom.anatomy import load_anatomy
from brainmri.phantom.patients.drawing import draw_patient
from brainmri.phantom.patients.settings import PhantomParams
from brainmri.phantom.wide.columns import Columns
from tests.phantom.patients.geometry import find_focus, find_heights, stack


@pytest.fixture(scope="module")
def many(params: PhantomParams) -> list[Columns]:
    ill = params.model_copy(update={"tumor_fraction": 1.0, "slices_per_patient": 3})
    return [draw_patient(ill, number) for number in range(150)]


def test_planes_are_parallel_and_rise(many: list[Columns]) -> None:
    for own in many:
        assert (np.diff(find_heights(own)) > 0).all()
        assert np.ptp(stack(own, "across"), axis=0).max() == 0


def test_the_patients_right_is_on_the_left_and_anterior_above(many: list[Columns]) -> None:
    assert all((own["across_x"] < -0.9).all() and (own["down_y"] < -0.9).all() for own in many)


def test_planes_stay_in_the_brain(many: list[Columns]) -> None:
    for own in many:
        heights = find_heights(own)
        assert heights.min() >= -36.0001
        assert heights.max() <= 62.0001


def test_slices_cut_one_ball(many: list[Columns]) -> None:
    checked = 0
    for own in many:
        heights, squares = find_heights(own), own["radius_mm_0"] ** 2
        if own["present_0"].all():
            # Of all planes: radius² + (height - middle)² = the ball's radius².
            slope = np.diff(squares + heights**2) / np.diff(heights)
            assert slope[0] == pytest.approx(slope[1], abs=0.01)
            checked += 1
    assert checked > 75


def test_the_focus_stands_upright_on_the_planes_and_lies_in_the_brain(many: list[Columns]) -> None:
    depths = []
    for own in many:
        feet, normal = find_focus(own), np.cross(stack(own, "across"), stack(own, "down"))[0]
        steps = np.diff(feet, axis=0)
        assert np.allclose(np.abs(steps @ normal), np.linalg.norm(steps, axis=1))
        place = feet[own["radius_mm_0"].argmax()]
        depths.append(-load_anatomy().brain_mm.sample(place[:, None, None].astype(np.float32))[0, 0])
    assert np.mean(np.array(depths) > 0) > 0.97


@pytest.mark.parametrize("slices", [1, 3])
def test_small_foci_are_cut_too_wherever_they_lie(params: PhantomParams, slices: int) -> None:
    small = params.model_copy(
        update={
            "tumor_fraction": 1.0,
            "slices_per_patient": slices,
            "tumor_radius_min_mm": 3.0,
            "tumor_radius_max_mm": 6.0,
        }
    )
    assert all(draw_patient(small, number)["present_0"].any() for number in range(150))


def test_every_patient_has_a_slice_through_the_focus_and_some_pass_it_by(many: list[Columns]) -> None:
    shown = np.array([own["present_0"] > 0 for own in many])
    assert shown.any(axis=1).all()
    assert 0.8 < shown.mean() < 0.98


def test_what_passes_the_focus_by_is_not_pushed(many: list[Columns]) -> None:
    for own in many:
        missed = own["present_0"] == 0
        assert not own["push"][missed].any()
        assert not own["midline_mm"][missed].any()
