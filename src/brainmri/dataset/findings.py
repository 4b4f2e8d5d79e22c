"""What an audit found that a person should look at, slice by slice."""

from collections.abc import Iterator, Sequence
from enum import StrEnum

from brainmri.dataset.outliers import Outliers
from brainmri.dataset.prepared import SliceRow
from brainmri.dataset.twins import Likeness, Twin
from brainmri.tables import Row


class Finding(StrEnum):
    """What is wrong, or may be, with a slice."""

    TWO_CLASSES = "same_picture_in_two_classes"
    TWO_PATIENTS = "same_picture_of_two_patients"
    COPY = "copy"
    NEAR_TWIN = "near_twin"
    NEAR_EMPTY = "near_empty"
    CUT_OFF = "touches_the_frame"
    UNLIKE = "unlike_the_rest"


class FindingRow(Row):
    """A line of plots/audit/findings.csv; `detail` says what was measured, or which other slice is meant."""

    finding: Finding
    slice_id: str
    detail: str


def list_twins(slices: Sequence[SliceRow], twins: Sequence[Twin]) -> list[FindingRow]:
    """Every copy and near twin with its partner, and those of two classes or two patients once more."""
    return [row for twin in twins for row in _list_twin(slices, twin)]


def list_outliers(
    slices: Sequence[SliceRow],
    outliers: Outliers,
    *,
    least_filled: float,
    most_contact: float,
    most_distance: float,
) -> list[FindingRow]:
    """Slices that are filled less, touch the frame more, or are farther from the rest than these limits."""
    rows: list[FindingRow] = []
    for place, row in enumerate(slices):
        filled, contact = outliers.filled[place], outliers.contact[place]
        distance = 0.0 if outliers.distance is None else outliers.distance[place]
        if filled < least_filled:
            rows.append(_row(Finding.NEAR_EMPTY, row, f"{filled:.2f} of the picture is filled"))
        if contact > most_contact:
            rows.append(_row(Finding.CUT_OFF, row, f"along {contact:.2f} of a side"))
        if distance > most_distance:
            rows.append(_row(Finding.UNLIKE, row, f"{distance:.1f} times the median distance"))
    return rows


def sort_findings(rows: Sequence[FindingRow]) -> list[FindingRow]:
    """By kind, in the order of `Finding`, then by slice."""
    kinds = list(Finding)
    return sorted(rows, key=lambda row: (kinds.index(row.finding), row.slice_id, row.detail))


def _list_twin(slices: Sequence[SliceRow], twin: Twin) -> Iterator[FindingRow]:
    first, second = slices[twin.first], slices[twin.second]
    kind = Finding.NEAR_TWIN if twin.likeness is Likeness.DETAIL else Finding.COPY
    yield _row(kind, second, f"{describe_twin(twin)}: {first.slice_id}")
    if first.label != second.label:
        yield from _both(Finding.TWO_CLASSES, first, second, "label")
    if None not in (first.patient, second.patient) and first.patient != second.patient:
        yield from _both(Finding.TWO_PATIENTS, first, second, "patient")


def describe_twin(twin: Twin) -> str:
    """How two images are the same, in a few words."""
    if twin.likeness is not Likeness.DETAIL:
        return twin.likeness.value
    mirrored = ", mirrored" if twin.mirror else ""
    return f"{twin.likeness.value} {twin.correlation:.2f}{mirrored}"


def _both(kind: Finding, first: SliceRow, second: SliceRow, column: str) -> Iterator[FindingRow]:
    for here, there in ((first, second), (second, first)):
        detail = f"{getattr(here, column)}; {getattr(there, column)} in {there.slice_id}"
        yield _row(kind, here, detail)


def _row(kind: Finding, row: SliceRow, detail: str) -> FindingRow:
    return FindingRow(finding=kind, slice_id=row.slice_id, detail=detail)
