"""Empty, cut-off and odd pictures stand out; a set too small to tell says nothing."""

import numpy as np

from brainmri.dataset.outliers import measure_outliers
from brainmri.dataset.thumbnails import shrink_images
from tests.dataset.rows import draw_pictures

HEADS = draw_pictures(80)


def test_an_empty_picture_is_filled_least() -> None:
    images = HEADS.copy()
    images[5] = 0
    filled = measure_outliers(shrink_images(images), 0).filled
    assert (5, 0.0) == (filled.argmin(), filled[5])
    assert np.delete(filled, 5).min() > 0.4


def test_a_head_cut_in_the_middle_touches_the_frame() -> None:
    images = HEADS.copy()
    images[7, :48], images[7, 48:] = images[7, 48:].copy(), 0
    contact = measure_outliers(shrink_images(images), 0).contact
    assert contact.argmax() == 7
    assert contact[7] > 0.6 > np.delete(contact, 7).max()


def test_noise_is_farthest_from_heads_and_the_median_is_1() -> None:
    images = HEADS.copy()
    images[9] = np.random.default_rng(0).integers(0, 256, images[9].shape)
    distance = measure_outliers(shrink_images(images), 0).distance
    assert distance is not None
    assert (9, 1.0) == (distance.argmax(), round(float(np.median(distance)), 6))
    assert distance[9] > 5 > np.delete(distance, 9).max()


def test_a_set_too_small_or_too_uniform_has_no_distance() -> None:
    assert measure_outliers(shrink_images(HEADS[:10]), 0).distance is None
    assert measure_outliers(np.zeros((80, 64, 64), np.uint8), 0).distance is None


def test_a_set_that_is_mostly_one_picture_is_measured_by_the_others() -> None:
    pictures = shrink_images(draw_pictures(100))
    half_copies = np.concatenate([pictures, np.repeat(pictures[:1], 150, axis=0)])
    outliers = measure_outliers(half_copies, 0)
    assert outliers.distance is not None
    assert np.isfinite(outliers.distance).all()
    alike = np.concatenate([pictures[:20], np.repeat(pictures[:1], 80, axis=0)])
    assert measure_outliers(alike, 0).distance is None
