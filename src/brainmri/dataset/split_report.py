"""What a manifest holds, where its subsets come from, and how much it leaks."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from brainmri.dataset.given import read_given
from brainmri.dataset.groups import GroupRow
from brainmri.dataset.leakage import measure_twin_leakage
from brainmri.dataset.manifest import PAPER_WARNING, ManifestRow, Subset
from brainmri.dataset.prepared import SliceRow
from brainmri.dataset.protocols import Protocol, SplitParams


class Source(StrEnum):
    """Where the subsets of a manifest come from."""

    FOLDS = "grouped folds"
    GIVEN = "given"
    GIVEN_WITHOUT_VALID = "given, valid taken from train by group"
    RANDOM = "random share"


def describe_split(
    manifest: Sequence[ManifestRow],
    slices: Sequence[SliceRow],
    groups: Sequence[GroupRow],
    params: SplitParams,
) -> dict[str, Any]:
    """metrics/split.json: sizes of each subset, where they come from, and how much the split leaks.

    Leakage is counted by groups (patients joined with copies), and by near twins alone. A split by folds
    leaks nothing; one that does carries a warning.
    """
    leakage = measure_leakage(manifest)
    report: dict[str, Any] = {
        "protocol": params.protocol.value,
        "source": _find_source(slices, params).value,
        "folds": params.folds,
        "leakage": leakage | {"near_twins": measure_twin_leakage(manifest, groups)},
    }
    if params.protocol is Protocol.PAPER:
        report["warning"] = PAPER_WARNING
    elif leakage["straddling_groups"]:
        report["warning"] = (
            f"the given split leaks: {leakage['straddling_groups']} groups (patients or copies) stand in "
            f"several subsets; of the test slices {leakage['share_of_test_slices']:.0%} know one in training"
        )
    return report | {subset.value: _describe_subset(subset, manifest, slices) for subset in Subset}


def measure_leakage(manifest: Sequence[ManifestRow]) -> dict[str, float]:
    """How many groups straddle subsets, and the share of the slices outside training that know one in it.

    Of the test slices alone too, where there are any.
    """
    subsets_of: dict[str, set[Subset]] = {}
    for row in manifest:
        subsets_of.setdefault(row.group, set()).add(row.subset)
    outside = [row for row in manifest if row.subset is not Subset.TRAIN]
    test = [row for row in outside if row.subset is Subset.TEST]

    def share_known(rows: Sequence[ManifestRow]) -> float:
        return sum(Subset.TRAIN in subsets_of[row.group] for row in rows) / len(rows)

    return {
        "straddling_groups": sum(len(subsets) > 1 for subsets in subsets_of.values()),
        "share_of_evaluated_slices": share_known(outside),
    } | ({"share_of_test_slices": share_known(test)} if test else {})


def _find_source(slices: Sequence[SliceRow], params: SplitParams) -> Source:
    if params.protocol is Protocol.PAPER:
        return Source.RANDOM
    given = read_given(slices)
    if given is None:
        return Source.FOLDS
    return Source.GIVEN if Subset.VALID in given else Source.GIVEN_WITHOUT_VALID


def _describe_subset(
    subset: Subset, manifest: Sequence[ManifestRow], slices: Sequence[SliceRow]
) -> dict[str, Any]:
    rows = [index for index, row in enumerate(manifest) if row.subset is subset]
    return {
        "slices": len(rows),
        "groups": len({manifest[index].group for index in rows}),
        "patients": len({slices[index].patient for index in rows} - {None}),
        "labels": Counter(manifest[index].label for index in rows),
    }
