"""How often confidence intervals of grouped cases cover the truth: method by figure, by groups, by AUROC.

    OMP_NUM_THREADS=1 python -m benchmarks.interval_coverage --repeats 500 > coverage.md

A scenario draws groups of 1 to 4 slices. A group has a tumor with the stated probability, and then
85 % of its slices show it. The score is binormal with the stated AUROC between groups, half of its
variance is the group's, and it is calibrated. The truth is the figure over 200,000 groups.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtr, ndtri
from scipy.stats import t

from brainmri.scoring.cases import Cases
from brainmri.scoring.catalogue import FIGURES, measure
from brainmri.scoring.estimates import estimate_figures
from brainmri.scoring.resampling import IntervalParams
from brainmri.scoring.tally import Ranked, rank_cases

Values = NDArray[np.float64]
Bounds = tuple[float, float]

THRESHOLD = 0.5
LEVELS = (0.025, 0.975)
SHOWN_WITH_TUMOR = 0.85
GROUP_VARIANCE = 0.5
# Columns of terms whose ratio is the figure: where a standard error of every draw is cheap.
RATIOS = {
    "accuracy": ((0, 3), (0, 1, 2, 3)),
    "sensitivity": ((0,), (0, 2)),
    "specificity": ((3,), (1, 3)),
    "precision": ((0,), (0, 1)),
    "brier": ((4,), (0, 1, 2, 3)),
    "log_loss": ((5,), (0, 1, 2, 3)),
}


@dataclass(frozen=True)
class Scenario:
    """A population to draw test sets from."""

    groups: int
    auroc: float
    tumor_share: float = 0.5


@dataclass(frozen=True)
class Trial:
    """One test set: a figure's value, its draws (draws,) and its leave-one-group-out values (groups,)."""

    name: str
    value: float
    draws: Values
    left_out: Values
    ranked: Ranked
    weights: Values


def simulate_cases(scenario: Scenario, generator: np.random.Generator) -> Cases:
    """A test set of the scenario."""
    group = np.repeat(np.arange(scenario.groups), generator.integers(1, 5, scenario.groups))
    tumor = generator.random(scenario.groups) < scenario.tumor_share
    truth = tumor[group] & (generator.random(len(group)) < SHOWN_WITH_TUMOR)
    between = generator.normal(size=scenario.groups)[group]
    within = generator.normal(size=len(group))
    noise = np.sqrt(GROUP_VARIANCE) * between + np.sqrt(1 - GROUP_VARIANCE) * within
    distance = np.sqrt(2) * ndtri(scenario.auroc)
    evidence = distance * (distance * truth + noise - distance / 2)
    return Cases(truth, expit(evidence + logit(scenario.tumor_share * SHOWN_WITH_TUMOR)), group)


def find_truth(scenario: Scenario) -> dict[str, float]:
    """Each figure over a population of 200,000 groups."""
    large = Scenario(200_000, scenario.auroc, scenario.tumor_share)
    ranked = rank_cases(simulate_cases(large, np.random.default_rng(12345)), THRESHOLD)
    return {name: float(values[0]) for name, values in measure(ranked, np.ones((1, large.groups))).items()}


def percentile(trial: Trial) -> Bounds | None:
    """Percentiles of the draws."""
    return _pair(np.quantile(trial.draws, LEVELS))


def bca(trial: Trial) -> Bounds | None:
    """Bias-corrected and accelerated percentiles (Efron 1987)."""
    influence = trial.left_out.mean() - trial.left_out
    scale = (influence**2).sum() ** 1.5
    acceleration = (influence**3).sum() / (6 * scale) if scale > 0 else 0.0
    below = (trial.draws < trial.value).mean() + (trial.draws == trial.value).mean() / 2
    bias = ndtri(np.clip(below, 1e-4, 1 - 1e-4))
    reach = bias + ndtri(np.array(LEVELS))
    return _pair(np.quantile(trial.draws, ndtr(bias + reach / (1 - acceleration * reach))))


def logit_jackknife(trial: Trial) -> Bounds | None:
    """The jackknife's standard error and Student's t on the logit scale (log for log loss, atanh for mcc)."""
    count = len(trial.left_out)
    error = np.sqrt((count - 1) * trial.left_out.var())
    return _on_scale(trial, error, *t.ppf(LEVELS, count - 1))


def bootstrap_t(trial: Trial) -> Bounds | None:
    """Studentized draws on the same scales, for figures that are a ratio of sums."""
    if trial.name not in RATIOS:
        return None
    above, below = (trial.ranked.terms[:, list(columns)].sum(axis=1) for columns in RATIOS[trial.name])
    everyone = np.ones((1, len(above)))
    with np.errstate(all="ignore"):
        values, errors = _ratio_error(trial.weights, above, below)
        _, error = _ratio_error(everyone, above, below)
        forth, slope = _scale(trial.name)[0], _scale(trial.name)[2]
        studentized = (forth(values) - forth(np.array([trial.value]))) / (errors * slope(values))
        studentized = studentized[np.isfinite(studentized)]
        if len(studentized) < len(values) / 2:
            return trial.value, trial.value
        low, high = np.quantile(studentized, LEVELS)
        return _on_scale(trial, float(error[0]), -high, -low)


