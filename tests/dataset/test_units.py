"""Units of a comparison: every slice scored once a seed, by networks that saw nothing of its group."""

from pathlib import Path

import numpy as np
import pytest

from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.dataset.prepared import PreparedSet
from brainmri.dataset.protocols import Protocol, SplitParams
from brainmri.dataset.units import NO_FOLD, CaseChoice, plan_units, take_unit, thin_out
from brainmri.errors import BadInput
from tests.learning.samples import make_set

SPLIT = SplitParams(protocol=Protocol.GROUPED, folds=4, paper_valid_share=0.25, seed=0)
PREPARED: PreparedSet = make_set(32)[0]


def make_manifest(folds: int = 4) -> list[ManifestRow]:
    """Pairs of slices are groups; the folds take turns; fold 0 is the root pipeline's test set."""
    return [
        ManifestRow(
            slice_id=row.slice_id,
            group=f"G{place // 2}",
            label=row.label,
            subset=Subset.TEST if place // 2 % folds == 0 else Subset.TRAIN,
            fold=place // 2 % folds,
        )
        for place, row in enumerate(PREPARED.slices)
    ]


@pytest.mark.parametrize("cases", CaseChoice)
def test_each_case_is_scored_once_a_seed_and_never_with_its_group_in_training(cases: CaseChoice) -> None:
    manifest = make_manifest()
    scored: dict[int, list[str]] = {0: [], 7: []}
    for unit in plan_units(manifest, [0, 7], cases):
        if unit.protocol is Protocol.GROUPED:
            part, rows = take_unit(PREPARED, manifest, unit, cases, SPLIT)
            assert [row.slice_id for row in part.slices] == [row.slice_id for row in rows]
            assert len(part.images) == len(rows)
            groups = {subset: {row.group for row in rows if row.subset is subset} for subset in Subset}
            assert not groups[Subset.TRAIN] & (groups[Subset.TEST] | groups[Subset.VALID])
            assert not groups[Subset.VALID] & groups[Subset.TEST]
            scored[unit.seed] += [row.slice_id for row in rows if row.subset is Subset.TEST]
    wanted = [row.slice_id for row in manifest if cases is CaseChoice.ALL or row.subset is not Subset.TEST]
    assert all(sorted(found) == wanted for found in scored.values())


def test_development_cases_carry_their_own_images() -> None:
    manifest = make_manifest()
    unit = plan_units(manifest, [0], CaseChoice.DEVELOPMENT)[0]
    part, rows = take_unit(PREPARED, manifest, unit, CaseChoice.DEVELOPMENT, SPLIT)
    kept = [place for place, row in enumerate(manifest) if row.subset is not Subset.TEST]
    assert np.array_equal(PREPARED.images[kept], part.images)
    assert {1, 2, 3} == {row.fold for row in rows}


def test_the_fold_that_is_watched_is_the_next_one() -> None:
    units = plan_units(make_manifest(), [3], CaseChoice.ALL)
    grouped = [(unit.fold, unit.watched) for unit in units if unit.protocol is Protocol.GROUPED]
    assert [(0, 1), (1, 2), (2, 3), (3, 0)] == grouped


def test_the_paper_s_protocol_watches_a_random_share_and_holds_nothing_out() -> None:
    manifest = make_manifest()
    unit = plan_units(manifest, [0], CaseChoice.ALL)[-1]
    assert (Protocol.PAPER, NO_FOLD) == (unit.protocol, unit.fold)
    _, rows = take_unit(PREPARED, manifest, unit, CaseChoice.ALL, SPLIT)
    assert 8 == sum(row.subset is Subset.VALID for row in rows)
    assert not any(row.subset is Subset.TEST for row in rows)


def test_too_few_folds_end_before_training() -> None:
    with pytest.raises(BadInput, match=r"comparison.cases: development: .*, came 2; raise"):
        plan_units(make_manifest(folds=3), [0], CaseChoice.DEVELOPMENT)


def test_a_fold_without_a_class_is_named() -> None:
    manifest = [
        row.model_copy(update={"label": "tumor"}) if row.fold == 2 else row for row in make_manifest()
    ]
    with pytest.raises(BadInput, match="came fold 2 without no tumor"):
        plan_units(manifest, [0], CaseChoice.ALL)


def test_the_folder_of_a_part_is_the_whole_s() -> None:
    manifest = make_manifest()
    part, _ = take_unit(
        PREPARED, manifest, plan_units(manifest, [0], CaseChoice.ALL)[0], CaseChoice.ALL, SPLIT
    )
    assert Path() == part.folder


def _thin(share: float, seed: int = 0) -> tuple[PreparedSet, list[ManifestRow]]:
    unit = plan_units(make_manifest(), [0], CaseChoice.ALL)[0]
    return thin_out(*take_unit(PREPARED, make_manifest(), unit, CaseChoice.ALL, SPLIT), share, seed)


def _groups(rows: list[ManifestRow], subset: Subset) -> set[str]:
    return {row.group for row in rows if row.subset is subset}


def test_a_share_leaves_whole_training_groups_and_all_that_is_watched_and_scored() -> None:
    (_, whole), (part, rows) = _thin(1.0), _thin(0.5)
    assert len(_groups(whole, Subset.TRAIN)) == 2 * len(_groups(rows, Subset.TRAIN))
    for subset in (Subset.VALID, Subset.TEST):
        assert _groups(whole, subset) == _groups(rows, subset)
    assert [row.slice_id for row in part.slices] == [row.slice_id for row in rows]
    assert len(part.images) == len(rows)


def test_a_smaller_share_is_part_of_a_larger_one_and_has_every_class() -> None:
    half, least = _thin(0.5)[1], _thin(0.01)[1]
    assert _groups(least, Subset.TRAIN) < _groups(half, Subset.TRAIN)
    assert {"tumor", "no tumor"} == {row.label for row in least if row.subset is Subset.TRAIN}


def test_a_group_that_shows_a_tumor_in_its_last_slice_is_one_with_a_tumor() -> None:
    manifest = [
        row.model_copy(update={"label": "tumor" if place in (7, 15) else "no tumor", "subset": Subset.TRAIN})
        for place, row in enumerate(make_manifest())
    ]
    for seed in range(5):
        rows = thin_out(PREPARED, manifest, 0.1, seed)[1]
        assert {"tumor", "no tumor"} == {row.label for row in rows}


def test_another_seed_leaves_other_groups() -> None:
    assert 1 < len({tuple(sorted(_groups(_thin(0.5, seed)[1], Subset.TRAIN))) for seed in range(5)})
