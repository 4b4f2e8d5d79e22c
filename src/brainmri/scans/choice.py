"""Which slices of a volume are read: those with enough brain, spread evenly."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from brainmri.errors import BadInput
from brainmri.scans.settings import SliceRule
from brainmri.scans.slices import Stack

# A slice is judged by a copy of this many pixels a side.
_JUDGED_SIZE: Final = 64
_BORDER: Final = 3
# A pixel stands out if it differs from the background by this share of the volume's strongest difference.
_STANDS_OUT: Final = 0.12


def choose_slices(stack: Stack, rule: SliceRule) -> list[int]:
    """The places of at most `most` slices of which a share of at least `least_brain` stands out.

    The level of the background and the strongest difference are those of the whole volume, so that noise
    above the head is no brain. Raises `BadInput` if no slice has enough.
    """
    shares = measure_shares(stack)
    enough = [place for place, share in enumerate(shares) if share > 0 and share >= rule.least_brain]
    if not enough:
        raise BadInput(
            f"expected slices of which {rule.least_brain:.0%} stands out from the background "
            f"(prepare.slices.least_brain), came {max(shares):.0%} at most"
        )
    return spread_evenly(enough, rule.most)


def spread_evenly(places: Sequence[int], most: int) -> list[int]:
    """At most `most` of the places, each from the middle of an equal part of them."""
    count = min(most, len(places))
    return [places[(2 * part + 1) * len(places) // (2 * count)] for part in range(count)]


def measure_shares(stack: Stack) -> list[float]:
    """The share of each slice that stands out from the background."""
    small = np.stack([_shrink(stack.load(place).pixels) for place in range(stack.count)])
    contrast = np.abs(small - np.median(_borders(small)))
    limit = _STANDS_OUT * np.percentile(contrast, 99)
    return [float(share) for share in (contrast > limit).mean(axis=(1, 2))]


def _shrink(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    small = cv2.resize(pixels, (_JUDGED_SIZE, _JUDGED_SIZE), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.float32)


def _borders(small: NDArray[np.float32]) -> NDArray[np.float32]:
    """The outer strips of every slice."""
    strips = small[:, :_BORDER], small[:, -_BORDER:], small[:, :, :_BORDER], small[:, :, -_BORDER:]
    return np.concatenate([strip.ravel() for strip in strips])
