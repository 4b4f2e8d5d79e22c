"""How often intervals of the difference of two AUROCs on the same cases hold the truth, and verdicts err.

    OMP_NUM_THREADS=1 python -m benchmarks.difference_coverage --repeats 500 --draws 400 > coverage.md

Two scores of the same slices in five folds, into which groups with a tumor and those without are dealt alike;
one comparison, of one seed. Scores are binormal. Half of the variance of a score's noise is its group's, and
the stated share of it is common to both scores. "With and without" are groups of one to four slices; half of
the groups have a tumor, which 85 % of their slices show. "Mixed" are few groups of many slices, a third of
which show a tumor; how clearly they do varies between groups (standard deviation half of the mean), the same
for both scores. The stated AUROCs are of slices of different groups; the true ones, of all pairs within the
folds of 5,000 sets, stand beside them.

Beside the interval that the comparison gives stands the symmetric one of its p-value, Student's t on the
bootstrap's standard error. A verdict needs both: the interval without 0 and the p-value below 0.05.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtri
from scipy.stats import rankdata

from benchmarks.interval_coverage import GROUP_VARIANCE, SHOWN_WITH_TUMOR
from brainmri.scoring.areas import Comparison, Folds, Verdict, compare_areas
from brainmri.scoring.cases import Cases
from brainmri.scoring.distributions import student_quantile
from brainmri.scoring.resampling import IntervalParams

FOLDS = 5
MIXED_SHARE = 1 / 3
UNEVEN = 0.5
SETS_FOR_TRUTH = 5000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Population:
    """What test sets are drawn from: `areas` of the first score and of the second, of different groups.

    `shared` of the variance of the noise is in both; `mixed` groups have slices with and without a tumor.
    """

    groups: int
    areas: tuple[float, float]
    shared: float = 0.5
    mixed: bool = False

    @property
    def name(self) -> str:
        """As the table has it."""
        kind = "mixed" if self.mixed else "with and without"
        first, second = self.areas
        return f"{kind} | {self.groups} | {self.shared:g} | {first:g}, {second:g}"

    def find_distance(self, area: float) -> float:
        """What a tumor adds to a score whose noise has variance 1, in the mean of the groups."""
        quantile, uneven = float(ndtri(area)), UNEVEN if self.mixed else 0.0
        return float(np.sqrt(2) * quantile / np.sqrt(1 - (uneven * quantile) ** 2))


@dataclass(frozen=True)
class Found:
    """The true `areas`, and of all sets the shares: `held` by the interval and by Student's, and verdicts.

    These by each alone and by both: `better` and `worse` say so of the first score. `width` is the median of
    the interval's over Student's.
    """

    areas: tuple[float, float]
    held: float
    held_by_student: float
    width: float
    by_interval: float
    by_p_value: float
    better: float
    worse: float


POPULATIONS = (
    *(Population(groups, (0.8, 0.8)) for groups in (20, 50, 200)),
    *(Population(groups, (0.95, 0.95)) for groups in (20, 50, 200)),
    *(Population(groups, (0.9, 0.8)) for groups in (20, 50, 200)),
    *(Population(groups, (0.97, 0.9)) for groups in (20, 50, 200)),
    *(Population(50, areas, shared) for areas in ((0.9, 0.9), (0.97, 0.9)) for shared in (0.1, 0.9)),
    *(Population(18, areas, mixed=True) for areas in ((0.9, 0.9), (0.96, 0.9), (0.94, 0.65))),
)


def simulate(population: Population, generator: np.random.Generator) -> tuple[Cases, Cases, Folds]:
    """Both scores of a test set, and the fold of each slice; every fold has both classes."""
    while True:
        group, truth = _draw_truth(population, generator)
        folds = _deal(group, truth)
        if all(len(np.unique(truth[folds == fold])) == 2 for fold in range(FOLDS)):
            break
    clear = np.ones(population.groups)
    if population.mixed:
        clear += UNEVEN * generator.normal(size=population.groups)
    common, *own = (_draw_noise(group, population.groups, generator) for _ in range(3))
    common = np.sqrt(population.shared) * common
    scores = (
        population.find_distance(area) * truth * clear[group]
        + common
        + np.sqrt(1 - population.shared) * noise
        for area, noise in zip(population.areas, own, strict=True)
    )
    first, second = (Cases(truth, expit(score), group) for score in scores)
    return first, second, folds


def _draw_truth(
    population: Population, generator: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The group of each slice, and whether it shows a tumor."""
    many = (20, 51) if population.mixed else (1, 5)
    group = np.repeat(np.arange(population.groups), generator.integers(*many, population.groups))
    if population.mixed:
        return group, generator.random(len(group)) < MIXED_SHARE
    tumor = generator.random(population.groups) < 0.5
    return group, tumor[group] & (generator.random(len(group)) < SHOWN_WITH_TUMOR)


