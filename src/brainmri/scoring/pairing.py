"""Two arms on the same cases: paired tests, a verdict in words, and how many patients would decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from brainmri.scoring.areas import Comparison, Verdict, compare_areas
from brainmri.scoring.distributions import normal_quantile, sign_test
from brainmri.scoring.folded import Folded
from brainmri.scoring.resampling import IntervalParams

# Of the number of groups that would be needed.
_POWER: Final = 0.8
# Beyond this, a number of patients says no more than that none will do.
_MOST_GROUPS: Final = 100_000


@dataclass(frozen=True)
class Discordance:
    """Groups that one arm decides rightly and the other doesn't."""

    first_alone: int
    other_alone: int

    @property
    def p_value(self) -> float:
        """McNemar's exact test (1947): under no difference a discordant group falls to either side alike."""
        return sign_test(self.other_alone, self.first_alone + self.other_alone)


@dataclass(frozen=True)
class Pair:
    """An arm against the first one."""

    area: Comparison
    decisions: Discordance
    groups: int


def pair(arm: Folded, first: Folded, params: IntervalParams) -> Pair | None:
    """The difference of areas within units and of decisions; None where an area has no interval."""
    found = compare_areas(arm.cases, first.cases, arm.unit, params)
    return None if found is None else Pair(found, _count_discordant(arm, first), arm.cases.groups)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted for as many comparisons (Holm 1979, Scand J Stat 6:65), in the order given."""
    adjusted, worst = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(np.argsort(p_values, kind="stable").tolist()):
        worst = max(worst, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = worst
    return adjusted


def judge(found: Pair, adjusted: float, confidence: float) -> Verdict:
    """Better or worse only where the interval leaves out 0 and the adjusted p-value is small enough."""
    return found.area.verdict if adjusted < 1 - confidence else Verdict.NOT_SEPARABLE


def groups_needed(found: Comparison, groups: int, level: float) -> int | None:
    """How many groups would tell the difference seen from none, four times in five; None: too many.

    `level` is the p-value to stay below. The standard error falls with the root of the groups:
    n = groups ((z + z') error / difference)².
    """
    if found.difference == 0:
        return None
    reach = (normal_quantile(1 - level / 2) + normal_quantile(_POWER)) * found.error / abs(found.difference)
    needed = groups * reach**2
    return None if needed > _MOST_GROUPS else int(np.ceil(needed))


def say(verdict: Verdict, needed: int | None, groups: int, unit: str) -> str:
    """The verdict in words, of so many groups."""
    if verdict is not Verdict.NOT_SEPARABLE:
        return f"{verdict} than the first arm"
    if needed is None:
        return f"not separable: no number of {unit} up to {_MOST_GROUPS:,} would show so small a difference"
    shown = _round_up(needed)
    if needed <= groups:
        return f"not separable, though {groups:,} {unit} mostly suffice for a difference like this"
    return (
        f"not separable with this many {unit}: about {shown:,} would be needed to show a difference like this"
    )


@dataclass(frozen=True)
class Family:
    """The comparisons that p-values are adjusted over, and what they are of."""

    size: int
    confidence: float
    unit: str


def describe_pair(found: Pair, adjusted: tuple[float, float], family: Family) -> dict[str, Any]:
    """As metrics/comparison.json holds it; `adjusted` are the p-values of areas and of decisions."""
    low, high = found.area.bounds
    verdict, unit = judge(found, adjusted[0], family.confidence), family.unit
    # The strictest level of Holm's: that of the smallest p-value.
    needed = groups_needed(found.area, found.groups, (1 - family.confidence) / family.size)
    return {
        "auroc_difference": {"value": found.area.difference, "low": low, "high": high},
        "p_value": found.area.p_value,
        "p_value_holm": adjusted[0],
        "decisions": {
            "unit": f"{unit}, by the vote of the seeds: positive if any slice is called",
            "right_in_first_alone": found.decisions.first_alone,
            "right_in_this_alone": found.decisions.other_alone,
            "p_value": found.decisions.p_value,
            "p_value_holm": adjusted[1],
        },
        "verdict": verdict.value,
        "finding": say(verdict, needed, found.groups, unit),
        **({"groups_needed": needed} if needed and verdict is Verdict.NOT_SEPARABLE else {}),
    }


def _round_up(number: int) -> int:
    """To two digits: more would claim to know it."""
    unit = 10 ** max(0, len(str(number)) - 2)
    return int(-(-number // unit) * unit)


def _count_discordant(arm: Folded, first: Folded) -> Discordance:
    truth = _any_of_group(first.cases.truth, first)
    right, other = (_any_of_group(_vote_of_seeds(own), own) == truth for own in (first, arm))
    return Discordance(int((right & ~other).sum()), int((other & ~right).sum()))


def _vote_of_seeds(arm: Folded) -> NDArray[np.bool_]:
    """Of each scored row, whether at least half of the seeds call its slice positive."""
    slices = np.unique([row.slice_id for row in arm.rows], return_inverse=True)[1]
    share = np.bincount(slices, arm.called) / np.bincount(slices)
    voted: NDArray[np.bool_] = (share >= 0.5)[slices]
    return voted


def _any_of_group(positive: NDArray[np.bool_], arm: Folded) -> NDArray[np.bool_]:
    """Whether any row of each group is positive; (groups,)."""
    found: NDArray[np.bool_] = np.bincount(arm.cases.group, positive) > 0
    return found
