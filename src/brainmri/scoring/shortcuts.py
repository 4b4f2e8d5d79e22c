"""How far the shortcut baselines get, alone and beside the network, in figures and in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from brainmri.dataset.baselines import Baseline, ShortcutRow
from brainmri.dataset.manifest import ManifestRow
from brainmri.dataset.predictions import Prediction
from brainmri.errors import BadInput
from brainmri.scoring.areas import Comparison, Folds, Verdict, compare_areas, estimate_area
from brainmri.scoring.cases import Cases
from brainmri.scoring.estimates import Estimate
from brainmri.scoring.evaluation import describe_estimate, evaluate_cases
from brainmri.scoring.resampling import IntervalParams

# The threshold of a baseline's accuracy: it has no operating point.
_THRESHOLD = 0.5

_BY_GROUP = (
    "; both areas are within folds, as the reported slices span several, and the baselines were trained by "
    "group, whatever the split"
)

_VERDICTS = {
    Verdict.BETTER: "is better than",
    Verdict.NOT_SEPARABLE: "can't be told from",
    Verdict.WORSE: "is worse than",
}


def summarize_shortcuts(
    rows: Sequence[ShortcutRow], manifest: Sequence[ManifestRow], positive: str, params: IntervalParams
) -> dict[str, Any]:
    """metrics/shortcuts.json: AUROC within folds and accuracy of each baseline, and in words what they mean.

    A baseline beats chance if the lower bound of its AUROC is above 0.5.
    """
    truth = np.array([row.label == positive for row in manifest])
    folds = np.array([row.fold for row in manifest], dtype=np.int64)
    group = np.unique([row.group for row in manifest], return_inverse=True)[1].astype(np.int64)
    names = [row.slice_id for row in manifest]
    areas, report = {}, {}
    for baseline, scores in _gather_scores(rows, names).items():
        cases = Cases(truth, scores, group)
        areas[baseline] = estimate_area(cases, folds, params)
        report[baseline.value] = _describe(areas[baseline], cases, params)
    return {
        "slices": len(manifest),
        "groups": len(set(group.tolist())),
        "unit": "slice, out of fold; AUROC within folds",
        "confidence": params.confidence,
        "baselines": report,
        **_conclude(areas),
    }


def evaluate_shortcuts(
    rows: Sequence[ShortcutRow], reported: Sequence[Prediction], cases: Cases, params: IntervalParams
) -> dict[str, Any]:
    """Each baseline on the slices `reported`, at threshold 0.5, and the best of them against the network.

    `cases` are the network's, in the order of `reported`. Areas are within the baselines' folds, each of
    which has models of its own. The best is picked on the same slices, which favors the baselines.
    """
    folds = _gather_folds(rows, reported)
    scores = _gather_scores(rows, [row.slice_id for row in reported])
    beside = {baseline: Cases(cases.truth, values, cases.group) for baseline, values in scores.items()}
    areas = {baseline: estimate_area(own, folds, params) for baseline, own in beside.items()}
    report: dict[str, Any] = {
        "baselines": {
            baseline.value: _describe_figures(areas[baseline], own, params)
            for baseline, own in beside.items()
        }
    }
    known = {baseline: area.value for baseline, area in areas.items() if area is not None}
    best = _find_best(known)
    comparison = None if best is None else compare_areas(cases, beside[best], folds, params)
    if best is None or comparison is None:
        return report
    report |= _compare(best, known[best], comparison)
    several = len(np.unique(folds)) > 1
    return report | ({"finding": f"{report['finding']}{_BY_GROUP}"} if several else {})


def _gather_scores(rows: Sequence[ShortcutRow], slices: Sequence[str]) -> dict[Baseline, Any]:
    """The scores of each baseline in the order of `slices`; (slices,)."""
    by_baseline: dict[Baseline, dict[str, float]] = {}
    for row in rows:
        by_baseline.setdefault(row.baseline, {})[row.slice_id] = row.score
    lost = [name for scores in by_baseline.values() for name in slices if name not in scores]
    if lost:
        raise BadInput(f"shortcuts: expected a score of {lost[0]}, came none; rerun shortcuts")
    return {
        baseline: np.array([by_baseline[baseline][name] for name in slices])
        for baseline in Baseline
        if baseline in by_baseline
    }


def _gather_folds(rows: Sequence[ShortcutRow], reported: Sequence[Prediction]) -> Folds:
    """The fold of each reported slice, 0 where there is no baseline to have one; (slices,)."""
    by_slice = {row.slice_id: row.fold for row in rows}
    return np.array([by_slice.get(row.slice_id, 0) for row in reported], dtype=np.int64)


def _describe(area: Estimate | None, cases: Cases, params: IntervalParams) -> dict[str, Any]:
    beats = {} if area is None else {"beats_chance": _beats_chance(area)}
    return _describe_figures(area, cases, params) | beats


def _describe_figures(area: Estimate | None, cases: Cases, params: IntervalParams) -> dict[str, Any]:
    known = {} if area is None else {"auroc": describe_estimate(area)}
    return known | {"accuracy": evaluate_cases(cases, _THRESHOLD, params)["accuracy"]}


def _beats_chance(area: Estimate) -> bool:
    return area.bounds is not None and area.bounds[0] > 0.5


def _find_best(areas: Mapping[Baseline, float]) -> Baseline | None:
    """The greatest area of those that see anything; of equals the first."""
    seeing = [baseline for baseline in areas if baseline is not Baseline.MAJORITY]
    return max(seeing, key=areas.__getitem__, default=None)


def _conclude(areas: Mapping[Baseline, Estimate | None]) -> dict[str, Any]:
    known = {baseline: area for baseline, area in areas.items() if area is not None}
    best = _find_best({baseline: area.value for baseline, area in known.items()})
    if best is None:
        return {"finding": "no fold holds both classes, so no baseline can be scored"}
    winners = [baseline for baseline in known if _beats_chance(known[baseline])]
    shown = _say(known[best])
    tried = len(known.keys() - {Baseline.MAJORITY})
    if not winners:
        finding = f"no baseline beats chance; the best sees {best.words}: AUROC {shown}"
        return {"best": best.value, "beating_chance": 0, "finding": finding}
    # The best need not be among the winners: another may have the narrower interval.
    strongest = max(winners, key=lambda baseline: known[baseline].value)
    blind = [baseline for baseline in winners if baseline.blind]
    finding = (
        f"{strongest.words} tell the classes apart: AUROC {_say(known[strongest])}; {len(winners)} of "
        f"{tried} baselines beat chance, {_name_blind(blind)}; a network has to do better"
    )
    return {"best": strongest.value, "beating_chance": len(winners), "finding": finding}


def _name_blind(blind: Sequence[Baseline]) -> str:
    if not blind:
        return "but each of them sees pixels of the tumors"
    return f"even {' and '.join(baseline.words for baseline in blind)}, which see no pixel of a tumor"


def _say(area: Estimate) -> str:
    ends = "" if area.bounds is None else " ({:.2f} to {:.2f})".format(*area.bounds)
    return f"{area.value:.2f}{ends}"


def _compare(best: Baseline, area: float, comparison: Comparison) -> dict[str, Any]:
    low, high = comparison.bounds
    finding = (
        f"the network {_VERDICTS[comparison.verdict]} the best shortcut baseline, {best.words} "
        f"(AUROC {area:.2f}): difference {comparison.difference:+.2f} ({low:+.2f} to {high:+.2f})"
    )
    return {
        "best": best.value,
        "auroc_difference": {"value": comparison.difference, "low": low, "high": high},
        "verdict": comparison.verdict.value,
        "finding": finding,
    }
