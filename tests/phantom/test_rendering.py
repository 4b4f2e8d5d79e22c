from dataclasses import replace

import numpy as np

from brainmri.phantom.dataset import render_patient
from brainmri.phantom.description import Patient
from brainmri.phantom.drawing import draw_patient
from brainmri.phantom.rendering import render_slice
from brainmri.phantom.settings import PhantomParams


def draw_ill(params: PhantomParams, count: int) -> list[Patient]:
    ill = params.model_copy(update={"tumor_fraction": 1.0})
    return [draw_patient(ill, number) for number in range(count)]


def test_rendering_is_a_pure_function_of_the_description(params, anatomy):
    patient = draw_patient(params, 0)
    first, second = (render_slice(patient, patient.slices[0], anatomy, params) for _ in range(2))
    assert np.array_equal(first.image, second.image)
    assert np.array_equal(first.mask, second.mask)


def test_pictures_use_the_range_and_leave_air_around_the_head(params):
    for number in range(6):
        for picture in render_patient(params, number):
            assert picture.image.shape == (96, 96)
            assert picture.image.max() > 180
            assert np.median(picture.image[-4:, :4]) < 40


def test_healthy_patients_have_empty_masks(params):
    healthy = params.model_copy(update={"tumor_fraction": 0.0})
    assert not any(picture.shows_tumor for number in range(4) for picture in render_patient(healthy, number))


def test_most_slices_of_tumor_patients_show_it(params):
    ill = params.model_copy(update={"tumor_fraction": 1.0, "slices_per_patient": 3})
    shown = [picture.shows_tumor for number in range(10) for picture in render_patient(ill, number)]
    assert 0.75 < float(np.mean(shown)) <= 1


def test_a_tumor_lies_inside_the_head_and_covers_the_least_area(params, anatomy):
    for patient in draw_ill(params, 8):
        picture = render_slice(patient, patient.slices[0], anatomy, params)
        pixel_mm2 = (patient.scanner.fov_mm / params.size_px) ** 2
        assert not picture.shows_tumor or picture.mask.sum() * pixel_mm2 >= params.tumor_area_min_mm2
        assert {0, 1} >= set(np.unique(picture.mask))
        rows, columns = np.nonzero(picture.mask)
        assert all(8 < value < 88 for value in (*rows, *columns))


def test_a_tumor_below_the_least_area_leaves_no_trace(params, anatomy):
    patient = draw_ill(params, 1)[0]
    strict = params.model_copy(update={"tumor_area_min_mm2": 1e6})
    healthy = replace(patient, lesions=())
    assert np.array_equal(
        render_slice(patient, patient.slices[0], anatomy, strict).image,
        render_slice(healthy, patient.slices[0], anatomy, params).image,
    )


def test_a_clear_tumor_differs_from_the_healthy_brain_where_the_mask_says(params, anatomy):
    for patient in draw_ill(params, 8):
        picture = render_slice(patient, patient.slices[0], anatomy, params)
        healthy = render_slice(replace(patient, lesions=()), patient.slices[0], anatomy, params)
        change = np.abs(picture.image.astype(float) - healthy.image)
        if picture.shows_tumor:
            assert change[picture.mask == 1].mean() > 2 * change[picture.mask == 0].mean()
