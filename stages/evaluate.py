"""Predictions and operating point -> every published figure with its interval, and the paper's pictures.

Reports on the test subset; by the paper's protocol on the watched one. What the split's report warns of,
every figure's does.
"""

from pathlib import Path

from brainmri.dataset.baselines import ShortcutRow
from brainmri.dataset.pointing import read_pointing
from brainmri.dataset.predictions import read_predictions
from brainmri.dataset.prepared import read_prepared
from brainmri.figures.evaluation import draw_evaluation, warn
from brainmri.figures.training import draw_training
from brainmri.learning.records import EpochRow, RatePoint, read_rate
from brainmri.params import Section, read_params
from brainmri.scoring.calibration import read_operating_point
from brainmri.scoring.evaluation import EvaluateParams
from brainmri.scoring.pointing import judge_points
from brainmri.scoring.report import Context, make_report, write_tables
from brainmri.tables import read_mapping, read_rows
from stages import run


class Params(Section):
    """The keys of params.yaml that this stage reads."""

    evaluate: EvaluateParams


def main(
    prepared: Path,
    split: Path,
    predictions: Path,
    pointing: Path,
    operating_point: Path,
    shortcuts: Path,
    history: Path,
    lr: Path,
    curve: Path,
    metrics: Path,
    plots: Path,
) -> None:
    """All that earlier stages say of split, training and predictions in; metrics and plots out."""
    params, data = read_params(Params), read_prepared(prepared)
    report = make_report(
        read_predictions(predictions),
        read_operating_point(operating_point),
        Context(
            read_rows(shortcuts, ShortcutRow),
            read_mapping(split).get("warning"),
            data.measure_tumors(),
            judge_points(read_pointing(pointing), data),
        ),
        params.evaluate,
    )
    write_tables(report, metrics, plots)
    draw_evaluation(report, data, plots)
    source = f"data set {data.name}{warn(report)}"
    draw_training(read_rows(history, EpochRow), read_rows(curve, RatePoint), read_rate(lr), source, plots)
    print(f"evaluate: {report.headline} -> {metrics}")


if __name__ == "__main__":
    run(main)
