"""A model folder and a prepared set -> the hottest point of each slice with tumor."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.dataset.pointing import PointingRow
from brainmri.dataset.prepared import PreparedSet
from brainmri.learning.explanation import explain, find_hottest, randomize
from brainmri.learning.model_folder import WEIGHTS
from brainmri.learning.prediction import read_classifier


def point_at_tumors(model: Path, prepared: PreparedSet, manifest: Sequence[ManifestRow]) -> list[PointingRow]:
    """A row for each slice outside training whose mask shows tumor, in the order of the slices."""
    chosen = [
        place
        for place, (row, own) in enumerate(zip(manifest, prepared.slices, strict=True))
        if row.subset is not Subset.TRAIN and own.tumor_area
    ]
    if not chosen:
        return []
    images, trained = np.array(prepared.images[chosen]), read_classifier(model, WEIGHTS)
    maps = zip(chosen, explain(trained, images), explain(randomize(trained), images), strict=True)
    rows = []
    for place, heat, other in maps:
        (row, column), (random_row, random_column) = find_hottest(heat), find_hottest(other)
        rows.append(
            PointingRow(
                slice_id=manifest[place].slice_id,
                row=row,
                column=column,
                random_row=random_row,
                random_column=random_column,
            )
        )
    return rows
