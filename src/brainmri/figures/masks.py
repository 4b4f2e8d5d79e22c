"""The pictures of evaluate_segmentation, drawn from its tables and the prepared set."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from brainmri.dataset.maps import CALLED
from brainmri.dataset.prepared import PreparedSet
from brainmri.figures.canvas import save
from brainmri.figures.gallery import name_slices
from brainmri.figures.overlays import Overlay, draw_overlays
from brainmri.figures.segmentation import draw_patients
from brainmri.figures.sheet import Caption
from brainmri.scoring.overlap import PatientOverlap, SliceOverlap, join_patients

# Patients of each kind (best, in the middle, worst) that are shown.
_SHOWN: Final = 3


def draw_masks(
    slices: Sequence[SliceOverlap],
    maps: Mapping[str, NDArray[np.uint8]],
    data: PreparedSet,
    figures: Mapping[str, Any],
    folder: Path,
) -> None:
    """Dice of patients, and slices of the best, middle and worst of them; `maps` by slice id."""
    patients = join_patients(slices)
    counted = f"{len(slices)} slices of {len(patients)} {figures['unit'].split(',')[0]}s"
    warning = f". {figures['warning']}" if "warning" in figures else ""
    source = f"{counted}, {figures['subset']} subset of data set {data.name}"
    save(draw_patients(patients, figures, source + warning), folder / "patients.png")
    places = {row.slice_id: place for place, row in enumerate(data.slices)}
    names = name_slices(data)
    overlays = []
    for kind, patient in choose_patients(patients):
        row = max((row for row in slices if row.case == patient.case), key=lambda row: row.tumor_px)
        place = places[row.slice_id]
        overlays.append(
            Overlay(
                np.asarray(data.images[place]),
                np.zeros(data.images.shape[-2:], bool)
                if data.masks is None
                else np.asarray(data.masks[place]) > 0,
                np.asarray(maps[row.slice_id]) >= CALLED,
                Caption(f"{kind}: Dice {patient.dice:.2f}", names[place]),
            )
        )
    shown = "the slice of each patient that shows most of its tumor, and the Dice of all its slices"
    save(draw_overlays(overlays, f"{source}: {shown}{warning}"), folder / "overlays.png", exact=True)


def choose_patients(patients: Sequence[PatientOverlap]) -> list[tuple[str, PatientOverlap]]:
    """Up to three each, none twice: those with the highest Dice, those around the median, the lowest."""
    ranked = sorted(
        (row for row in patients if row.dice is not None), key=lambda row: (-(row.dice or 0), row.case)
    )
    count = min(_SHOWN, max(1, len(ranked) // 3)) if ranked else 0
    middle = max(count, (len(ranked) - count) // 2)
    chosen = {
        "best": ranked[:count],
        "median": ranked[middle : min(middle + count, max(count, len(ranked) - count))],
        "worst": ranked[max(count, len(ranked) - count) :],
    }
    return [(kind, row) for kind, rows in chosen.items() for row in rows]
