"""metrics/comparison.json: every arm out of fold, beside the first, with baselines and the arms' vote."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from brainmri.dataset.baselines import Baseline, ShortcutRow
from brainmri.dataset.manifest import PAPER_WARNING
from brainmri.dataset.predictions import Epoch
from brainmri.dataset.prepared import Classes
from brainmri.dataset.protocols import Protocol
from brainmri.dataset.units import ScoredRow, SegmentedRow
from brainmri.errors import BadInput
from brainmri.scoring.areas import estimate_area
from brainmri.scoring.calibration import CalibrateParams
from brainmri.scoring.cases import Cases
from brainmri.scoring.evaluation import describe_estimate, evaluate_cases
from brainmri.scoring.folded import Folded, fold_up, vote
from brainmri.scoring.pairing import Family, Pair, describe_pair, holm, pair
from brainmri.scoring.resampling import IntervalParams
from brainmri.scoring.segmented_arms import describe_masks

# No name of an arm has a space.
VOTE: Final = "soft vote"
# A baseline has no operating point.
_THRESHOLD: Final = 0.5


@dataclass(frozen=True)
class ArmScores:
    """What crossval wrote of an arm: its rows, its protocol, and facts of the network."""

    rows: Sequence[ScoredRow]
    protocol: Protocol
    network: Mapping[str, Any]

    @property
    def segments(self) -> bool:
        """Whether it is an arm of segmentation."""
        return all(isinstance(row, SegmentedRow) for row in self.rows)


@dataclass(frozen=True)
class ComparisonParams:
    """How units are calibrated, and how intervals are made."""

    calibrate: CalibrateParams
    intervals: IntervalParams


def compare_arms(
    arms: Mapping[str, ArmScores],
    shortcuts: Sequence[ShortcutRow],
    classes: Classes,
    params: ComparisonParams,
) -> dict[str, Any]:
    """All figures, by arm; the others are compared with the first, baselines and the arms' vote too.

    Figures at a threshold use each unit's own. `auroc` ranks all slices by their calibrated scores,
    `auroc_within_folds` those of one network only; differences are of the latter. With several seeds each
    slice is scored once a seed, and intervals stay clustered by group. Arms of the paper's protocol stand
    apart, with its warning.
    """
    grouped = {name: arm for name, arm in arms.items() if arm.protocol is Protocol.GROUPED}
    folded = {name: fold_up(arm.rows, classes, params.calibrate) for name, arm in grouped.items()}
    first_name, first = next(iter(folded.items()))
    _check_same(folded)
    if len(grouped) > 1:
        folded[VOTE] = combine(arms, classes, params)
    baselines = _take_baselines(shortcuts, first)
    others = {name: arm for name, arm in (folded | baselines).items() if name != first_name}
    # Arms are one family of tests; the vote and the baselines, which stand beside, another.
    arms_alone = {name: arm for name, arm in others.items() if name in grouped}
    beside = {name: arm for name, arm in others.items() if name not in grouped}
    pairs = _pair_all(arms_alone, first, params.intervals) | _pair_all(beside, first, params.intervals)
    unit = _name_unit(first)
    segmented = {name: list(arm.rows) for name, arm in grouped.items() if arm.segments}
    masks = describe_masks(segmented, params.intervals.confidence)  # type: ignore[arg-type]
    figures = {
        name: (_describe_baseline if name in baselines else _describe)(arm, params.intervals)
        | ({"network": dict(arms[name].network)} if name in arms else {})
        | ({"against_first": pairs[name]} if name in pairs else {})
        | ({"masks": masks[name]} if name in masks else {})
        for name, arm in (folded | baselines).items()
    }
    return {
        "first": first_name,
        "slices": len({row.slice_id for row in first.rows}),
        "groups": first.cases.groups,
        "unit": unit,
        "seeds": len({row.seed for row in first.rows}),
        "units_each": len(np.unique(first.unit)),
        "confidence": params.intervals.confidence,
        "arms": {name: figures[name] for name in grouped},
        **({"soft_vote": figures[VOTE]} if VOTE in figures else {}),
        "baselines": {name: figures[name] | {"sees": Baseline(name).words} for name in baselines},
        **_describe_paper(arms, classes, params),
        "finding": _conclude(first_name, figures, list(grouped)),
    }


def combine(arms: Mapping[str, ArmScores], classes: Classes, params: ComparisonParams) -> Folded:
    """What all grouped arms say together: their soft vote, or the only arm."""
    rows = [arm.rows for arm in arms.values() if arm.protocol is Protocol.GROUPED]
    voted = rows[0] if len(rows) == 1 else vote(rows, classes, params.calibrate)
    return fold_up(voted, classes, params.calibrate)


def _check_same(folded: Mapping[str, Folded]) -> None:
    expected: list[tuple[int, str]] | None = None
    for name, arm in folded.items():
        keys = [(row.seed, row.slice_id) for row in arm.rows]
        expected = expected or keys
        if keys != expected:
            raise BadInput(
                f"scores of {name}: expected the slices of the first arm, came others; rerun crossval"
            )


def _describe(arm: Folded, params: IntervalParams) -> dict[str, Any]:
    within = estimate_area(arm.cases, arm.unit, params)
    report = evaluate_cases(arm.cases, arm.threshold, params)
    del report["n"]
    return {
        "scored": len(arm.rows),
        **({} if within is None else {"auroc_within_folds": describe_estimate(within)}),
        **_describe_seeds(arm, params),
        **report,
    }


def _describe_baseline(arm: Folded, params: IntervalParams) -> dict[str, Any]:
    """What doesn't depend on how its scores of different folds compare."""
    kept = ("auroc_within_folds", "accuracy", "sensitivity", "specificity")
    return {name: found for name, found in _describe(arm, params).items() if name in kept}


