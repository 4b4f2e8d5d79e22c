"""What is in a prepared set: classes, patients, copies and groups."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from brainmri.dataset.groups import GroupRow
from brainmri.dataset.prepared import RawFactRow, SliceRow


def summarize_groups(
    slices: Sequence[SliceRow], facts: Sequence[RawFactRow], groups: Sequence[GroupRow]
) -> dict[str, Any]:
    """metrics/audit.json: counts of slices, scans, patients, groups and byte-identical copies."""
    sizes = Counter(row.group for row in groups)
    labels_of: dict[str, set[str]] = {}
    for row, fact in zip(slices, facts, strict=True):
        labels_of.setdefault(fact.sha256, set()).add(row.label)
    patients = {row.patient for row in slices if row.patient is not None}
    return {
        "slices": len(slices),
        "scans": len({row.scan for row in slices}),
        "labels": Counter(row.label for row in slices),
        "slices_with_mask": sum(row.has_mask for row in slices),
        "patients": len(patients),
        "slices_without_patient": sum(row.patient is None for row in slices),
        "groups": len(sizes),
        "largest_group": max(sizes.values()),
        "copies": {
            "surplus_files": len(slices) - len(labels_of),
            "in_two_classes": sum(len(labels) > 1 for labels in labels_of.values()),
        },
    }


def largest_groups(groups: Sequence[GroupRow], most: int) -> list[tuple[str, list[int]]]:
    """The `most` largest groups of two or more slices, with the places of their slices; ties by name."""
    members: dict[str, list[int]] = {}
    for place, row in enumerate(groups):
        members.setdefault(row.group, []).append(place)
    several = [(name, places) for name, places in members.items() if len(places) > 1]
    return sorted(several, key=lambda item: (-len(item[1]), item[0]))[:most]
