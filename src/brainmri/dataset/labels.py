"""The two classes of a set: what each slice is called, by its scan's label or its mask."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from brainmri.dataset.prepared import Classes
from brainmri.errors import BadInput


@dataclass(frozen=True)
class Evidence:
    """What says the class of a slice: its scan's label, whether the scan's slices are numbered, its mask.

    `has_tumor` is by the raw mask, for a prepared one may lose small tumors; None without one.
    """

    label: str | None
    numbered: bool
    has_tumor: bool | None


def name_classes(
    raw: Path, found: Mapping[Evidence, str], positive: str
) -> tuple[dict[Evidence, str], Classes]:
    """The label of slices of each evidence there is, and the two classes; `found` has a scan's path for each.

    A picture's own label counts before its mask; slices of a volume differ, so there a mask counts first.
    A slice without tumor by its mask has the other label that scans carry, or is called `no <positive>`
    where there is none. A set of one class can be audited, so it is no error here. Raises `BadInput` for more
    than two classes, for two of which none is `positive`, and where there is no slice at all.
    """
    if not found:
        raise BadInput(
            f"{raw}: expected scans that can be read, came none; correct `raw`, or lower prepare.max_rejected"
        )
    others = sorted({item.label for item in found if item.label not in (None, positive)}, key=str)
    without = others[0] if len(others) == 1 and others[0] is not None else f"no {positive}"
    labels = {item: _label(item, scan, positive, without) for item, scan in found.items()}
    return labels, Classes(positive, _other_class(raw, labels.values(), positive))


def _label(item: Evidence, scan: str, positive: str, without: str) -> str:
    if item.label is not None and (item.has_tumor is None or not item.numbered):
        return item.label
    if item.has_tumor is None:
        raise BadInput(f"scans.csv: {scan}: expected a label or a mask, came neither; give one")
    return positive if item.has_tumor else without


def _other_class(raw: Path, labels: Iterable[str], positive: str) -> str:
    classes = sorted(set(labels))
    shown = ", ".join(classes)
    if classes == [positive]:
        return f"no {positive}"
    if len(classes) > 1 and positive not in classes:
        raise BadInput(f"prepare.positive: expected one of {shown}, came {positive!r}; correct the value")
    if len(classes) > 2:
        raise BadInput(
            f"{raw}: expected two classes, came {shown}; join them by the label column of a scans.csv"
        )
    return next(label for label in classes if label != positive)