def _describe_seeds(arm: Folded, params: IntervalParams) -> dict[str, Any]:
    """The spread of the area within folds over seeds, where there are several."""
    seeds = np.array([row.seed for row in arm.rows])
    if len(names := np.unique(seeds)) == 1:
        return {}
    values = {}
    for seed in names.tolist():
        own = seeds == seed
        group = np.unique(arm.cases.group[own], return_inverse=True)[1].astype(np.int64)
        area = estimate_area(Cases(arm.cases.truth[own], arm.cases.score[own], group), arm.unit[own], params)
        if area is not None:
            values[f"seed {seed}"] = area.value
    spread = {"lowest": min(values.values()), "highest": max(values.values())} if values else {}
    return {"auroc_within_folds_by_seed": values | spread}


def _take_baselines(shortcuts: Sequence[ShortcutRow], first: Folded) -> dict[str, Folded]:
    """The baseline with the greatest area within folds, and the majority class, on the first arm's cases."""
    scores: dict[Baseline, dict[str, float]] = {}
    for row in shortcuts:
        scores.setdefault(row.baseline, {})[row.slice_id] = row.score
    found = {}
    for baseline, by_slice in scores.items():
        try:
            values = np.array([by_slice[row.slice_id] for row in first.rows])
        except KeyError as error:
            raise BadInput(f"shortcuts: expected a score of {error}, came none; rerun shortcuts") from None
        cases = Cases(first.cases.truth, values, first.cases.group)
        found[baseline] = Folded(first.rows, cases, np.full(len(values), _THRESHOLD), first.unit)
    return _choose_baselines(found)


def _choose_baselines(found: Mapping[Baseline, Folded]) -> dict[str, Folded]:
    few = IntervalParams(confidence=0.95, draws=200, seed=0)  # the interval isn't looked at
    areas = {
        baseline: area.value
        for baseline, own in found.items()
        if baseline is not Baseline.MAJORITY and (area := estimate_area(own.cases, own.unit, few)) is not None
    }
    best = max(areas, key=areas.__getitem__, default=None)
    chosen = [baseline for baseline in (best, Baseline.MAJORITY) if baseline in found]
    return {baseline.value: found[baseline] for baseline in chosen if baseline is not None}


def _pair_all(
    others: Mapping[str, Folded], first: Folded, params: IntervalParams
) -> dict[str, dict[str, Any]]:
    pairs: dict[str, Pair] = {
        name: found for name, arm in others.items() if (found := pair(arm, first, params)) is not None
    }
    areas = holm([found.area.p_value for found in pairs.values()])
    decisions = holm([found.decisions.p_value for found in pairs.values()])
    family = Family(len(pairs), params.confidence, _name_unit(first))
    return {
        name: describe_pair(found, adjusted, family)
        for (name, found), adjusted in zip(pairs.items(), zip(areas, decisions, strict=True), strict=True)
    }


def _name_unit(arm: Folded) -> str:
    """`patients` where each group is one known patient."""
    members: dict[str, set[str | None]] = {}
    for row in arm.rows:
        members.setdefault(row.group, set()).add(row.patient)
    alone = all(len(patients) == 1 and None not in patients for patients in members.values())
    return "patients" if alone else "groups"


def _describe_paper(
    arms: Mapping[str, ArmScores], classes: Classes, params: ComparisonParams
) -> dict[str, Any]:
    found = {}
    for name, arm in arms.items():
        if arm.protocol is Protocol.PAPER:
            epochs = {
                f"{epoch}_epoch": _describe(
                    fold_up(arm.rows, classes, params.calibrate, epoch), params.intervals
                )
                for epoch in Epoch
            }
            found[name] = {"warning": PAPER_WARNING, "network": dict(arm.network), **epochs}
    return {"paper_protocol": found} if found else {}


def _conclude(first: str, figures: Mapping[str, Mapping[str, Any]], arms: Sequence[str]) -> str:
    """In words: what the arms' comparison allows to say."""
    verdicts = {
        name: figures[name]["against_first"]["verdict"] for name in arms if "against_first" in figures[name]
    }
    parts = []
    for verdict in ("better", "worse"):
        names = [name for name, own in verdicts.items() if own == verdict]
        if names:
            parts.append(f"{verdict} than {first}: {', '.join(names)}")
    rest = [name for name, own in verdicts.items() if own == "not separable"]
    if rest:
        parts.append(f"not separable from {first}: {', '.join(rest)}")
    return "; ".join(parts) or f"{first} alone; nothing to compare it with"
