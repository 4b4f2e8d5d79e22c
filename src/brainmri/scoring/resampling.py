"""Groups drawn with replacement, and every figure under each draw."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final, TypeVar

import numpy as np
from pydantic import Field

from brainmri.compute import map_each
from brainmri.params import Section
from brainmri.scoring.catalogue import FIGURES, measure
from brainmri.scoring.tally import Matrix, Ranked, Vector, rows_at_once
from brainmri.threads import limit_blas

Result = TypeVar("Result")

# Weights of cases (draws times cases) from which on other processes bring more than they cost, and in about
# how many parts, each of whole blocks of draws.
_WORTH_PROCESSES: Final = 100_000_000
_PARTS: Final = 64


class IntervalParams(Section):
    """How intervals are made: `draws` of all groups with replacement, drawn by `seed`."""

    confidence: Annotated[float, Field(gt=0.5, lt=1, description="a level above 0.5 and below 1")]
    draws: Annotated[int, Field(ge=200, le=100_000, description="a whole number from 200 to 100000")]
    seed: Annotated[int, Field(ge=0, description="a whole number from 0")]


@dataclass(frozen=True)
class _Draws:
    """Consecutive draws of so many groups, from where the generator then stands."""

    groups: int
    count: int
    state: Mapping[str, Any]

    def draw(self, rows: int) -> Iterator[Matrix]:
        """How often each group is drawn, at most `rows` draws at a time."""
        generator = np.random.Generator(np.random.PCG64())
        generator.bit_generator.state = self.state
        for start in range(0, self.count, rows):
            yield _draw(generator, self.groups, min(rows, self.count - start))


def map_draws(
    function: Callable[[Matrix], Result], groups: int, rows: int, cases: int, params: IntervalParams
) -> list[Result]:
    """`function` of how often each group is drawn: `params.draws` rows (…, groups), at most `rows` at a time.

    The same number of groups and the same params give the same draws, so figures of two sets of scores
    over the same groups are paired draw by draw. Of many `cases` other processes take their part, which
    changes no byte.
    """
    if params.draws * cases < _WORTH_PROCESSES:
        return _apply(function, rows, _Draws(groups, params.draws, np.random.PCG64(params.seed).state))
    divided = list(_divide(groups, rows, params))
    parts = map_each(partial(_apply, function, rows), divided, "intervals", least=2)
    return [result for part in parts for result in part]


def draw_figures(ranked: Ranked, params: IntervalParams) -> dict[str, Vector]:
    """Every figure (draws,) over as many groups as there are, drawn with replacement; NaN where undefined."""
    rows, cases = rows_at_once(ranked), len(ranked.group)
    parts = map_draws(partial(measure, ranked), len(ranked.terms), rows, cases, params)
    return {figure.name: np.concatenate([part[figure.name] for part in parts]) for figure in FIGURES}


def _divide(groups: int, rows: int, params: IntervalParams) -> Iterator[_Draws]:
    """All draws in parts, each of some blocks of `rows`: to find where the next begins, each is drawn."""
    generator = np.random.default_rng(params.seed)
    size = rows * math.ceil(params.draws / rows / _PARTS)
    for start in range(0, params.draws, size):
        part = _Draws(groups, min(size, params.draws - start), generator.bit_generator.state)
        yield part
        for _ in range(part.count):
            generator.integers(0, groups, groups)


def _apply(function: Callable[[Matrix], Result], rows: int, draws: _Draws) -> list[Result]:
    # The number of threads could change the last bit of a sum.
    with limit_blas():
        return list(map(function, draws.draw(rows)))


def _draw(generator: np.random.Generator, groups: int, count: int) -> Matrix:
    weights = np.empty((count, groups))
    for row in weights:
        row[:] = np.bincount(generator.integers(0, groups, groups), minlength=groups)
    return weights
