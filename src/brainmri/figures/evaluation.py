"""The paper's figures of one evaluation, drawn from the report and the training's tables."""

from pathlib import Path
from typing import Any

import numpy as np

from brainmri.dataset.prepared import PreparedSet
from brainmri.figures.canvas import save
from brainmri.figures.confusion import draw_confusion
from brainmri.figures.curves import Interval, OperatingPoint, Ranking, draw_curves
from brainmri.figures.decisions import draw_decisions
from brainmri.figures.reliability import Before, Bins, draw_reliability
from brainmri.figures.shortcuts import Contender, draw_shortcuts
from brainmri.figures.top_losses import Case, draw_top_losses
from brainmri.scoring.report import Report
from brainmri.scoring.tally import BINS


def draw_evaluation(report: Report, data: PreparedSet, folder: Path) -> None:
    """Confusion matrix, curves, reliability, top losses and shortcut baselines, as PNG below `folder`."""
    source = describe_source(report, data)
    classes = (data.classes.negative, data.classes.positive)
    counts = report.metrics["slice"]["confusion"]
    table = np.array([[counts["tn"], counts["fp"]], [counts["fn"], counts["tp"]]])
    save(draw_confusion(table, classes, source), folder / "confusion.png")
    save(draw_curves(_rank(report), _place(report), source), folder / "curves.png")
    save(draw_reliability(_bin(report), _bin_before(report), source), folder / "reliability.png")
    confidence = report.metrics["slice"]["confidence"]
    decisions = draw_decisions(report.benefits, report.coverages, confidence, source)
    save(decisions, folder / "decisions.png")
    save(draw_top_losses(_gather_cases(report, data), source), folder / "top_losses.png")
    beside = report.metrics["shortcuts"]
    verdict = f". On them {beside['finding']}" if "finding" in beside else ""
    save(draw_shortcuts(*_list_contenders(report), source + verdict), folder / "shortcuts.png")


def describe_source(report: Report, data: PreparedSet) -> str:
    """The small print: what was computed on which cases."""
    figures = report.metrics["slice"]
    parts = [
        f"{figures['n']} slices of {figures['groups']} groups",
        f"{report.subset.value} subset of data set {data.name}",
    ]
    return ", ".join(parts) + warn(report)


def warn(report: Report) -> str:
    """What the report warns of as the end of a small print, where it does."""
    return f". {report.metrics['warning']}" if "warning" in report.metrics else ""


def _rank(report: Report) -> Ranking | None:
    figures = report.metrics["slice"]
    if not report.roc or not report.precision_recall:
        return None
    # From recall 1 down to 0, where precision is 1 by convention.
    points = list(reversed(report.precision_recall))
    return Ranking(
        false_positive_rate=np.array([row.fpr for row in report.roc]),
        sensitivity=np.array([row.tpr for row in report.roc]),
        roc_area=_interval(figures, "auroc"),
        recall=np.array([*(row.recall for row in points), 0.0]),
        precision=np.array([*(row.precision for row in points), 1.0]),
        precision_recall_area=_interval(figures, "auprc"),
        prevalence=figures["prevalence"],
    )


def _interval(figures: dict[str, Any], name: str) -> Interval:
    return Interval(**figures[name], confidence=figures["confidence"])


def _list_contenders(report: Report) -> tuple[Contender, list[Contender]]:
    confidence = report.metrics["slice"]["confidence"]

    def contend(name: str, figures: dict[str, Any]) -> Contender:
        found = [
            Interval(**figures[key], confidence=confidence) if key in figures else None
            for key in ("auroc", "accuracy")
        ]
        return Contender(name, *found)

    baselines = report.metrics["shortcuts"]["baselines"]
    others = [contend(name.replace("_", " "), figures) for name, figures in baselines.items()]
    return contend("network", report.metrics["slice"]), others


def _place(report: Report) -> OperatingPoint | None:
    figures = report.metrics["slice"]
    if "sensitivity" not in figures or "specificity" not in figures:
        return None
    return OperatingPoint(
        threshold=report.point.threshold,
        sensitivity=figures["sensitivity"]["value"],
        specificity=figures["specificity"]["value"],
        precision=figures["precision"]["value"] if "precision" in figures else None,
    )


def _bin(report: Report) -> Bins:
    count = np.zeros(BINS, np.int64)
    predicted, observed, low, high = np.full((4, BINS), np.nan)
    for row in report.reliability:
        count[row.bin], predicted[row.bin], observed[row.bin] = row.n, row.mean_score, row.observed_share
        if row.share_low is not None and row.share_high is not None:
            low[row.bin], high[row.bin] = row.share_low, row.share_high
    figures = report.metrics["slice"]
    return Bins(
        edges=np.linspace(0, 1, BINS + 1),
        count=count,
        predicted=predicted,
        observed=observed,
        low=low,
        high=high,
        confidence=figures["confidence"],
        error=figures["ece"]["value"],
    )


def _bin_before(report: Report) -> Before:
    return Before(
        predicted=np.array([row.mean_score for row in report.before]),
        observed=np.array([row.observed_share for row in report.before]),
        error=report.metrics["before_calibration"]["ece"]["value"],
    )


def _gather_cases(report: Report, data: PreparedSet) -> list[Case]:
    places = {row.slice_id: place for place, row in enumerate(data.slices)}
    cases = []
    for row in report.top_losses:
        place = places[row.slice_id]
        mask = None if data.masks is None else np.asarray(data.masks[place])
        cases.append(
            Case(
                image=np.asarray(data.images[place]),
                mask=mask,
                name=row.slice_id,
                predicted=row.predicted,
                actual=row.actual,
                loss=row.loss,
                probability=row.probability,
            )
        )
    return cases
