"""Copies and near-duplicates among prepared images: the same picture, whatever was done to it."""

import hashlib
from collections.abc import Sequence
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brainmri.compute import map_by_threads
from brainmri.dataset.alignment import compare_details
from brainmri.dataset.candidates import Candidates, find_candidates
from brainmri.dataset.thumbnails import Thumbnails, mirror_images, shrink_images
from brainmri.dataset.twins import Likeness, Mirror, Twin

_PAIRS_AT_ONCE: Final = 64  # so that what one thread works on stays in the processor's cache
_BLOCKS_AT_ONCE: Final = 64  # that a node of a cluster compares, so that sending takes less than the work


def find_copies(files: Sequence[str], images: NDArray[np.uint8]) -> list[Twin]:
    """Every image that repeats an earlier one, once, with that first: by its file's bytes, else its pixels.

    `files` holds the hash of each image's file; images: (images, …).
    """
    pixels = [hashlib.sha256(image.tobytes()).hexdigest() for image in images]
    equal_files = _match_firsts(files, Likeness.BYTES)
    known = {twin.second for twin in equal_files}
    return equal_files + [twin for twin in _match_firsts(pixels, Likeness.PIXELS) if twin.second not in known]


def find_near_twins(
    images: NDArray[np.uint8], ties: NDArray[np.intp], candidates: int, least_correlation: float
) -> list[Twin]:
    """Pairs of images of different ties whose fine detail correlates by at least `least_correlation`.

    images: (images, size, size) or (images, channels, size, size); `ties` (images,) numbers what is known
    to belong together and is not compared. Each image is compared in detail with the `candidates` images
    that are most alike seen coarsely. Works in blocks: memory grows by some kilobytes an image.
    """
    thumbnails = shrink_images(images)
    pairs = find_candidates(thumbnails, ties, candidates)
    best: dict[tuple[int, int], Twin] = {}
    for row, value in enumerate(_compare(thumbnails, pairs).tolist()):
        ends = sorted((int(pairs.first[row]), int(pairs.second[row])))
        key = ends[0], ends[1]
        if value >= least_correlation and (key not in best or value > best[key].correlation):
            best[key] = Twin(*key, Likeness.DETAIL, value, Mirror(pairs.mirror[row]))
    return [best[key] for key in sorted(best)]


def _match_firsts(prints: Sequence[str], likeness: Likeness) -> list[Twin]:
    first: dict[str, int] = {}
    matches = ((first.setdefault(name, place), place) for place, name in enumerate(prints))
    return [Twin(here, there, likeness, 1.0, Mirror.NONE) for here, there in matches if here != there]


def _compare(thumbnails: Thumbnails, pairs: Candidates) -> NDArray[np.float32]:
    """Correlation of detail of each pair."""
    starts = range(0, len(pairs), _PAIRS_AT_ONCE)
    parts = map_by_threads(partial(_compare_block, thumbnails, pairs), starts, _BLOCKS_AT_ONCE)
    return np.concatenate(parts) if parts else np.empty(0, np.float32)


def _compare_block(thumbnails: Thumbnails, pairs: Candidates, start: int) -> NDArray[np.float32]:
    batch = slice(start, start + _PAIRS_AT_ONCE)
    first, second = (
        (thumbnails[places[batch]] / 255).astype(np.float32) for places in (pairs.first, pairs.second)
    )
    return compare_details(first, mirror_images(second, pairs.mirror[batch]), pairs.placement[batch])
