"""Pictures without a head: each by its seed and number alone, of every kind, and none like another."""

import numpy as np
import pytest

from brainmri.phantom.outliers.drawing import KINDS, PIECES, draw_outliers

SIZE = 72
GENERATOR = np.random.default_rng(0)
# Each of gray values of its own.
HEADS = np.stack([GENERATOR.integers(80 * n + 1, 80 * n + 80, (SIZE, SIZE), np.uint8) for n in range(3)])
DRAWN = draw_outliers(5, 4 * len(KINDS), HEADS)


def test_a_picture_is_that_of_its_seed_and_number() -> None:
    assert (np.uint8, (24, SIZE, SIZE)) == (DRAWN.dtype, DRAWN.shape)
    assert np.array_equal(DRAWN[:7], draw_outliers(5, 7, HEADS))
    assert not np.array_equal(DRAWN[:7], draw_outliers(6, 7, HEADS))


def test_none_is_another_and_none_is_plain() -> None:
    assert len(DRAWN) == len({image.tobytes() for image in DRAWN})
    assert all(image.std() > 5 for image in DRAWN)


def test_a_head_in_pieces_has_its_pixels_elsewhere() -> None:
    for image in DRAWN[KINDS.index(PIECES) :: len(KINDS)]:
        # Pieces that don't fit leave a margin that is black.
        inside = image[image.any(1)][:, image.any(0)]
        head, side = HEADS[inside.min() // 80], len(inside)
        assert side >= SIZE - 10
        assert np.array_equal(np.sort(inside, None), np.sort(head[:side, :side], None))
        assert not np.array_equal(inside, head[:side, :side])


@pytest.mark.parametrize("kind", ["strokes", "round shapes"])
def test_things_on_black_leave_much_of_it_black(kind: str) -> None:
    images = draw_outliers(1, 20 * len(KINDS), HEADS)[KINDS.index(kind) :: len(KINDS)]
    assert np.median((images < 30).mean((1, 2))) > 0.3


def test_no_piece_keeps_its_place() -> None:
    number = KINDS.index(PIECES)
    head = np.arange(SIZE * SIZE).reshape(SIZE, SIZE) % 251 + 1
    images = draw_outliers(2, 300 * len(KINDS), head[None].astype(np.uint8))[number :: len(KINDS)]
    for image in images:
        corner = image[:7, :7]
        assert not np.array_equal(corner, head[:7, :7])