def _ratio_error(weights: Values, above: Values, below: Values) -> tuple[Values, Values]:
    total, base = weights @ above, weights @ below
    ratio = total / base
    squares = weights @ above**2 - 2 * ratio * (weights @ (above * below)) + ratio**2 * (weights @ below**2)
    return ratio, np.sqrt(np.maximum(squares, 0)) / base


Function = Callable[[Values], Values]


def _scale(name: str) -> tuple[Function, Function, Function]:
    if name == "log_loss":
        return np.log, np.exp, lambda value: 1 / value
    if name == "mcc":
        return np.arctanh, np.tanh, lambda value: 1 / (1 - value**2)
    return logit, expit, lambda value: 1 / (value * (1 - value))


def _on_scale(trial: Trial, error: float, low: float, high: float) -> Bounds | None:
    forth, back, slope = _scale(trial.name)
    with np.errstate(all="ignore"):
        reach = error * slope(np.asarray(trial.value))
        bounds = back(forth(np.asarray(trial.value)) + reach * np.array([low, high]))
    return _pair(bounds) if np.isfinite(bounds).all() else (trial.value, trial.value)


def _pair(bounds: Values) -> Bounds:
    return float(bounds[0]), float(bounds[1])


RIVALS: Mapping[str, Callable[[Trial], Bounds | None]] = {
    "percentile": percentile,
    "BCa": bca,
    "bootstrap-t": bootstrap_t,
    "logit jackknife-t": logit_jackknife,
}
CHOSEN = "chosen"


def try_intervals(cases: Cases, params: IntervalParams, rivals: bool = True) -> dict[tuple[str, str], Bounds]:
    """The bounds of every figure by every method, keyed by (figure, method)."""
    bounds = {
        (name, CHOSEN): estimate.bounds
        for name, estimate in estimate_figures(cases, THRESHOLD, params).items()
    }
    if rivals:
        bounds |= _try_rivals(cases, params)
    return {key: found for key, found in bounds.items() if found is not None}


def _try_rivals(cases: Cases, params: IntervalParams) -> dict[tuple[str, str], Bounds | None]:
    ranked = rank_cases(cases, THRESHOLD)
    groups = cases.groups
    generator = np.random.default_rng(params.seed)
    weights = generator.multinomial(groups, np.full(groups, 1 / groups), params.draws).astype(np.float64)
    everyone = np.ones((1, groups))
    measured = measure(ranked, np.vstack([everyone, 1 - np.eye(groups), weights]))
    bounds: dict[tuple[str, str], Bounds | None] = {}
    for name, values in measured.items():
        draws, left_out = values[groups + 1 :], values[1 : groups + 1]
        draws, left_out = draws[~np.isnan(draws)], left_out[~np.isnan(left_out)]
        if np.isnan(values[0]) or len(left_out) < 2:
            continue
        trial = Trial(name, float(values[0]), draws, left_out, ranked, weights)
        bounds |= {(name, method): bound(trial) for method, bound in RIVALS.items()}
    return bounds


def measure_coverage(
    scenario: Scenario, repeats: int, params: IntervalParams, rivals: bool = True
) -> dict[tuple[str, str], float]:
    """The share of test sets whose interval holds the truth, keyed by (figure, method)."""
    truth = find_truth(scenario)
    generator = np.random.default_rng(params.seed)
    held: dict[tuple[str, str], list[bool]] = {}
    for _ in range(repeats):
        found = try_intervals(simulate_cases(scenario, generator), params, rivals)
        for key, (low, high) in found.items():
            held.setdefault(key, []).append(low <= truth[key[0]] <= high)
    return {key: float(np.mean(outcomes)) for key, outcomes in held.items()}


def main() -> None:
    """Prints one Markdown table a method: coverage in percent."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=500)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--groups", type=int, nargs="+", default=[20, 50, 200])
    parser.add_argument("--aurocs", type=float, nargs="+", default=[0.8, 0.95, 0.99])
    parser.add_argument("--tumor-share", type=float, default=0.5)
    parser.add_argument("--chosen-only", action="store_true")
    arguments = parser.parse_args()
    params = IntervalParams(confidence=0.95, draws=arguments.draws, seed=0)
    scenarios = [
        Scenario(groups, auroc, arguments.tumor_share)
        for groups in arguments.groups
        for auroc in arguments.aurocs
    ]
    rivals = not arguments.chosen_only
    found = [measure_coverage(scenario, arguments.repeats, params, rivals) for scenario in scenarios]
    for method in (*(RIVALS if rivals else ()), CHOSEN):
        print(f"\n### {method}\n")
        print("| figure | " + " | ".join(f"{one.groups}, {one.auroc:g}" for one in scenarios) + " |")
        print("| --- |" + " ---: |" * len(scenarios))
        for figure in FIGURES:
            cells = [_percent(coverage.get((figure.name, method))) for coverage in found]
            if any(cells):
                print(f"| {figure.name} | " + " | ".join(cells) + " |")


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}"


if __name__ == "__main__":
    main()
