"""Each figure of a set of cases with its confidence interval, clustered by group."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brainmri.scoring.cases import Cases
from brainmri.scoring.catalogue import FIGURES, Figure, Kind, Support, measure
from brainmri.scoring.intervals import (
    Basis,
    Bounds,
    clustered_error,
    drawn_error,
    grouped_interval,
    loss_interval,
    mean_interval,
    predicted_error,
)
from brainmri.scoring.resampling import IntervalParams, draw_figures
from brainmri.scoring.tally import Threshold, Vector, rank_cases


@dataclass(frozen=True)
class Estimate:
    """A figure's value and its interval; `bounds` is None where no interval can be given."""

    value: float
    bounds: Bounds | None


@dataclass(frozen=True)
class _Sample:
    cases: Cases
    values: Mapping[str, float]
    draws: Mapping[str, Vector]
    supports: Mapping[Support, tuple[int, int]]  # groups, cases
    confidence: float


def estimate_figures(cases: Cases, threshold: Threshold, params: IntervalParams) -> dict[str, Estimate]:
    """Every figure that is defined, by name; a case is called positive if its score >= (its) threshold."""
    ranked = rank_cases(cases, threshold)
    measured = measure(ranked, np.ones((1, cases.groups)))
    values = {name: float(found[0]) for name, found in measured.items() if not np.isnan(found[0])}
    sample = _Sample(
        cases, values, draw_figures(ranked, params), _count_supports(cases, threshold), params.confidence
    )
    return {
        figure.name: Estimate(values[figure.name], _bound(figure, sample))
        for figure in FIGURES
        if figure.name in values
    }


def estimate_share(hit: NDArray[np.bool_], group: NDArray[np.int64], confidence: float) -> Estimate:
    """The share of cases (n,) that hit, n at least 1; its interval is clustered by group."""
    share, groups = float(hit.mean()), len(np.unique(group))
    if groups < 2:
        return Estimate(share, None)
    basis = Basis(clustered_error(hit, group), len(hit), groups)
    return Estimate(share, grouped_interval(share, basis, confidence))


def _bound(figure: Figure, sample: _Sample) -> Bounds | None:
    groups, cases = sample.supports[figure.support]
    draws = sample.draws[figure.name]
    draws = draws[~np.isnan(draws)]
    if groups < 2 or len(draws) < 2:
        return None
    if figure.parts is not None:
        return _bound_mean(figure.parts, sample)
    error = drawn_error(draws, groups)
    value = sample.values[figure.name]
    match figure.kind:
        case Kind.PROPORTION | Kind.AREA | Kind.CORRELATION:
            span = figure.high - figure.low
            basis = Basis(error / span, cases, groups)
            low, high = grouped_interval((value - figure.low) / span, basis, sample.confidence)
            return min(value, figure.low + span * low), max(value, figure.low + span * high)
        case Kind.LOSS if figure.loss is not None and value > 0:
            error = max(error, predicted_error(sample.cases, figure.loss))
            low, high = loss_interval(value, Basis(error, cases, groups), sample.confidence)
            return (low, min(high, figure.high)) if np.isfinite(min(high, figure.high)) else None
    return None


def _bound_mean(parts: tuple[Figure, Figure], sample: _Sample) -> Bounds | None:
    first, second = (_bound(part, sample) for part in parts)
    if first is None or second is None:
        return None
    together = np.array([sample.draws[part.name] for part in parts])
    together = together[:, ~np.isnan(together).any(axis=0)]
    spreads = together.std(axis=1)
    correlation = float(np.corrcoef(together)[0, 1]) if spreads.all() else 0.0
    values = sample.values[parts[0].name], sample.values[parts[1].name]
    return mean_interval(values, (first, second), correlation)


def _count_supports(cases: Cases, threshold: Threshold) -> dict[Support, tuple[int, int]]:
    called = cases.score >= threshold
    members = {
        Support.ALL: np.ones_like(called),
        Support.POSITIVE: cases.truth,
        Support.NEGATIVE: ~cases.truth,
        Support.CALLED: called,
        Support.NAMED: called | cases.truth,
    }
    counts = {
        support: (len(np.unique(cases.group[member])), int(member.sum()))
        for support, member in members.items()
    }
    scarcer = min(counts[Support.POSITIVE][0], counts[Support.NEGATIVE][0])
    return counts | {Support.BOTH: (scarcer, len(called))}
