"""Distances of outlines: a case by hand, and agreement with distances between all pairs of pixels."""

import numpy as np
import pytest
from scipy.ndimage import binary_erosion
from scipy.spatial.distance import cdist

from brainmri.scoring.surfaces import Surfaces, compare_surfaces
from tests.scoring.masks import draw, draw_random


def test_a_square_moved_by_two_pixels() -> None:
    square, moved = np.zeros((2, 12, 12), bool)
    square[4:7, 2:5] = True
    moved[4:7, 4:7] = True
    # Of each outline of 8 pixels 3 lie on the other, 2 at a distance of 1 and 3 at 2.
    assert Surfaces(2.0, 3 / 8) == compare_surfaces(moved, square, spacing=1.0, tolerance=0.5)
    assert Surfaces(2.0, 5 / 8) == compare_surfaces(moved, square, spacing=1.0, tolerance=1.0)
    assert Surfaces(1.0, 1.0) == compare_surfaces(moved, square, spacing=0.5, tolerance=1.0)


def test_an_empty_mask_has_no_distance() -> None:
    empty, full = draw("..", ".."), draw("##", "##")
    assert Surfaces(None, 0.0) == compare_surfaces(empty, full, 1.0, 1.0)
    assert Surfaces(None, 0.0) == compare_surfaces(full, empty, 1.0, 1.0)
    assert compare_surfaces(empty, empty, 1.0, 1.0) is None


def _outline(mask: np.ndarray) -> np.ndarray:
    return np.argwhere(mask & ~binary_erosion(mask))


def test_a_thousand_random_pairs_agree_with_all_distances() -> None:
    generator, compared = np.random.default_rng(1), 0
    for _ in range(1000):
        predicted, reference = draw_random(generator), draw_random(generator)
        spacing, tolerance = generator.uniform(0.3, 2), generator.uniform(0.5, 3)
        found = compare_surfaces(predicted, reference, spacing, tolerance)
        if found is None or found.hausdorff95 is None:
            assert not (predicted.any() and reference.any())
            continue
        apart = cdist(_outline(predicted), _outline(reference)) * spacing
        there, back = apart.min(axis=1), apart.min(axis=0)
        near = (there <= tolerance).sum() + (back <= tolerance).sum()
        assert found.hausdorff95 == pytest.approx(
            max(np.percentile(there, 95), np.percentile(back, 95)), rel=1e-5
        )
        assert found.dice == pytest.approx(near / (len(there) + len(back)), abs=1e-6)
        compared += 1
    assert compared > 600