def _deal(group: NDArray[np.int64], truth: NDArray[np.bool_]) -> Folds:
    """Groups with a tumor one after the other, then those without."""
    order = np.argsort(np.bincount(group, truth) == 0, kind="stable")
    fold = np.empty(len(order), np.int64)
    fold[order] = np.arange(len(order)) % FOLDS
    return fold[group]


def _draw_noise(group: NDArray[np.int64], groups: int, generator: np.random.Generator) -> NDArray[np.float64]:
    between, within = generator.normal(size=groups)[group], generator.normal(size=len(group))
    noise: NDArray[np.float64] = np.sqrt(GROUP_VARIANCE) * between + np.sqrt(1 - GROUP_VARIANCE) * within
    return noise


def find_areas(population: Population, sets: int = SETS_FOR_TRUTH) -> tuple[float, float]:
    """Both areas of all pairs within the folds of many test sets."""
    generator = np.random.default_rng(12345)
    right, pairs = np.zeros(2), 0.0
    for _ in range(sets):
        first, second, folds = simulate(population, generator)
        for fold in range(FOLDS):
            truth = first.truth[folds == fold]
            pairs += truth.sum() * (~truth).sum()
            right += [_count_right(truth, cases.score[folds == fold]) for cases in (first, second)]
    first_area, second_area = (right / pairs).tolist()
    return first_area, second_area


def _count_right(truth: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """Pairs that are ranked rightly (Mann and Whitney)."""
    positives = int(truth.sum())
    return float(rankdata(score)[truth].sum()) - positives * (positives + 1) / 2


def measure_coverage(population: Population, repeats: int, params: IntervalParams) -> Found:
    """Of so many test sets. Raises `ValueError` where an area of one has no interval."""
    areas = find_areas(population)
    generator = np.random.default_rng(params.seed)
    found = []
    for number in range(repeats):
        drawn = params.model_copy(update={"seed": params.seed + number})
        one = compare_areas(*simulate(population, generator), drawn)
        if one is None:
            raise ValueError(f"{population.name}: expected an interval of both areas, came none")
        found.append(one)
    # Areas that are stated alike are alike.
    same = population.areas[0] == population.areas[1]
    return summarize(found, areas, 0.0 if same else areas[0] - areas[1])


def summarize(found: Sequence[Comparison], areas: tuple[float, float], truth: float) -> Found:
    """How the comparisons stand to the true difference; p-values count as those of a single comparison."""
    difference, error, p_value, low, high = np.array(
        [(one.difference, one.error, one.p_value, *one.bounds) for one in found]
    ).T
    reach = error * [student_quantile((1 + CONFIDENCE) / 2, one.degrees) for one in found]
    verdicts, small = np.array([one.verdict for one in found]), p_value < 1 - CONFIDENCE
    ratio = (high - low)[reach > 0] / (2 * reach)[reach > 0]
    return Found(
        areas=areas,
        held=_share((low <= truth) & (truth <= high)),
        held_by_student=_share(np.abs(difference - truth) <= reach),
        width=float(np.median(ratio)),
        by_interval=_share(verdicts != Verdict.NOT_SEPARABLE),
        by_p_value=_share(small),
        better=_share(small & (verdicts == Verdict.BETTER)),
        worse=_share(small & (verdicts == Verdict.WORSE)),
    )


def _share(held: NDArray[np.bool_]) -> float:
    return float(held.mean())


def main() -> None:
    """Prints a Markdown table, in percent, row by row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=500)
    parser.add_argument("--draws", type=int, default=1000)
    given = parser.parse_args()
    params = IntervalParams(confidence=CONFIDENCE, draws=given.draws, seed=0)
    names = "groups, n, noise shared, AUROCs as stated, true, held, held by Student's t, width in Student's"
    verdicts = "verdict by the interval, by p, by both: better, worse"
    columns = [*names.split(", "), *verdicts.split(", ")]
    print(f"| {' | '.join(columns)} |\n| --- {'| ---: ' * (len(columns) - 1)}|")
    for population in POPULATIONS:
        found = measure_coverage(population, given.repeats, params)
        areas = "{:.3f}, {:.3f}".format(*found.areas)
        held = [f"{100 * share:.1f}" for share in (found.held, found.held_by_student)]
        shares = (found.by_interval, found.by_p_value, found.better, found.worse)
        cells = [areas, *held, f"{found.width:.2f}", *(f"{100 * share:.1f}" for share in shares)]
        print(f"| {population.name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
