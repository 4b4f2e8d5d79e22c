"""A picture correlates with itself through any plausible placement, and with no other one."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from brainmri.dataset.alignment import compare_details, place_images
from brainmri.dataset.thumbnails import shrink_images
from tests.dataset.rows import draw_pictures

NOWHERE = np.array([[1, 0, 1, 0]], np.float32)
THUMBNAILS = (shrink_images(draw_pictures(4)) / 255).astype(np.float32)
SCALES, SHIFTS = st.floats(0.94, 1.06), st.floats(-0.05, 0.05)


@given(st.tuples(SCALES, SHIFTS, SCALES, SHIFTS), st.floats(0.6, 1.4), st.floats(-0.2, 0.2))
@settings(deadline=None, max_examples=40)
def test_a_placed_and_brightened_copy_is_found_again(
    placement: tuple[float, float, float, float], contrast: float, brightness: float
) -> None:
    copy, _ = place_images(THUMBNAILS[:1], np.array([placement], np.float32))
    correlation = compare_details(contrast * copy + brightness, THUMBNAILS[:1], NOWHERE)
    assert correlation[0] > 0.85


def test_different_pictures_of_one_outline_are_told_apart() -> None:
    here, there = np.triu_indices(4, 1)
    correlation = compare_details(THUMBNAILS[here], THUMBNAILS[there], np.repeat(NOWHERE, len(here), axis=0))
    assert correlation.max() < 0.6


def test_a_picture_is_its_own_twin_and_no_placement_changes_nothing() -> None:
    seen, inside = place_images(THUMBNAILS, np.repeat(NOWHERE, 4, axis=0))
    np.testing.assert_allclose(THUMBNAILS, seen, atol=1e-5)
    assert inside.all()
    np.testing.assert_allclose(1, compare_details(THUMBNAILS[:1], THUMBNAILS[:1], NOWHERE), atol=1e-4)


def test_two_empty_pictures_are_no_copies() -> None:
    empty = np.zeros((1, 64, 64), np.float32)
    noise = np.random.default_rng(0).normal(0.5, 1e-4, (1, 64, 64)).astype(np.float32)
    assert [compare_details(each, each, NOWHERE)[0] < 0.1 for each in (empty, noise)] == [True, True]


def test_a_pixel_s_shift_moves_the_picture_by_a_pixel() -> None:
    image = np.zeros((1, 4, 4), np.float32)
    image[0, 1, 2] = 1
    seen, inside = place_images(image, np.array([[1, 0.5, 1, 0]], np.float32))
    assert (seen[0, 1, 1], seen.sum()) == (1, 1)
    assert inside[0, 0].tolist() == [1, 1, 1, 0]
