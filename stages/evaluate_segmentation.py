"""Maps of tumor and reference masks -> every published figure of the segmenter with its interval; pictures.

Counts of each slice come first; beside the figures, what the classifier says of the same slices, paired.
Reports on the test subset; on the watched one where nothing was held out.
"""

from pathlib import Path

from brainmri.dataset.maps import read_maps
from brainmri.dataset.predictions import read_predictions
from brainmri.dataset.prepared import read_prepared
from brainmri.figures.masks import draw_masks
from brainmri.figures.training import draw_training
from brainmri.learning.records import MaskEpochRow, RatePoint, read_rate
from brainmri.learning.segmentation_recipe import SegmentationParams
from brainmri.params import Section, read_params
from brainmri.scoring.calibration import CalibrateParams, read_operating_point
from brainmri.scoring.evaluation import EvaluateParams
from brainmri.scoring.mask_counts import OverlapRule
from brainmri.scoring.mask_report import Beside, make_mask_report, write_mask_tables
from brainmri.tables import read_mapping, read_rows
from stages import run


class Params(Section):
    """The keys of params.yaml that this stage reads."""

    calibrate: CalibrateParams
    evaluate: EvaluateParams
    segmentation: SegmentationParams


def main(
    prepared: Path,
    split: Path,
    maps: Path,
    predictions: Path,
    operating_point: Path,
    history: Path,
    lr: Path,
    curve: Path,
    metrics: Path,
    plots: Path,
) -> None:
    """Prepared folder, the segmenter's maps and the classifier's predictions in; metrics and plots out."""
    params, data, found = read_params(Params), read_prepared(prepared), read_maps(maps)
    own = params.segmentation
    rule = OverlapRule(own.lesion_overlap, own.tolerance_mm, own.tolerance_px)
    beside = Beside(
        read_predictions(predictions),
        read_operating_point(operating_point),
        read_mapping(split).get("warning"),
    )
    report = make_mask_report(found, data, rule, beside, (params.evaluate, params.calibrate))
    write_mask_tables(report, metrics, plots)
    draw_masks(report.slices, report.maps, data, report.metrics, plots)
    source = f"data set {data.name}{report.warning}"
    draw_training(read_rows(history, MaskEpochRow), read_rows(curve, RatePoint), read_rate(lr), source, plots)
    print(f"evaluate_segmentation: {report.headline} -> {metrics}")


if __name__ == "__main__":
    run(main)
