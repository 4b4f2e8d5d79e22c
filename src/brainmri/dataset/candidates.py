"""Which pairs of pictures are alike enough, seen coarsely, to be compared in detail.

Every picture is compared with every other one by matrix products, in blocks: exact, and as fast as BLAS.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brainmri.compute import map_by_threads
from brainmri.dataset.alignment import Placements, place_images
from brainmri.dataset.thumbnails import SIZE_PX, Stack, Thumbnails, describe_coarsely
from brainmri.dataset.twins import MIRRORS, Mirror

Features = NDArray[np.float32]
"""(4, images, features): what `describe_coarsely` gives."""
Scores = NDArray[np.float32]
"""Correlations of coarse pictures: (images, images), or with more axes in front."""

# A picture is looked for as it is and as if a crop had cut its edges or a corner off.
_VIEWS: Final = np.array(
    [
        (1, 0, 1, 0),
        (0.92, 0, 0.92, 0),
        (0.96, 0.04, 0.96, 0.04),
        (0.96, 0.04, 0.96, -0.04),
        (0.96, -0.04, 0.96, 0.04),
        (0.96, -0.04, 0.96, -0.04),
    ],
    np.float32,
)
_LEAST: Final = 0.7
# A mirror image nearly as alike as the best one may be the right one: brains are nearly symmetric.
_MIRROR_MARGIN: Final = 0.05
_ROWS, _COLUMNS = 256, 2048
_BLOCK: Final = 1024
# Blocks of rows that a node of a cluster searches, so that sending takes less than the work.
_BLOCKS_AT_ONCE: Final = 4


@dataclass(frozen=True)
class Candidates:
    """Pairs to compare: the first picture looks like the mirrored second, seen through a placement."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    mirror: NDArray[np.intp]
    placement: Placements

    def __len__(self) -> int:
        """How many pairs."""
        return len(self.first)


def find_candidates(thumbnails: Thumbnails, ties: NDArray[np.intp], most: int) -> Candidates:
    """For each picture the `most` pictures of other ties that are most alike seen coarsely.

    `ties` (images,) numbers what is known to belong together and need not be compared.
    """
    views = map_by_threads(partial(_describe, thumbnails), list(_VIEWS))
    starts = range(0, len(thumbnails), _ROWS)
    found = map_by_threads(partial(_search_block, views, ties, most), starts, _BLOCKS_AT_ONCE)
    return _choose_views(np.unique(np.concatenate([np.empty((0, 2), np.intp), *found]), axis=0), views)


def _describe(thumbnails: Thumbnails, view: Placements) -> Features:
    blocks = [
        describe_coarsely(place_images(_halve(thumbnails[start : start + _BLOCK]), view[None])[0])
        for start in range(0, len(thumbnails), _BLOCK)
    ]
    return np.concatenate(blocks, axis=1)


def _halve(thumbnails: Thumbnails) -> Stack:
    """Half the size, by area means."""
    half = SIZE_PX // 2
    return np.asarray(thumbnails.reshape(-1, half, 2, half, 2).mean(axis=(2, 4), dtype=np.float32))


def _search_block(
    views: Sequence[Features], ties: NDArray[np.intp], most: int, start: int
) -> NDArray[np.intp]:
    """Pairs (pairs, 2) of each picture of a block of rows with those that are most alike, by place.

    Of the columns, block by block, only the best are kept: memory does not grow with the number of pictures.
    """
    rows = np.arange(start, min(len(ties), start + _ROWS))
    scores: Scores = np.empty((len(rows), 0), np.float32)
    places: NDArray[np.intp] = np.empty((len(rows), 0), np.intp)
    for left in range(0, len(ties), _COLUMNS):
        columns = np.arange(left, min(len(ties), left + _COLUMNS))
        part = _score_block(views, rows, columns)
        part[ties[rows][:, None] == ties[columns]] = -1
        scores = np.concatenate([scores, part], axis=1)
        places = np.concatenate([places, np.broadcast_to(columns, part.shape)], axis=1)
        best = _find_best(scores, most)
        scores = np.take_along_axis(scores, best, axis=1)
        places = np.take_along_axis(places, best, axis=1)
    here, rank = np.nonzero(scores >= _LEAST)
    return np.sort(np.stack([rows[here], places[here, rank]], axis=1), axis=1)


