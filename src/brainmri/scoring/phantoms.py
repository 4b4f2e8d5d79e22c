"""How well a detector tells unseen phantoms, by the size and by the kind of their tumors."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from brainmri.dataset.manifest import Subset
from brainmri.dataset.phantoms import SYNTHETIC, PhantomRow
from brainmri.dataset.predictions import Prediction, select_predictions
from brainmri.scoring.areas import estimate_area
from brainmri.scoring.calibration import OperatingPoint
from brainmri.scoring.cases import Cases, Unit, gather_cases
from brainmri.scoring.estimates import Estimate, estimate_share
from brainmri.scoring.evaluation import describe_estimate, evaluate_cases
from brainmri.scoring.resampling import IntervalParams
from brainmri.tables import Row, write_mapping, write_rows

_QUARTERS: Final = ("smallest", "second", "third", "largest")
_UNIT: Final = "tumors against all phantoms without one"


class Division(StrEnum):
    """What tumors are grouped by."""

    SIZE = "size"
    KIND = "kind"


class TumorGroupRow(Row):
    """A group of tumors of the test phantoms, told from all phantoms without one.

    Shares are of the picture; an interval is empty where the group is too small for one.
    """

    division: Division
    group: str
    tumors: int
    smallest_share: float
    largest_share: float
    auroc: float
    auroc_low: float | None
    auroc_high: float | None
    sensitivity: float
    sensitivity_low: float | None
    sensitivity_high: float | None


@dataclass(frozen=True)
class PhantomReport:
    """The figures of the test phantoms, and those of groups of tumors, in the order of tables and plots."""

    metrics: Mapping[str, Any]
    groups: Sequence[TumorGroupRow]

    @property
    def headline(self) -> str:
        """In words."""
        figures = self.metrics["slice"]
        area = figures.get("auroc", {})
        told = f"{area['value']:.3f}" if area else "undefined"
        if "low" in area:
            told += f" ({area['low']:.3f} to {area['high']:.3f})"
        return f"AUROC {told} on {figures['n']} unseen phantoms"


@dataclass(frozen=True)
class _Tested:
    cases: Cases
    kinds: NDArray[np.str_]
    areas: NDArray[np.float64]
    point: OperatingPoint
    params: IntervalParams


def report_phantoms(
    predictions: Sequence[Prediction],
    phantoms: Mapping[str, PhantomRow],
    point: OperatingPoint,
    params: IntervalParams,
) -> PhantomReport:
    """Reports on the test phantoms alone; `phantoms` are by slice."""
    rows = select_predictions(predictions, Subset.TEST)
    tested = _Tested(
        cases=gather_cases(rows, point, Unit.SLICE),
        kinds=np.array([phantoms[row.slice_id].kind for row in rows]),
        areas=np.array([phantoms[row.slice_id].area for row in rows]),
        point=point,
        params=params,
    )
    groups = [*_divide_by_size(tested), *_divide_by_kind(tested)]
    metrics = {
        "data": SYNTHETIC,
        "subset": Subset.TEST.value,
        "slice": evaluate_cases(tested.cases, point.threshold, params),
        **{f"by_{division.value}": _describe_all(groups, division) for division in Division},
    }
    return PhantomReport(metrics, groups)


def write_phantom_tables(report: PhantomReport, metrics: Path, plots: Path) -> None:
    """Writes the metrics, and the groups of tumors as CSV below `plots`."""
    write_mapping(metrics, report.metrics)
    write_rows(plots / "groups.csv", report.groups, TumorGroupRow)


def _divide_by_size(tested: _Tested) -> Iterator[TumorGroupRow]:
    """Quarters of the tumors by the share of the picture that they cover."""
    truth = tested.cases.truth
    ends = np.quantile(tested.areas[truth], (0.25, 0.5, 0.75)) if truth.any() else np.zeros(3)
    places = np.searchsorted(ends, tested.areas, side="right")
    for number, name in enumerate(_QUARTERS):
        yield from _measure(tested, truth & (places == number), Division.SIZE, name)


def _divide_by_kind(tested: _Tested) -> Iterator[TumorGroupRow]:
    truth = tested.cases.truth
    for kind in np.unique(tested.kinds[truth]):
        yield from _measure(tested, truth & (tested.kinds == kind), Division.KIND, str(kind))


def _measure(
    tested: _Tested, chosen: NDArray[np.bool_], division: Division, group: str
) -> Iterator[TumorGroupRow]:
    """The row of the tumors that are chosen, if there are any, and anything without tumor beside them."""
    taken = chosen | ~tested.cases.truth
    if not chosen.any() or taken.sum() == chosen.sum():
        return
    numbers = np.arange(taken.sum())
    cases = Cases(tested.cases.truth[taken], tested.cases.score[taken], numbers)
    area = estimate_area(cases, np.zeros_like(numbers), tested.params)
    if area is None:
        return
    called = tested.cases.score[chosen] >= tested.point.threshold
    found = estimate_share(called, np.arange(len(called)), tested.params.confidence)
    (low, high), (found_low, found_high) = _bounds(area), _bounds(found)
    yield TumorGroupRow(
        division=division,
        group=group,
        tumors=int(chosen.sum()),
        smallest_share=float(tested.areas[chosen].min()),
        largest_share=float(tested.areas[chosen].max()),
        auroc=area.value,
        auroc_low=low,
        auroc_high=high,
        sensitivity=found.value,
        sensitivity_low=found_low,
        sensitivity_high=found_high,
    )


def _bounds(estimate: Estimate) -> tuple[float | None, float | None]:
    return estimate.bounds or (None, None)


def _describe_all(groups: Sequence[TumorGroupRow], division: Division) -> dict[str, Any]:
    own = [row for row in groups if row.division is division]
    return {"unit": _UNIT} | {row.group: _describe(row) for row in own}


def _describe(row: TumorGroupRow) -> dict[str, Any]:
    area = Estimate(row.auroc, _join(row.auroc_low, row.auroc_high))
    found = Estimate(row.sensitivity, _join(row.sensitivity_low, row.sensitivity_high))
    return {
        "n": row.tumors,
        "smallest_share": row.smallest_share,
        "largest_share": row.largest_share,
        "auroc": describe_estimate(area),
        "sensitivity": describe_estimate(found),
    }


def _join(low: float | None, high: float | None) -> tuple[float, float] | None:
    return None if low is None or high is None else (low, high)
