"""Units of a comparison: which slices train, watch and are scored in one fold, with one seed."""

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from itertools import product

import numpy as np

from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.dataset.predictions import Prediction
from brainmri.dataset.prepared import PreparedSet
from brainmri.dataset.protocols import Protocol, SplitParams, draw_paper_subsets
from brainmri.errors import BadInput
from brainmri.tables import Row

# Of a unit that trains by the paper's protocol, which has no folds.
NO_FOLD = -1


class CaseChoice(StrEnum):
    """Which slices a comparison scores; `development` leaves the test subset out."""

    ALL = "all"
    DEVELOPMENT = "development"


class UnitRow(Row):
    """One training of every arm of a protocol: it scores `fold` and watches `watched`."""

    protocol: Protocol
    fold: int
    watched: int
    seed: int

    @property
    def name(self) -> str:
        """The unit, in words."""
        return f"{'' if self.fold == NO_FOLD else f'fold {self.fold}, '}seed {self.seed}"


class ScoredRow(Prediction):
    """What one unit said of a slice that it watched (valid) or was not trained on (test)."""

    seed: int
    fold: int


class SegmentedRow(ScoredRow):
    """What a segmenter said: its score of the slice, and the pixels that it found, made up and missed."""

    tp: int
    fp: int
    fn: int


def plan_units(manifest: Sequence[ManifestRow], seeds: Sequence[int], cases: CaseChoice) -> list[UnitRow]:
    """Each protocol's units: every fold with every seed (in fold k the next is watched); the paper's split.

    Raises `BadInput` for fewer than three folds, and for one without one of the classes.
    """
    rows = [row for row in manifest if cases is CaseChoice.ALL or row.subset is not Subset.TEST]
    folds = sorted({row.fold for row in rows})
    if len(folds) < 3:
        raise BadInput(
            f"comparison.cases: {cases}: expected at least 3 folds (one to train on, one to watch, one to "
            f"score), came {len(folds)}; raise split.folds"
        )
    for fold, label in product(folds, sorted({row.label for row in rows})):
        if not any(row.fold == fold and row.label == label for row in rows):
            raise BadInput(
                f"comparison: expected both classes in every fold, came fold {fold} without {label}; change "
                "split.seed or lower split.folds"
            )
    following = dict(zip(folds, [*folds[1:], folds[0]], strict=True))
    grouped = [
        UnitRow(protocol=Protocol.GROUPED, fold=fold, watched=following[fold], seed=seed)
        for seed, fold in product(seeds, folds)
    ]
    paper = [UnitRow(protocol=Protocol.PAPER, fold=NO_FOLD, watched=NO_FOLD, seed=seed) for seed in seeds]
    return grouped + paper


def take_unit(
    prepared: PreparedSet,
    manifest: Sequence[ManifestRow],
    unit: UnitRow,
    cases: CaseChoice,
    split: SplitParams,
) -> tuple[PreparedSet, list[ManifestRow]]:
    """The slices of a unit and their subsets: test is scored, valid watched, train the rest."""
    kept = [
        place
        for place, row in enumerate(manifest)
        if cases is CaseChoice.ALL or row.subset is not Subset.TEST
    ]
    rows = [manifest[place] for place in kept]
    if unit.protocol is Protocol.PAPER:
        subsets = draw_paper_subsets([row.label for row in rows], split)
    else:
        special = {unit.fold: Subset.TEST, unit.watched: Subset.VALID}
        subsets = [special.get(row.fold, Subset.TRAIN) for row in rows]
    own = [row.model_copy(update={"subset": subset}) for row, subset in zip(rows, subsets, strict=True)]
    return _take(prepared, kept), own


def thin_out(
    prepared: PreparedSet, manifest: Sequence[ManifestRow], share: float, seed: int
) -> tuple[PreparedSet, list[ManifestRow]]:
    """The slices of a unit, of whose training groups only a share is left.

    Groups are drawn apart by the classes that they hold, at least one of each kind, in one order for a seed:
    what a smaller share leaves is a part of what a larger one leaves, and no class is lost.
    """
    if share == 1:
        return prepared, list(manifest)
    labels: dict[str, set[str]] = {}
    for row in manifest:
        if row.subset is Subset.TRAIN:
            labels.setdefault(row.group, set()).add(row.label)
    kinds = {group: tuple(sorted(held)) for group, held in labels.items()}
    left: set[str] = set()
    for number, kind in enumerate(sorted(set(kinds.values()))):
        groups = sorted(group for group, its in kinds.items() if its == kind)
        order = np.random.default_rng([seed, number]).permutation(len(groups))
        left |= {groups[place] for place in order[: max(1, round(share * len(groups)))]}
    kept = [
        place for place, row in enumerate(manifest) if row.subset is not Subset.TRAIN or row.group in left
    ]
    return _take(prepared, kept), [manifest[place] for place in kept]


def _take(prepared: PreparedSet, kept: Sequence[int]) -> PreparedSet:
    if len(kept) == len(prepared.slices):
        return prepared
    places = np.array(kept)
    return replace(
        prepared,
        slices=[prepared.slices[place] for place in kept],
        images=prepared.images[places],
        masks=None if prepared.masks is None else prepared.masks[places],
    )