def _score_block(views: Sequence[Features], rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Scores:
    """The best score of each row with each column over all mirrors and views."""
    plain = views[0][:, columns].transpose(0, 2, 1)
    scores = np.full((len(rows), len(columns)), -1, np.float32)
    for view in views:
        np.maximum(scores, _best_mirror(view[:, rows] @ plain), out=scores)
    return scores


def _best_mirror(products: Scores) -> Scores:
    """The highest of the four sums that mirrors make of the products by parity, (4, rows, columns).

    They are a + d ± (b + c) and a - d ± (b - c).
    """
    even, across, down, both = products
    same, half_turned = across + down, across - down
    np.abs(same, out=same)
    np.abs(half_turned, out=half_turned)
    same += both
    half_turned -= both
    np.maximum(same, half_turned, out=same)
    same += even
    return np.asarray(same)


def _find_best(scores: Scores, most: int) -> NDArray[np.intp]:
    """The columns of the `most` highest scores of each row, or all where there are no more."""
    kept = max(0, scores.shape[1] - most)
    if not kept:
        return np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    return np.argpartition(scores, kept - 1, axis=1)[:, kept:]


def _choose_views(pairs: NDArray[np.intp], views: list[Features]) -> Candidates:
    """Each pair by its best view, once for every mirror that is nearly as good as the best one."""
    blocks = [
        block
        for start in range(0, len(pairs), _BLOCK)
        for block in _choose_block(pairs[start : start + _BLOCK], views)
    ]
    ends, mirrors, placements = (
        np.concatenate([empty, *column])
        for empty, column in zip(
            (np.empty((0, 2), np.intp), np.empty(0, np.intp), np.empty((0, 4), np.float32)),
            zip(*blocks, strict=True) if blocks else ((), (), ()),
            strict=True,
        )
    )
    return Candidates(ends[:, 0], ends[:, 1], mirrors, placements)


def _choose_block(
    pairs: NDArray[np.intp], views: list[Features]
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp], Placements]]:
    turned = pairs[:, ::-1]
    scores = np.array([_match(ends, view, views[0]) for view in views for ends in (pairs, turned)])
    best, way = scores.max(axis=0), scores.argmax(axis=0)  # (mirrors, pairs)
    enough = np.maximum(_LEAST, best.max(axis=0) - _MIRROR_MARGIN)
    for mirror in MIRRORS:
        keep = np.flatnonzero(best[mirror] >= enough)
        view, swap = np.divmod(way[mirror][keep], 2)
        ends = np.where(swap[:, None] == 1, turned[keep], pairs[keep])
        yield ends, np.full(len(keep), int(mirror)), _VIEWS[view] * _turn_shifts(mirror)


def _match(ends: NDArray[np.intp], view: Features, plain: Features) -> Scores:
    """Scores of the first of each pair with the second, mirrored, through a view: (mirrors, pairs)."""
    products = (view[:, ends[:, 1]] * plain[:, ends[:, 0]]).sum(axis=2)
    signs = np.array([[(-1) ** (parity & mirror).bit_count() for parity in range(4)] for mirror in MIRRORS])
    return np.asarray(signs @ products, np.float32)


def _turn_shifts(mirror: Mirror) -> Placements:
    """A view is mirrored after it was placed, a candidate before: what that does to a placement."""
    across = -1 if mirror & Mirror.LEFT_RIGHT else 1
    down = -1 if mirror & Mirror.UP_DOWN else 1
    return np.array([1, across, 1, down], np.float32)
