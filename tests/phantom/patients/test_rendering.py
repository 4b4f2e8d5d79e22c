import numpy as np
import pytest
import torch

from brainmri.phantom.patients import rendering
from brainmri.phantom.patients.dataset import render_patient
from brainmri.phantom.patients.drawing import has_tumor
from brainmri.phantom.patients.picture import Picture
from brainmri.phantom.patients.settings import PhantomParams

Slices = list[Picture]


@pytest.fixture(scope="module")
def three_slices(params: PhantomParams) -> PhantomParams:
    return params.model_copy(update={"slices_per_patient": 3})


@pytest.fixture(scope="module")
def ill(three_slices: PhantomParams) -> PhantomParams:
    return three_slices.model_copy(update={"tumor_fraction": 1.0, "lookalikes_with_tumor": 0.0})


@pytest.fixture(scope="module")
def pairs(ill: PhantomParams) -> list[tuple[Slices, Slices]]:
    """Patients with their tumor, and without."""
    healthy = ill.model_copy(update={"tumor_fraction": 0.0, "lookalikes_without_tumor": 0.0})
    return [(render_patient(ill, number), render_patient(healthy, number)) for number in range(12)]


def test_rendering_is_a_function_of_settings_and_number(three_slices: PhantomParams) -> None:
    number = next(number for number in range(8) if has_tumor(three_slices, number))
    first, second = render_patient(three_slices, number), render_patient(three_slices, number)
    assert any(picture.shows_tumor for picture in first)
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(a.image, b.image)
        assert np.array_equal(a.mask, b.mask)


def test_two_patients_described_alike_have_grain_of_their_own(
    three_slices: PhantomParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = rendering.draw_patient(three_slices, 0)
    monkeypatch.setattr(rendering, "draw_patient", lambda *_: columns)
    monkeypatch.setattr(rendering, "has_tumor", lambda *_: False)
    first, second = render_patient(three_slices, 0), render_patient(three_slices, 1)
    assert not any(np.array_equal(a.image, b.image) for a, b in zip(first, second, strict=True))


def test_pictures_use_the_range_and_leave_air_around_the_head(pairs: list[tuple[Slices, Slices]]) -> None:
    for picture in (picture for ill, _ in pairs for picture in ill):
        assert picture.image.shape == picture.mask.shape == (96, 96)
        assert picture.image.max() > 150
        assert np.median(picture.image[-4:, :4]) < 40


def test_who_is_healthy_has_an_empty_mask(pairs: list[tuple[Slices, Slices]]) -> None:
    assert not any(picture.shows_tumor for _, healthy in pairs for picture in healthy)


def test_most_slices_of_the_ill_show_it(pairs: list[tuple[Slices, Slices]]) -> None:
    shown = [picture.shows_tumor for ill, _ in pairs for picture in ill]
    assert 0.7 < float(np.mean(shown)) <= 1


def test_a_slice_that_shows_none_is_that_of_the_healthy(pairs: list[tuple[Slices, Slices]]) -> None:
    for ill, healthy in pairs:
        for own, other in zip(ill, healthy, strict=True):
            assert own.shows_tumor != np.array_equal(own.image, other.image)


def test_a_slice_whose_tumor_covers_no_pixel_is_that_of_the_healthy(ill: PhantomParams) -> None:
    tiny = ill.model_copy(update={"size_px": 64, "tumor_radius_min_mm": 3.0, "tumor_radius_max_mm": 6.0})
    healthy = tiny.model_copy(update={"tumor_fraction": 0.0, "lookalikes_without_tumor": 0.0})
    for number in range(12):
        for own, other in zip(render_patient(tiny, number), render_patient(healthy, number), strict=True):
            assert own.shows_tumor != np.array_equal(own.image, other.image)


def test_a_tumor_is_seen_where_the_mask_says(pairs: list[tuple[Slices, Slices]]) -> None:
    ratios = []
    for ill, healthy in pairs:
        for own, other in zip(ill, healthy, strict=True):
            change = np.abs(own.image.astype(float) - other.image)
            if own.shows_tumor:
                rows, columns = np.nonzero(own.mask)
                assert 8 <= min(rows.min(), columns.min())
                assert max(rows.max(), columns.max()) < 88
                ratios.append(change[own.mask == 1].mean() / (change[own.mask == 0].mean() + 1e-9))
    assert min(ratios) > 2


def test_a_tumor_below_the_least_area_leaves_no_trace(
    ill: PhantomParams, pairs: list[tuple[Slices, Slices]]
) -> None:
    strict = ill.model_copy(update={"tumor_area_min_mm2": 1e6})
    for own, other in zip(render_patient(strict, 0), pairs[0][1], strict=True):
        assert np.array_equal(own.image, other.image)
        assert not own.shows_tumor


def test_a_tumor_is_no_smaller_than_the_least_area(ill: PhantomParams, pairs) -> None:
    least = ill.tumor_area_min_mm2 / (254 / ill.size_px) ** 2
    counts = [picture.mask.sum() for own, _ in pairs for picture in own if picture.shows_tumor]
    assert min(counts) >= least


def test_threads_are_left_as_they_were(three_slices: PhantomParams) -> None:
    before = torch.get_num_threads()
    render_patient(three_slices, 0)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("size_px", [64, 192, 512])
def test_pictures_of_any_size_show_the_same_head(three_slices: PhantomParams, size_px: int) -> None:
    sized = three_slices.model_copy(update={"size_px": size_px, "slices_per_patient": 1})
    picture = render_patient(sized, 0)[0]
    assert picture.image.shape == (size_px, size_px)
    assert 0.1 < float((picture.image > 40).mean()) < 0.7
