"""The pointing game (Zhang et al. 2018, arXiv 1608.00507): does the hottest point lie in the tumor?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainmri.dataset.pointing import PointingRow
from brainmri.dataset.predictions import Prediction
from brainmri.dataset.prepared import PreparedSet
from brainmri.scoring.estimates import estimate_share
from brainmri.scoring.evaluation import describe_estimate

_UNIT = "slices with tumor in their mask"


@dataclass(frozen=True)
class Hit:
    """Whether the trained and the random network point into the mask, and its share of the slice."""

    trained: bool
    random: bool
    mask_share: float


def judge_points(points: Sequence[PointingRow], prepared: PreparedSet) -> dict[str, Hit]:
    """By slice id; empty without masks."""
    if prepared.masks is None:
        return {}
    places = {row.slice_id: place for place, row in enumerate(prepared.slices)}
    return {point.slice_id: _judge(point, prepared.masks[places[point.slice_id]]) for point in points}


def evaluate_pointing(
    predictions: Sequence[Prediction], hits: Mapping[str, Hit], confidence: float
) -> dict[str, Any]:
    """Shares of hits over the slices of `predictions` with a hit, each with its interval; empty without any.

    `mask_share` is what a point anywhere in the slice would hit.
    """
    rows = [row for row in predictions if row.slice_id in hits]
    if not rows:
        return {}
    group = np.unique([row.group for row in rows], return_inverse=True)[1]
    own = [hits[row.slice_id] for row in rows]

    def share(hit: Sequence[bool]) -> dict[str, Any]:
        return describe_estimate(estimate_share(np.array(hit), group, confidence))

    return {
        "unit": _UNIT,
        "n": len(rows),
        "n_groups": int(group.max()) + 1,
        "trained": share([hit.trained for hit in own]),
        "random_network": share([hit.random for hit in own]),
        "mask_share": float(np.mean([hit.mask_share for hit in own])),
    }


def _judge(point: PointingRow, mask: NDArray[np.uint8]) -> Hit:
    trained, random = mask[point.row, point.column], mask[point.random_row, point.random_column]
    return Hit(bool(trained), bool(random), float(mask.mean()))
