"""The right partner is among the candidates, however it was mirrored; what is known is not looked for."""

import cv2
import numpy as np
import pytest

from brainmri.dataset import candidates
from brainmri.dataset.candidates import Candidates, find_candidates
from brainmri.dataset.thumbnails import mirror_images, shrink_images
from brainmri.dataset.twins import MIRRORS, Mirror
from tests.dataset.rows import draw_pictures


def _pairs(found: Candidates) -> set[tuple[int, int]]:
    return {(min(pair), max(pair)) for pair in zip(found.first.tolist(), found.second.tolist(), strict=True)}


@pytest.mark.parametrize("mirror", MIRRORS)
def test_a_mirrored_cropped_copy_is_a_candidate_with_its_mirror(mirror: Mirror) -> None:
    images = draw_pictures(30)
    cut = cv2.resize(images[7][5:91, 5:91], (96, 96))
    copy = mirror_images(cut[None].astype(np.float32), np.array([int(mirror)])).astype(np.uint8)
    found = find_candidates(shrink_images(np.concatenate([images, copy])), np.arange(31), 1)
    rows = [row for row in range(len(found)) if {found.first[row], found.second[row]} == {7, 30}]
    assert int(mirror) in found.mirror[rows]


def test_pairs_of_one_tie_are_no_candidates() -> None:
    thumbnails = shrink_images(np.repeat(draw_pictures(3), 2, axis=0))
    assert {(0, 1), (2, 3), (4, 5)} <= _pairs(find_candidates(thumbnails, np.arange(6), 5))
    assert not {(0, 1), (2, 3), (4, 5)} & _pairs(find_candidates(thumbnails, np.arange(6) // 2, 5))


@pytest.mark.parametrize("count", [1, 2])
def test_the_smallest_sets_are_searched_too(count: int) -> None:
    thumbnails = shrink_images(np.repeat(draw_pictures(1), count, axis=0))
    assert ({(0, 1)} if count == 2 else set()) == _pairs(find_candidates(thumbnails, np.arange(count), 16))


def test_no_more_than_the_asked_number_are_kept_for_an_image() -> None:
    found = find_candidates(shrink_images(draw_pictures(40)), np.arange(40), 3)
    assert len(_pairs(found)) <= 40 * 3


@pytest.mark.parametrize("most", [1, 3, 16])
def test_blocks_of_rows_and_columns_find_the_same_pairs_as_one(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    thumbnails = shrink_images(draw_pictures(80))
    ties = np.arange(80) // 2
    whole = find_candidates(thumbnails, ties, most)
    monkeypatch.setattr(candidates, "_ROWS", 7)
    monkeypatch.setattr(candidates, "_COLUMNS", 9)
    parts = find_candidates(thumbnails, ties, most)
    assert len(whole) >= 40
    for name, column in vars(whole).items():
        assert np.array_equal(column, vars(parts)[name])
