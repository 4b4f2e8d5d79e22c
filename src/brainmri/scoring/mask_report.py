"""All that evaluate_segmentation publishes: metrics, the rows behind the plots, the table of detectors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainmri.dataset.manifest import Subset
from brainmri.dataset.maps import MaskMaps
from brainmri.dataset.masks import require_masks
from brainmri.dataset.predictions import Prediction
from brainmri.dataset.prepared import PreparedSet
from brainmri.scoring.calibration import CalibrateParams, OperatingPoint, choose_operating_point
from brainmri.scoring.detection import compare_detectors, tabulate_detectors
from brainmri.scoring.evaluation import EvaluateParams
from brainmri.scoring.mask_counts import OverlapRule, count_slices
from brainmri.scoring.overlap import PatientOverlap, SliceOverlap, join_patients
from brainmri.scoring.segmentation import choose_scale, compare_masks, evaluate_masks
from brainmri.tables import write_bytes, write_mapping, write_rows


@dataclass(frozen=True)
class Beside:
    """What else is known: the classifier's predictions, its operating point, and what the split warns of."""

    predictions: Sequence[Prediction]
    point: OperatingPoint
    warning: str | None


@dataclass(frozen=True)
class MaskReport:
    """The published figures of the reported subset, its slices, and their maps by slice id."""

    metrics: Mapping[str, Any]
    slices: Sequence[SliceOverlap]
    maps: Mapping[str, NDArray[np.uint8]]

    @property
    def warning(self) -> str:
        """The end of a small print, where there is something to warn of."""
        return f". {self.metrics['warning']}" if "warning" in self.metrics else ""

    @property
    def headline(self) -> str:
        """In words: Dice per patient with its interval, and how the classifier stands to it."""
        found = self.metrics.get("dice_per_patient_mean")
        if found is None:
            return "no patient with tumor"
        reach = f" ({found['low']:.3f} to {found['high']:.3f})" if "low" in found else ""
        return (
            f"Dice per patient {found['value']:.3f}{reach} on {self.metrics['patients_with_tumor']} "
            f"{self.metrics['subset']} patients with tumor; {self.metrics['detection']['finding']}"
        )


def make_mask_report(
    found: MaskMaps,
    data: PreparedSet,
    rule: OverlapRule,
    beside: Beside,
    params: tuple[EvaluateParams, CalibrateParams],
) -> MaskReport:
    """Reports on the test subset; on the validation subset where nothing was held out."""
    evaluate, calibrate = params
    held_out = any(row.subset is Subset.TEST for row in found.scores)
    subset = Subset.TEST if held_out else Subset.VALID
    places = [place for place, row in enumerate(found.scores) if row.subset is subset]
    scores, masks = [found.scores[place] for place in places], require_masks(data)
    references = {row.slice_id: (masks[place], row.spacing_mm) for place, row in enumerate(data.slices)}
    slices = count_slices(scores, found.maps[places], references, rule)
    point = choose_operating_point(found.scores, data.classes, calibrate)
    metrics: dict[str, Any] = {"subset": subset.value}
    metrics |= {} if beside.warning is None else {"warning": beside.warning}
    metrics |= evaluate_masks(
        slices, choose_scale(slices, rule.tolerance_mm, rule.tolerance_px), evaluate.confidence
    )
    metrics["lesion_overlap"] = rule.lesion_overlap
    if found.plain is not None:
        plain = count_slices(scores, found.plain[places], references, rule)
        metrics["flips"] = compare_masks(slices, plain, evaluate.confidence)
    metrics["detection"] = compare_detectors(
        (found.scores, point), (beside.predictions, beside.point), evaluate
    )
    maps = {row.slice_id: found.maps[place] for row, place in zip(scores, places, strict=True)}
    return MaskReport(metrics, slices, maps)


def write_mask_tables(report: MaskReport, metrics: Path, plots: Path) -> None:
    """Writes the metrics, and the rows behind the plots as CSV below `plots`."""
    write_mapping(metrics, report.metrics)
    write_rows(plots / "slices.csv", report.slices, SliceOverlap)
    write_rows(plots / "patients.csv", join_patients(report.slices), PatientOverlap)
    table = tabulate_detectors(report.metrics["detection"], f"{report.metrics['subset']}{report.warning}")
    write_bytes(plots / "detection.md", table.encode())
