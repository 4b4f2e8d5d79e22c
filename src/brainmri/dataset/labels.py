"""The two classes of a set: what each slice is called, by its scan's label or its mask."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from brainmri.dataset.prepared import Classes
from brainmri.errors import BadInput
from brainmri.scans.folder import Scan


@dataclass(frozen=True)
class Evidence:
    """What says the class of a slice; `has_tumor` by the raw mask: a prepared one may lose small tumors."""

    scan: Scan
    has_tumor: bool | None


def label_slices(raw: Path, slices: Sequence[Evidence], positive: str) -> tuple[list[str], Classes]:
    """The label of each slice, and the two there are.

    A picture's own label counts before its mask; slices of a volume differ, so there a mask counts first.
    A slice without tumor by its mask has the other label that scans carry, or is called `no <positive>`
    where there is none. A set of one class can be audited, so it is no error here. Raises `BadInput` for more
    than two classes, and for two of which none is `positive`.
    """
    others = sorted({item.scan.label for item in slices if item.scan.label not in (None, positive)}, key=str)
    without = others[0] if len(others) == 1 and others[0] is not None else f"no {positive}"
    labels = [_label(item, positive, without) for item in slices]
    return labels, Classes(positive, _other_class(raw, labels, positive))


def _label(item: Evidence, positive: str, without: str) -> str:
    if item.scan.label is not None and (item.has_tumor is None or not item.scan.numbered):
        return item.scan.label
    if item.has_tumor is None:
        raise BadInput(f"scans.csv: {item.scan.path}: expected a label or a mask, came neither; give one")
    return positive if item.has_tumor else without


def _other_class(raw: Path, labels: Sequence[str], positive: str) -> str:
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
