"""Thumbnails keep what copies share; their cosines know mirrors by a change of signs."""

import numpy as np
import pytest

from brainmri.dataset.thumbnails import SIZE_PX, describe_coarsely, mirror_images, shrink_images
from brainmri.dataset.twins import MIRRORS, Mirror
from tests.dataset.rows import draw_pictures


@pytest.mark.parametrize("size", [32, 64, 96, 128])
def test_thumbnails_have_one_size_whatever_the_images_have(size: int) -> None:
    assert shrink_images(draw_pictures(2, size=size)).shape == (2, SIZE_PX, SIZE_PX)


def test_equal_channels_make_the_thumbnail_of_one() -> None:
    images = draw_pictures(2)
    assert np.array_equal(shrink_images(images), shrink_images(np.stack([images] * 3, axis=1)))


@pytest.mark.parametrize("mirror", MIRRORS)
def test_a_mirror_undoes_itself_and_only_changes_the_signs_of_cosines(mirror: Mirror) -> None:
    images = shrink_images(draw_pictures(3)).astype(np.float32)
    mirrored = mirror_images(images, np.full(3, int(mirror)))
    assert np.array_equal(images, mirror_images(mirrored, np.full(3, int(mirror))))
    signs = np.array([(-1) ** (parity & mirror).bit_count() for parity in range(4)])
    expected = describe_coarsely(images) * signs[:, None, None]
    np.testing.assert_allclose(expected, describe_coarsely(mirrored), atol=1e-5)


def test_a_mirror_turns_the_named_axis() -> None:
    image = np.array([[[1, 2], [3, 4]]], np.float32)
    turned = [mirror_images(image, np.array([int(mirror)]))[0].tolist() for mirror in MIRRORS]
    assert [[[1, 2], [3, 4]], [[2, 1], [4, 3]], [[3, 4], [1, 2]], [[4, 3], [2, 1]]] == turned


def test_brightness_and_contrast_do_not_change_the_cosines() -> None:
    images = shrink_images(draw_pictures(2)).astype(np.float32)
    np.testing.assert_allclose(describe_coarsely(images), describe_coarsely(2 * images + 9), atol=1e-5)
