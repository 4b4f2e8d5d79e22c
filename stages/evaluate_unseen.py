"""Predictions of unseen phantoms and operating point -> figures by size and kind of tumor, and pictures.

Reports on the phantoms that the operating point was not chosen on; all of it is synthetic, and says so.
"""

from pathlib import Path

from brainmri.dataset.phantoms import read_phantoms
from brainmri.dataset.predictions import read_predictions
from brainmri.figures.phantoms import draw_pretraining
from brainmri.learning.pretraining.records import PretrainRow
from brainmri.params import Section, read_params
from brainmri.scoring.calibration import read_operating_point
from brainmri.scoring.evaluation import EvaluateParams
from brainmri.scoring.phantoms import report_phantoms, write_phantom_tables
from brainmri.tables import read_rows
from stages import run


class Params(Section):
    """The keys of params.yaml that this stage reads."""

    evaluate: EvaluateParams


def main(
    arch: str,
    predictions: Path,
    phantoms: Path,
    operating_point: Path,
    history: Path,
    metrics: Path,
    plots: Path,
) -> None:
    """Predictions, phantoms, operating point and history in; metrics and plots out."""
    report = report_phantoms(
        read_predictions(predictions),
        read_phantoms(phantoms),
        read_operating_point(operating_point),
        read_params(Params).evaluate,
    )
    write_phantom_tables(report, metrics, plots)
    draw_pretraining(report, read_rows(history, PretrainRow), arch, plots)
    print(f"evaluate_unseen: {arch}: {report.headline} -> {metrics}")


if __name__ == "__main__":
    run(main)
