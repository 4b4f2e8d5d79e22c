"""A mask that was prepared with its image and put back lies where it lay."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from brainmri.dataset.preparation import Box, prepare_image
from brainmri.dataset.restoration import measure_square, restore_mask
from brainmri.scans.slices import make_square
from tests.rules import IMAGE_RULE

Spacing = tuple[float, float] | None


def _draw(rows: int, columns: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """A head off the middle, and a large ellipse in it that no symmetry hides a mistake of."""
    image, mask = np.zeros((rows, columns), np.float32), np.zeros((rows, columns), np.uint8)
    center = (int(0.55 * columns), int(0.45 * rows))
    cv2.ellipse(image, center, (int(0.3 * columns), int(0.35 * rows)), 10, 0, 360, 1, -1)
    image *= np.random.default_rng(0).uniform(80, 120, image.shape).astype(np.float32)
    near = (int(0.65 * columns), int(0.35 * rows))
    cv2.ellipse(mask, near, (int(0.12 * columns), int(0.16 * rows)), 30, 0, 360, 1, -1)
    return image, mask


def _overlap(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.mark.parametrize("size", [64, 128, 512])
@pytest.mark.parametrize("crop", [True, False])
@pytest.mark.parametrize("stored", [(384, 274), (200, 320), (256, 256)])
@pytest.mark.parametrize("spacing_mm", [None, (0.7, 0.7), (0.67, 0.7), (1.0, 0.5), (0.5, 1.4)])
def test_a_big_shape_comes_back(stored: tuple[int, int], spacing_mm: Spacing, crop: bool, size: int) -> None:
    image, mask = _draw(*stored)
    shown, outlined = image, mask
    if spacing_mm is not None:
        shown = make_square(image, spacing_mm, 10)[0]
        outlined = (make_square(mask.astype(np.float32), spacing_mm, 10)[0] >= 0.5).astype(np.uint8)
    rule = IMAGE_RULE.model_copy(update={"size": size, "crop": crop})
    prepared = prepare_image(shown, outlined, rule)
    assert prepared.mask is not None
    restored = restore_mask(prepared.mask, prepared.box, stored, spacing_mm)
    assert (stored, np.uint8) == (restored.shape, restored.dtype)
    assert _overlap(mask, restored) > (0.9 if size > 64 else 0.85)


def test_a_prepared_pixel_is_a_block_of_stored_ones() -> None:
    mask = np.zeros((4, 4), np.uint8)
    mask[1:3, 2] = 1
    expected = np.zeros((10, 12), np.uint8)
    expected[3:7, 6:8] = 1
    restored = restore_mask(mask, Box(top=1, left=2, height=8, width=8), (10, 12), None)
    assert expected.tolist() == restored.tolist()


def test_nothing_lies_where_a_prepared_image_was_padded_or_outside_of_its_box() -> None:
    box = Box(top=2, left=5, height=8, width=4)
    restored = restore_mask(np.ones((16, 16), np.uint8), box, (12, 14), None)
    assert box.height * box.width == restored.sum()
    assert restored[2:10, 5:9].all()
    assert 0 == restore_mask(np.zeros((16, 16), np.uint8), replace(box, left=0), (12, 14), None).sum()


def test_square_pixels_are_counted_as_they_are_made() -> None:
    assert (384, 288) == measure_square((384, 274), (0.666666, 0.7))
    assert (7, 9) == measure_square((7, 9), None)
