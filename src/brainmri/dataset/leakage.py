"""How much of a test set the training set already knows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainmri.dataset.groups import GroupRow
from brainmri.dataset.manifest import ManifestRow, Subset


def find_leaks(names: Sequence[str | None], in_training: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which slices outside training share their name (of a group, of a picture) with one in it: (slices,).

    A slice without a name shares it with none.
    """
    known = {name for name, inside in zip(names, in_training, strict=True) if inside and name is not None}
    return np.array([name in known for name in names], bool) & ~in_training


def measure_twin_leakage(manifest: Sequence[ManifestRow], groups: Sequence[GroupRow]) -> dict[str, Any]:
    """Of each subset outside training, how many slices have a copy or near twin in training, and which share.

    The rows of both stand in the order of the slices; an empty subset is left out.
    """
    leaks = find_leaks(
        [row.twins for row in groups], np.array([row.subset is Subset.TRAIN for row in manifest])
    )
    report: dict[str, Any] = {}
    for subset in (Subset.VALID, Subset.TEST):
        inside = np.array([row.subset is subset for row in manifest])
        if inside.any():
            found = leaks[inside]
            report[subset.value] = {"slices_with_twin": int(found.sum()), "share": float(found.mean())}
    return report


def draw_leakage(
    names: Sequence[str | None], test_share: float, draws: int, seed: int
) -> dict[str, float | int]:
    """The share of test slices known to training, over random splits of the slices: mean, range and extremes.

    As fastai's RandomSplitter, the first floor(share · n) of a random order are the test set; `low` and
    `high` are the 5th and 95th percentile of the draws.
    """
    generator = np.random.default_rng(seed)
    codes = _number(names)
    size = max(1, int(test_share * len(codes)))
    shares = np.empty(draws)
    for draw in range(draws):
        order = generator.permutation(len(codes))
        in_training = np.bincount(codes[order[size:]], minlength=len(codes)) > 0
        shares[draw] = in_training[codes[order[:size]]].mean()
    low, high = np.percentile(shares, (5, 95))
    return {
        "mean": float(shares.mean()),
        "low": float(low),
        "high": float(high),
        "least": float(shares.min()),
        "most": float(shares.max()),
    }


def _number(names: Sequence[str | None]) -> NDArray[np.intp]:
    """Equal numbers for equal names; a slice without a name has a number of its own."""
    numbers: dict[object, int] = {}
    return np.array(
        [
            numbers.setdefault(place if name is None else name, len(numbers))
            for place, name in enumerate(names)
        ]
    )
