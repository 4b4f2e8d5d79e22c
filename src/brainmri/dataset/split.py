"""Slices and groups -> the manifest: grouped folds, the user's own subsets, or the paper's random split."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from brainmri.dataset.folds import assign_folds
from brainmri.dataset.given import check_classes, read_given
from brainmri.dataset.groups import GroupRow
from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.dataset.prepared import SliceRow
from brainmri.dataset.protocols import Protocol, SplitParams, draw_paper_subsets
from brainmri.errors import BadInput

TEST_FOLD, VALID_FOLD = 0, 1


def assign_subsets(
    slices: Sequence[SliceRow], groups: Sequence[GroupRow], params: SplitParams
) -> list[ManifestRow]:
    """The manifest, in the order of the slices; their order decides nothing else.

    Folds are stratified by label and never cut a group. By the protocol `grouped` a given subset of
    every slice is the manifest's; without one, fold 0 is the test set and fold 1 the validation set. By
    `paper`, a random share is the validation set, nothing is held out, and neither groups nor given
    subsets are respected. Raises `BadInput` for a class with too few groups, a fold or subset
    without one of the classes, and given subsets that can't be used.
    """
    rows = sorted(slices, key=lambda row: row.slice_id)
    if len(classes := sorted({row.label for row in rows})) != 2:
        raise BadInput(
            f"prepared set: expected slices of two classes, came {' and '.join(classes) or 'none'}; "
            "give a folder a class, or a label or mask for each scan"
        )
    labels, names = [row.label for row in rows], _match_groups(rows, groups)
    folds = assign_folds(labels, names, params.folds, params.seed)
    if params.protocol is Protocol.PAPER:
        subsets = draw_paper_subsets(labels, params)
    else:
        subsets = _given_subsets(rows, names, params) or _fold_subsets(folds)
    manifest = {
        row.slice_id: ManifestRow(
            slice_id=row.slice_id, group=group, label=row.label, subset=subset, fold=int(fold)
        )
        for row, group, subset, fold in zip(rows, names, subsets, folds, strict=True)
    }
    return [manifest[row.slice_id] for row in slices]


def _match_groups(slices: Sequence[SliceRow], groups: Sequence[GroupRow]) -> list[str]:
    group_of = {row.slice_id: row.group for row in groups}
    unlike = sorted({row.slice_id for row in slices} ^ set(group_of))
    if unlike or len(groups) != len(slices):
        shown = unlike[0] if unlike else "a slice twice"
        raise BadInput(f"groups: expected one for each prepared slice, came otherwise ({shown}); rerun audit")
    return [group_of[row.slice_id] for row in slices]


def _fold_subsets(folds: NDArray[np.int64]) -> list[Subset]:
    special: Mapping[int, Subset] = {TEST_FOLD: Subset.TEST, VALID_FOLD: Subset.VALID}
    return [special.get(int(fold), Subset.TRAIN) for fold in folds]


def _given_subsets(
    slices: Sequence[SliceRow], groups: Sequence[str], params: SplitParams
) -> list[Subset] | None:
    """The given subsets; without a validation set, one of `folds` grouped folds of train is it."""
    subsets = read_given(slices)
    if subsets is None:
        return None
    labels = [row.label for row in slices]
    if Subset.VALID not in subsets:
        train = [place for place, subset in enumerate(subsets) if subset is Subset.TRAIN]
        own = [labels[place] for place in train], [groups[place] for place in train]
        folds = assign_folds(*own, params.folds, params.seed, " of train")
        for place, fold in zip(train, folds, strict=True):
            subsets[place] = Subset.VALID if fold == 0 else Subset.TRAIN
    check_classes(subsets, labels)
    return subsets
