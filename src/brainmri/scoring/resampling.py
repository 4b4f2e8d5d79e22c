"""Groups drawn with replacement, and every figure under each draw."""

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from pydantic import Field

from brainmri.params import Section
from brainmri.scoring.catalogue import FIGURES, measure
from brainmri.scoring.tally import Matrix, Ranked, Vector, rows_at_once


class IntervalParams(Section):
    """How intervals are made: `draws` of all groups with replacement, drawn by `seed`."""

    confidence: Annotated[float, Field(gt=0.5, lt=1, description="a level above 0.5 and below 1")]
    draws: Annotated[int, Field(ge=200, le=100_000, description="a whole number from 200 to 100000")]
    seed: Annotated[int, Field(ge=0, description="a whole number from 0")]


def draw_weights(groups: int, rows: int, params: IntervalParams) -> Iterator[Matrix]:
    """How often each group is drawn: `params.draws` rows (…, groups), at most `rows` of them at a time.

    The same number of groups and the same params give the same draws, so figures of two sets of scores
    over the same groups are paired draw by draw.
    """
    generator = np.random.default_rng(params.seed)
    for start in range(0, params.draws, rows):
        weights = np.empty((min(rows, params.draws - start), groups))
        for row in weights:
            row[:] = np.bincount(generator.integers(0, groups, groups), minlength=groups)
        yield weights


def draw_figures(ranked: Ranked, params: IntervalParams) -> dict[str, Vector]:
    """Every figure (draws,) over as many groups as there are, drawn with replacement; NaN where undefined."""
    draws = draw_weights(len(ranked.terms), rows_at_once(ranked), params)
    parts = [measure(ranked, weights) for weights in draws]
    return {figure.name: np.concatenate([part[figure.name] for part in parts]) for figure in FIGURES}
