"""Lesions are connected regions, matched one to one."""

import numpy as np
import pytest

from brainmri.scoring.lesions import LesionCounts, match_lesions
from tests.scoring.masks import draw, draw_random


def test_lesions_of_a_case_by_hand() -> None:
    reference = draw(
        "##....",
        "##....",
        "......",
        "....##",
        "....##",
    )
    predicted = draw(
        "##....",
        "#.....",
        "......",
        "......",
        "##....",
    )
    # The first is found (IoU 3/4), the second missed, and what lies at the lower left is none.
    assert LesionCounts(2, 1, 1) == match_lesions(predicted, reference, 0.1)
    assert LesionCounts(2, 0, 2) == match_lesions(predicted, reference, 0.8)


def test_pixels_that_touch_by_a_corner_are_one_lesion() -> None:
    assert 1 == match_lesions(draw("..", ".."), draw("#.", ".#"), 0.1).lesions


def test_one_prediction_finds_one_lesion_alone() -> None:
    assert LesionCounts(2, 1, 0) == match_lesions(draw("#####"), draw("##.##"), 0.1)


def test_nothing_predicted_and_nothing_there() -> None:
    empty, full = draw("..", ".."), draw("##", "##")
    assert LesionCounts(0, 0, 0) == match_lesions(empty, empty, 0.1)
    assert LesionCounts(1, 0, 0) == match_lesions(empty, full, 0.1)
    assert LesionCounts(0, 0, 1) == match_lesions(full, empty, 0.1)


def _regions(mask: np.ndarray) -> list[frozenset[tuple[int, int]]]:
    """By a search from pixel to pixel."""
    left, regions = set(map(tuple, np.argwhere(mask).tolist())), []
    while left:
        waiting, region = [left.pop()], set()
        while waiting:
            row, column = waiting.pop()
            region.add((row, column))
            near = {(row + down, column + across) for down in (-1, 0, 1) for across in (-1, 0, 1)} & left
            left -= near
            waiting += near
        regions.append(frozenset(region))
    return regions


@pytest.mark.parametrize("least", [0.1, 0.5])
def test_a_thousand_random_pairs_agree_with_sets_of_pixels(least: float) -> None:
    generator = np.random.default_rng(0)
    for _ in range(1000):
        predicted, reference = draw_random(generator), draw_random(generator)
        wanted, found = _regions(reference), _regions(predicted)
        overlaps = sorted(
            ((len(one & other) / len(one | other), one, other) for one in wanted for other in found),
            key=lambda entry: -entry[0],
        )
        used: set[frozenset[tuple[int, int]]] = set()
        for overlap, one, other in overlaps:
            if overlap >= least and not {one, other} & used:
                used |= {one, other}
        matched = len(used & set(wanted)) if wanted != found else len(wanted)
        assert LesionCounts(len(wanted), matched, len(found) - matched) == match_lesions(
            predicted, reference, least
        )
