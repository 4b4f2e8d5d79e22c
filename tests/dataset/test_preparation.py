"""One geometry for image and mask; intensities comparable; the head fills the frame."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainmri.dataset.preparation import ImageRule, prepare_image
from brainmri.errors import BadInput
from brainmri.scans.settings import Channel, Window
from tests.pictures import draw_head

RULE = ImageRule(
    size=64,
    crop=True,
    low_percentile=1.0,
    high_percentile=99.5,
    equalize=False,
    channel=Channel.GRAY,
    window=Window.NONE,
)
HEAD = draw_head(3, tumor=True, size=160).astype(np.float32)


@given(
    height=st.integers(20, 200),
    width=st.integers(20, 200),
    top=st.integers(0, 60),
    left=st.integers(0, 60),
    crop=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_any_size_becomes_one_size_in_all_of_the_range(
    height: int, width: int, top: int, left: int, crop: bool
) -> None:
    image = np.zeros((height + top, width + left), np.float32)
    image[top:, left:] = np.random.default_rng(0).normal(50, 9, (height, width))
    prepared = prepare_image(image, None, RULE.model_copy(update={"crop": crop})).image
    assert ((64, 64), np.uint8) == (prepared.shape, prepared.dtype)
    assert int(prepared.max()) - int(prepared.min()) > 40


@pytest.mark.parametrize("gain", [0.01, 1.0, 257.0])
def test_gain_and_offset_of_the_scanner_change_nothing(gain: float) -> None:
    expected = prepare_image(HEAD, None, RULE).image
    prepared = prepare_image(HEAD * gain + 7 * gain, None, RULE).image
    np.testing.assert_allclose(expected, prepared, atol=1)


def test_black_around_the_head_is_cut_away() -> None:
    wide = np.zeros((300, 400), np.float32)
    wide[40:200, 120:280] = HEAD
    prepared = prepare_image(wide, None, RULE).image
    rows = np.flatnonzero((prepared > 40).any(axis=1))
    assert rows[0] <= 4
    assert rows[-1] >= 59


def test_a_thin_frame_around_the_picture_does_not_hide_the_head() -> None:
    wide = np.zeros((300, 300), np.float32)
    wide[70:230, 70:230] = HEAD
    framed = wide.copy()
    framed[[0, -1], :] = framed[:, [0, -1]] = 90
    expected = prepare_image(wide, None, RULE).image
    prepared = prepare_image(framed, None, RULE).image
    np.testing.assert_allclose(expected.astype(int), prepared.astype(int), atol=3)


def test_the_mask_follows_the_image() -> None:
    wide = np.zeros((240, 300), np.float32)
    wide[40:200, 60:220] = HEAD
    preparation = prepare_image(wide, (wide > 230).astype(np.uint8), RULE)
    prepared, mask = preparation.image, preparation.mask
    assert mask is not None
    assert {0, 1} == set(np.unique(mask))
    assert prepared[mask == 1].mean() > 200
    assert prepared[mask == 0].mean() < 150


def test_equalization_spreads_contrast() -> None:
    flat = np.clip(HEAD, 100, 140)
    plain = prepare_image(flat, None, RULE).image
    equalized = prepare_image(flat, None, RULE.model_copy(update={"equalize": True})).image
    assert not np.array_equal(plain, equalized)


def test_a_mask_of_another_size_is_refused_with_both_sizes() -> None:
    with pytest.raises(BadInput, match="expected a mask of 160x160 pixels like its image, came 10x20"):
        prepare_image(HEAD, np.zeros((20, 10), np.uint8), RULE)


@pytest.mark.parametrize("value", [0.0, 7.0, float("nan")])
def test_an_image_without_contrast_is_refused(value: float) -> None:
    with pytest.raises(BadInput, match=r"expected an image with contrast|expected numbers for pixels"):
        prepare_image(np.full((40, 40), value, np.float32), None, RULE)


def test_channels_share_one_geometry_and_each_has_its_own_intensities() -> None:
    channels = np.stack([HEAD, HEAD * 3 + 5, np.full_like(HEAD, 9)])
    prepared = prepare_image(channels, None, RULE).image
    assert (3, 64, 64) == prepared.shape
    np.testing.assert_allclose(prepared[0].astype(int), prepared[1].astype(int), atol=1)
    assert 0 == prepared[2].max()


def test_the_scale_says_how_many_raw_pixels_a_prepared_one_spans() -> None:
    whole = RULE.model_copy(update={"crop": False})
    assert 160 / 64 == prepare_image(HEAD, None, whole).pixel_scale
    assert 80 / 64 == prepare_image(HEAD[40:120, 40:90], None, whole).pixel_scale
