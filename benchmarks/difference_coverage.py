"""How often intervals of the difference of two AUROCs on the same cases hold the truth, and verdicts err.

    OMP_NUM_THREADS=1 python -m benchmarks.difference_coverage --repeats 500 > coverage.md

Two scores of the same slices in five folds of groups, as arms of the comparison have them. Scores are
binormal; half of a score's variance is its group's, and so much as stated is in both scores. "With and
without" are groups of one to four slices, half of which have a tumor, seen on 85 % of their slices.
"Mixed" are few groups of many slices, a third of which show a tumor: patients of whom there are slices
beside it; how clearly a tumor shows differs between them by half (standard deviation), alike in both
scores. The truth is the area of all pairs within the folds of 5,000 sets.

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

from brainmri.scoring.areas import Comparison, Folds, Verdict, compare_areas
from brainmri.scoring.cases import Cases
from brainmri.scoring.distributions import student_quantile
from brainmri.scoring.resampling import IntervalParams

FOLDS = 5
SHOWN_WITH_TUMOR = 0.85
GROUP_VARIANCE = 0.5
MIXED_SHARE = 1 / 3
UNEVEN = 0.5
SETS_FOR_TRUTH = 5000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Population:
    """What test sets are drawn from: `areas` of the first score and of the second, as of single slices.

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
        return f"{kind} | {self.groups} | {first:g}, {second:g} | {self.shared:g}"


@dataclass(frozen=True)
class Found:
    """Of all sets the shares: `held` by the interval, and by Student's; verdicts by each alone and by both.

    `better` and `worse` say so of the first score. `width` is the median of the interval's over Student's.
    """

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
    """Both scores of a test set, and the fold of each slice."""
    many = (20, 51) if population.mixed else (1, 5)
    group = np.repeat(np.arange(population.groups), generator.integers(*many, population.groups))
    clear = np.ones(population.groups)
    if population.mixed:
        truth = generator.random(len(group)) < MIXED_SHARE
        clear += UNEVEN * generator.normal(size=population.groups)
    else:
        tumor = generator.random(population.groups) < 0.5
        truth = tumor[group] & (generator.random(len(group)) < SHOWN_WITH_TUMOR)
    common, *own = (_draw_noise(group, population.groups, generator) for _ in range(3))
    common = np.sqrt(population.shared) * common
    scores = (
        np.sqrt(2) * ndtri(area) * truth * clear[group] + common + np.sqrt(1 - population.shared) * noise
        for area, noise in zip(population.areas, own, strict=True)
    )
    first, second = (Cases(truth, expit(score), group) for score in scores)
    return first, second, group % FOLDS


def _draw_noise(group: NDArray[np.int64], groups: int, generator: np.random.Generator) -> NDArray[np.float64]:
    between, within = generator.normal(size=groups)[group], generator.normal(size=len(group))
    noise: NDArray[np.float64] = np.sqrt(GROUP_VARIANCE) * between + np.sqrt(1 - GROUP_VARIANCE) * within
    return noise


def find_truth(population: Population, sets: int = SETS_FOR_TRUTH) -> float:
    """The difference of the areas of all pairs within the folds of many test sets; 0 of equal areas."""
    if population.areas[0] == population.areas[1]:
        return 0.0
    generator = np.random.default_rng(12345)
    right, pairs = np.zeros(2), 0.0
    for _ in range(sets):
        first, second, folds = simulate(population, generator)
        for fold in range(FOLDS):
            truth = first.truth[folds == fold]
            pairs += truth.sum() * (~truth).sum()
            right += [_count_right(truth, cases.score[folds == fold]) for cases in (first, second)]
    return float((right[0] - right[1]) / pairs)


def _count_right(truth: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """Pairs that are ranked rightly (Mann and Whitney)."""
    positives = int(truth.sum())
    return float(rankdata(score)[truth].sum()) - positives * (positives + 1) / 2


def measure_coverage(population: Population, repeats: int, params: IntervalParams) -> Found:
    """Of so many test sets; those where an area has no interval are left out."""
    truth = find_truth(population)
    generator = np.random.default_rng(params.seed)
    drawn = (simulate(population, generator) for _ in range(repeats))
    found = [one for cases in drawn if (one := compare_areas(*cases, params)) is not None]
    return _summarize(found, truth)


def _summarize(found: Sequence[Comparison], truth: float) -> Found:
    difference, error, p_value, low, high = np.array(
        [(one.difference, one.error, one.p_value, *one.bounds) for one in found]
    ).T
    reach = error * [student_quantile((1 + CONFIDENCE) / 2, one.degrees) for one in found]
    verdicts, small = np.array([one.verdict for one in found]), p_value < 1 - CONFIDENCE
    return Found(
        held=np.mean((low <= truth) & (truth <= high)),
        held_by_student=np.mean(np.abs(difference - truth) <= reach),
        width=np.median((high - low)[reach > 0] / (2 * reach)[reach > 0]),
        by_interval=np.mean(verdicts != Verdict.NOT_SEPARABLE),
        by_p_value=np.mean(small),
        better=np.mean(small & (verdicts == Verdict.BETTER)),
        worse=np.mean(small & (verdicts == Verdict.WORSE)),
    )


def main() -> None:
    """Prints a Markdown table, in percent, row by row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=500)
    parser.add_argument("--draws", type=int, default=1000)
    given = parser.parse_args()
    params = IntervalParams(confidence=CONFIDENCE, draws=given.draws, seed=0)
    print(
        "| groups | n | AUROCs | shared | held | by Student's t | width, in Student's "
        "| verdict by the interval | by p | by both: better | worse |"
    )
    print("| --- " + "| ---: " * 10 + "|")
    for population in POPULATIONS:
        found = measure_coverage(population, given.repeats, params)
        held = [f"{100 * share:.1f}" for share in (found.held, found.held_by_student)]
        verdicts = (found.by_interval, found.by_p_value, found.better, found.worse)
        cells = [*held, f"{found.width:.2f}", *(f"{100 * share:.1f}" for share in verdicts)]
        print(f"| {population.name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
