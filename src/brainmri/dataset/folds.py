"""Folds that are stratified by class and never cut a group."""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from brainmri.errors import BadInput


def assign_folds(
    labels: Sequence[str], groups: Sequence[str], count: int, seed: int, place: str = ""
) -> NDArray[np.int64]:
    """The fold of each slice, 0 to `count` - 1; (slices,). `place` ends an error's words, as in " of train".

    What a group is called decides nothing, only which slices it holds. Raises `BadInput` for a class
    with fewer groups than folds, and for a fold without one of the classes.
    """
    _check_group_counts(labels, groups, count, place)
    numbers: dict[str, int] = {}
    codes = [numbers.setdefault(group, len(numbers)) for group in groups]
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    folds = np.empty(len(labels), np.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # too few members a class: checked above, by groups
        for number, (_, members) in enumerate(splitter.split(labels, labels, codes)):
            folds[members] = number
    _check_folds(labels, folds, count, place)
    return folds


def _check_group_counts(labels: Sequence[str], groups: Sequence[str], folds: int, place: str) -> None:
    members: dict[str, set[str]] = {}
    for label, group in zip(labels, groups, strict=True):
        members.setdefault(label, set()).add(group)
    for label, found in sorted(members.items()):
        if len(found) < folds:
            raise BadInput(
                f"class {label}{place}: expected images of at least {folds} groups (split.folds), "
                f"came {len(found)}; add scans or lower split.folds"
            )


def _check_folds(labels: Sequence[str], folds: NDArray[np.int64], count: int, place: str) -> None:
    names = np.array(labels)
    for fold in range(count):
        missing = sorted(set(labels) - set(names[folds == fold].tolist()))
        if missing:
            raise BadInput(
                f"split{place}: expected both classes in every fold, came fold {fold} without {missing[0]}; "
                "add scans, lower split.folds or change split.seed"
            )
