"""Maps and reference masks -> the counts of each slice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brainmri.dataset.maps import CALLED, count_pixels
from brainmri.dataset.predictions import Prediction
from brainmri.scoring.lesions import match_lesions
from brainmri.scoring.overlap import SliceOverlap, in_millimeters
from brainmri.scoring.surfaces import compare_surfaces


@dataclass(frozen=True)
class OverlapRule:
    """What counts as found: a lesion from the overlap (IoU) on, an outline within the tolerance."""

    lesion_overlap: float
    tolerance_mm: float
    tolerance_px: float


def count_slices(
    scores: Sequence[Prediction],
    maps: NDArray[np.uint8],
    references: Mapping[str, tuple[NDArray[np.uint8], float | None]],
    rule: OverlapRule,
) -> list[SliceOverlap]:
    """Counts of each map (size, size); `references` holds mask and spacing by slice id."""
    known = in_millimeters([references[row.slice_id][1] for row in scores])
    tolerance = rule.tolerance_mm if known else rule.tolerance_px
    rows = []
    for row, one in zip(scores, maps, strict=True):
        mask, spacing = references[row.slice_id]
        called, truth = np.asarray(one) >= CALLED, np.asarray(mask) > 0
        surfaces = compare_surfaces(called, truth, spacing if known and spacing else 1.0, tolerance)
        lesions = match_lesions(called, truth, rule.lesion_overlap)
        counts = count_pixels(np.asarray(one)[None], np.asarray(mask)[None])
        rows.append(
            SliceOverlap(
                slice_id=row.slice_id,
                group=row.group,
                case=row.patient or row.group,
                label=row.label,
                spacing_mm=spacing,
                **{name: int(count[0]) for name, count in counts.items()},
                hausdorff95=surfaces and surfaces.hausdorff95,
                surface_dice=surfaces and surfaces.dice,
                lesions=lesions.lesions,
                lesions_found=lesions.found,
                false_lesions=lesions.false,
            )
        )
    return rows
