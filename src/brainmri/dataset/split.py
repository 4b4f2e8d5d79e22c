"""Slices and groups -> the manifest: grouped folds, or the paper's random split to compare with."""

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn.model_selection import StratifiedGroupKFold

from brainmri.dataset.groups import GroupRow
from brainmri.dataset.manifest import PAPER_WARNING, ManifestRow, Subset
from brainmri.dataset.prepared import SliceRow
from brainmri.errors import BadInput
from brainmri.params import Section

TEST_FOLD, VALID_FOLD = 0, 1


class Protocol(StrEnum):
    """How slices are assigned to subsets."""

    GROUPED = "grouped"
    PAPER = "paper"


class SplitParams(Section):
    """The section `split`."""

    protocol: Annotated[Protocol, Field(strict=False, description="grouped or paper")]
    folds: Annotated[int, Field(ge=3, le=50, description="a whole number from 3 to 50")]
    paper_valid_share: Annotated[float, Field(gt=0, lt=1, description="a share between 0 and 1")]
    seed: Annotated[int, Field(ge=0, lt=2**32, description="a whole number from 0 to 4294967295")]


def assign_subsets(
    slices: Sequence[SliceRow], groups: Sequence[GroupRow], params: SplitParams
) -> list[ManifestRow]:
    """The manifest, in the order of the slices.

    Folds are stratified by label and never cut a group. By the protocol `grouped`, fold 0 is the
    test set and fold 1 the validation set; by `paper`, a random share is the validation set, nothing
    is held out, and groups are not respected. Raises `BadInput` for a class with too few groups
    and for a fold without one of the classes.
    """
    labels = [row.label for row in slices]
    names = [row.group for row in groups]
    folds = _fold(labels, names, params)
    _check_folds(labels, folds)
    subsets = _paper_subsets(labels, params) if params.protocol is Protocol.PAPER else _fold_subsets(folds)
    return [
        ManifestRow(slice_id=row.slice_id, group=group, label=row.label, subset=subset, fold=int(fold))
        for row, group, subset, fold in zip(slices, names, subsets, folds, strict=True)
    ]


def describe_split(
    manifest: Sequence[ManifestRow], slices: Sequence[SliceRow], params: SplitParams
) -> dict[str, Any]:
    """metrics/split.json: sizes of each subset, and the split's own leakage (0 unless by the paper)."""
    report: dict[str, Any] = {"protocol": params.protocol.value, "folds": params.folds}
    if params.protocol is Protocol.PAPER:
        report["warning"] = PAPER_WARNING
    for subset in Subset:
        rows = [index for index, row in enumerate(manifest) if row.subset is subset]
        report[subset.value] = {
            "slices": len(rows),
            "groups": len({manifest[index].group for index in rows}),
            "patients": len({slices[index].patient for index in rows} - {None}),
            "labels": Counter(manifest[index].label for index in rows),
        }
    return report | {"leakage": measure_leakage(manifest)}


def measure_leakage(manifest: Sequence[ManifestRow]) -> dict[str, float]:
    """How many groups straddle subsets, and the share of the slices outside training that know one in it."""
    subsets_of: dict[str, set[Subset]] = {}
    for row in manifest:
        subsets_of.setdefault(row.group, set()).add(row.subset)
    outside = [row for row in manifest if row.subset is not Subset.TRAIN]
    known = sum(Subset.TRAIN in subsets_of[row.group] for row in outside)
    return {
        "straddling_groups": sum(len(subsets) > 1 for subsets in subsets_of.values()),
        "share_of_evaluated_slices": known / len(outside),
    }


def _fold(labels: Sequence[str], groups: Sequence[str], params: SplitParams) -> NDArray[np.int64]:
    _check_group_counts(labels, groups, params.folds)
    splitter = StratifiedGroupKFold(params.folds, shuffle=True, random_state=params.seed)
    folds = np.empty(len(labels), np.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # too few members a class: checked above, by groups
        for number, (_, members) in enumerate(splitter.split(labels, labels, groups)):
            folds[members] = number
    return folds


def _check_group_counts(labels: Sequence[str], groups: Sequence[str], folds: int) -> None:
    members: dict[str, set[str]] = {}
    for label, group in zip(labels, groups, strict=True):
        members.setdefault(label, set()).add(group)
    for label, found in sorted(members.items()):
        if len(found) < folds:
            raise BadInput(
                f"class {label}: expected images of at least {folds} groups (split.folds), "
                f"came {len(found)}; add scans or lower split.folds"
            )


def _check_folds(labels: Sequence[str], folds: NDArray[np.int64]) -> None:
    names = np.array(labels)
    for fold in np.unique(folds):
        missing = sorted(set(labels) - set(names[folds == fold].tolist()))
        if missing:
            raise BadInput(
                f"split: expected both classes in every fold, came fold {fold} without {missing[0]}; "
                "add scans, lower split.folds or change split.seed"
            )


def _fold_subsets(folds: NDArray[np.int64]) -> list[Subset]:
    special: Mapping[int, Subset] = {TEST_FOLD: Subset.TEST, VALID_FOLD: Subset.VALID}
    return [special.get(int(fold), Subset.TRAIN) for fold in folds]


def _paper_subsets(labels: Sequence[str], params: SplitParams) -> list[Subset]:
    """As fastai's RandomSplitter: the first floor(share * n) of a random order are validation."""
    order = np.random.default_rng(params.seed).permutation(len(labels))
    chosen = set(order[: int(params.paper_valid_share * len(labels))].tolist())
    for label in sorted(set(labels)):
        inside = [labels[index] == label for index in chosen]
        if not any(inside) or sum(inside) == labels.count(label):
            raise BadInput(
                f"class {label}: expected images in both train and valid, came {labels.count(label)} in all; "
                "add scans or change split.seed"
            )
    return [Subset.VALID if index in chosen else Subset.TRAIN for index in range(len(labels))]
