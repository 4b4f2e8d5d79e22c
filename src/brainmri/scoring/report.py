"""All that evaluate publishes of one set of predictions: metrics, and the rows behind the plots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainmri.dataset.baselines import ShortcutRow
from brainmri.dataset.manifest import Subset
from brainmri.dataset.predictions import Epoch, Prediction, select_predictions
from brainmri.scoring.calibration import OperatingPoint
from brainmri.scoring.cases import Unit, gather_cases
from brainmri.scoring.curves import (
    ConfusionRow,
    PrecisionRecallRow,
    ReliabilityRow,
    RocRow,
    bin_reliability,
    list_confusion,
    trace_precision_recall,
    trace_roc,
)
from brainmri.scoring.decisions import BenefitRow, CoverageRow, trace_benefit, trace_coverage
from brainmri.scoring.evaluation import EvaluateParams, evaluate_calibration, evaluate_predictions
from brainmri.scoring.losses import LossRow, list_top_losses
from brainmri.scoring.pointing import Hit, evaluate_pointing
from brainmri.scoring.shortcuts import evaluate_shortcuts
from brainmri.scoring.subgroups import evaluate_tumor_sizes
from brainmri.tables import write_mapping, write_rows


@dataclass(frozen=True)
class Report:
    """The published figures of the reported subset, best epoch, per slice, and the rows of its plots."""

    predictions: Sequence[Prediction]
    point: OperatingPoint
    metrics: Mapping[str, Any]
    roc: Sequence[RocRow]
    precision_recall: Sequence[PrecisionRecallRow]
    confusion: Sequence[ConfusionRow]
    reliability: Sequence[ReliabilityRow]
    before: Sequence[ReliabilityRow]
    benefits: Sequence[BenefitRow]
    coverages: Sequence[CoverageRow]
    top_losses: Sequence[LossRow]

    @property
    def subset(self) -> Subset:
        """The subset that is reported on."""
        return self.predictions[0].subset

    @property
    def headline(self) -> str:
        """In words: AUROC and accuracy with their intervals, and the best baseline, as far as defined."""
        figures = self.metrics["slice"]
        shown = [
            f"{title} {found['value']:.3f}"
            + (f" ({found['low']:.3f} to {found['high']:.3f})" if "low" in found else "")
            for name, title in (("auroc", "AUROC"), ("accuracy", "accuracy"))
            if (found := figures.get(name))
        ]
        beside = self.metrics["shortcuts"].get("finding")
        return f"{', '.join(shown)} on {figures['n']} {self.subset} slices" + (
            f"; {beside}" if beside else ""
        )


@dataclass(frozen=True)
class Context:
    """What else is known of the slices.

    `warning` is what the report on the split says of it; it stands before every figure. `tumor_shares` holds
    the share of the prepared image that a tumor's mask covers, and `hits` what the pointing game gave, by
    slice id, where there is one.
    """

    shortcuts: Sequence[ShortcutRow]
    warning: str | None
    tumor_shares: Mapping[str, float]
    hits: Mapping[str, Hit]


def make_report(
    predictions: Sequence[Prediction], point: OperatingPoint, context: Context, params: EvaluateParams
) -> Report:
    """Reports on the test subset; on the validation subset where nothing was held out."""
    held_out = any(row.subset is Subset.TEST for row in predictions)
    subset = Subset.TEST if held_out else Subset.VALID
    rows = select_predictions(predictions, subset)
    cases = gather_cases(rows, point, Unit.SLICE)
    warning = {} if context.warning is None else {"warning": context.warning}
    metrics: dict[str, Any] = {"subset": subset.value} | warning
    metrics |= evaluate_predictions(rows, point, params)
    if any(row.epoch is Epoch.LAST for row in predictions):
        last = select_predictions(predictions, subset, Epoch.LAST)
        metrics["last_epoch"] = evaluate_predictions(last, point, params)
    raw = gather_cases(rows, point.model_copy(update={"temperature": 1.0}), Unit.SLICE)
    metrics["before_calibration"] = evaluate_calibration(raw, params)
    sizes = evaluate_tumor_sizes(rows, context.tumor_shares, point, params)
    metrics |= {"by_tumor_size": sizes} if sizes else {}
    pointing = evaluate_pointing(rows, context.hits, params.confidence)
    metrics |= {"pointing": pointing} if pointing else {}
    metrics["shortcuts"] = evaluate_shortcuts(context.shortcuts, rows, cases, params)
    return Report(
        predictions=rows,
        point=point,
        metrics=metrics,
        roc=trace_roc(cases),
        precision_recall=trace_precision_recall(cases),
        confusion=list_confusion(rows, point),
        reliability=bin_reliability(cases, params.confidence),
        before=bin_reliability(raw, params.confidence),
        benefits=trace_benefit(cases, params),
        coverages=trace_coverage(cases, point.threshold, params.confidence),
        top_losses=list_top_losses(rows, point, params.top_losses),
    )


def write_tables(report: Report, metrics: Path, plots: Path) -> None:
    """Writes the metrics, and the rows behind the plots as CSV below `plots`."""
    write_mapping(metrics, report.metrics)
    write_rows(plots / "roc.csv", report.roc, RocRow)
    write_rows(plots / "precision_recall.csv", report.precision_recall, PrecisionRecallRow)
    write_rows(plots / "confusion.csv", report.confusion, ConfusionRow)
    write_rows(plots / "reliability.csv", report.reliability, ReliabilityRow)
    write_rows(plots / "reliability_before.csv", report.before, ReliabilityRow)
    write_rows(plots / "decision_curve.csv", report.benefits, BenefitRow)
    write_rows(plots / "coverage.csv", report.coverages, CoverageRow)
    write_rows(plots / "top_losses.csv", report.top_losses, LossRow)
