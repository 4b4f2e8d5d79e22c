"""Planted label errors are found, and clean labels are mostly left alone."""

import numpy as np
import pytest

from brainmri.dataset.manifest import Subset
from brainmri.scoring.folded import fold_up
from brainmri.scoring.suspects import SuspectRow, find_suspects
from tests.scoring.test_comparison import CALIBRATE, CLASSES, make_rows


def _plant(distance: float, share: float, seeds: tuple[int, ...] = (0,)) -> tuple[set[str], list[SuspectRow]]:
    """The slices whose labels were turned, and the suspects."""
    rows = make_rows(distance, groups=120, seeds=seeds)
    generator = np.random.default_rng(5)
    names = sorted({row.slice_id for row in rows})
    turned = {name for name in names if generator.random() < share}
    other = {"tumor": "healthy", "healthy": "tumor"}
    planted = [
        row.model_copy(update={"label": other[row.label]}) if row.slice_id in turned else row for row in rows
    ]
    return turned, find_suspects(fold_up(planted, CLASSES, CALIBRATE), CLASSES)


@pytest.mark.parametrize(("distance", "least"), [(6.0, 0.85), (4.0, 0.65)])
def test_most_planted_errors_are_suspects_and_come_first(distance: float, least: float) -> None:
    turned, suspects = _plant(distance, 0.05)
    found = {row.slice_id for row in suspects}
    assert len(turned & found) / len(turned) >= least
    top = {row.slice_id for row in suspects[: len(turned)]}
    assert len(turned & top) / len(turned) >= least - 0.15
    # And not by calling everything suspect.
    assert len(found) < 0.2 * 240


def test_a_clean_set_of_a_good_network_has_few_suspects() -> None:
    turned, suspects = _plant(8.0, 0.0)
    assert not turned
    assert len(suspects) <= 3


def test_rows_tell_the_label_the_other_class_and_the_least_probable_first() -> None:
    _, suspects = _plant(5.0, 0.05, seeds=(0, 1))
    assert len({row.slice_id for row in suspects}) == len(suspects)
    values = [row.probability for row in suspects]
    assert values == sorted(values)
    assert all(row.label != row.suspected and row.probability < 0.5 for row in suspects)


def test_one_class_alone_has_no_suspects() -> None:
    rows = [row for row in make_rows(2.0) if row.label == "tumor" or row.subset is Subset.VALID]
    assert [] == find_suspects(fold_up(rows, CLASSES, CALIBRATE), CLASSES)
