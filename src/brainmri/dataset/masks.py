"""The reference standard of a segmenter: a mask for every slice, or a clear word on what is missing."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.dataset.prepared import PreparedSet
from brainmri.errors import BadInput


def require_masks(prepared: PreparedSet) -> NDArray[np.uint8]:
    """Masks 0/1 (slices, size, size); a slice that is not of the tumor class needs none: it has no tumor.

    Raises `BadInput` without any mask, and for slices with tumor that have none.
    """
    positive = prepared.classes.positive
    if prepared.masks is None:
        raise BadInput(
            f"{prepared.name}: expected masks to learn from, came none; name them in scans.csv, column mask"
        )
    lacking = [row.slice_id for row in prepared.slices if row.label == positive and not row.has_mask]
    if lacking:
        raise BadInput(
            f"{lacking[0]}: expected a mask, as for every slice of class {positive}, came none (so with "
            f"{len(lacking)} slices); name it in scans.csv, or leave the scan out"
        )
    return prepared.masks


def check_learnable(prepared: PreparedSet, manifest: Sequence[ManifestRow]) -> None:
    """Raises `BadInput` as `require_masks`, or if training or validation sees no mask with tumor."""
    masks = require_masks(prepared)
    for subset in (Subset.TRAIN, Subset.VALID):
        places = [place for place, row in enumerate(manifest) if row.subset is subset]
        if not any(masks[place].any() for place in places):
            raise BadInput(
                f"{prepared.name}: expected a mask with tumor in the subset {subset}, came none in "
                f"{len(places)} slices; give masks with tumor, or change split.seed"
            )
