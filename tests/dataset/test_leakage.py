"""Leakage is what a test set shares with training: none by groups, some by chance, all for pairs of pairs."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from brainmri.dataset.groups import GroupRow
from brainmri.dataset.leakage import draw_leakage, find_leaks, measure_twin_leakage
from brainmri.dataset.manifest import ManifestRow, Subset

NAMES = st.lists(st.one_of(st.none(), st.integers(0, 4).map(str)), min_size=2, max_size=30)


@given(NAMES, st.data())
@settings(deadline=None)
def test_a_leak_lies_outside_training_and_shares_its_name_with_a_slice_in_it(
    names: list[str | None], data: st.DataObject
) -> None:
    inside = np.array(data.draw(st.lists(st.booleans(), min_size=len(names), max_size=len(names))))
    training = {name for name, here in zip(names, inside, strict=True) if here} - {None}
    expected = [not here and name in training for name, here in zip(names, inside, strict=True)]
    assert expected == find_leaks(names, inside).tolist()


@given(NAMES, st.integers(0, 99))
@settings(deadline=None)
def test_the_draws_lie_in_order_and_repeat_with_their_seed(names: list[str | None], seed: int) -> None:
    found = draw_leakage(names, 0.2, 20, seed)
    assert found == draw_leakage(names, 0.2, 20, seed)
    assert 0 <= found["least"] <= found["low"] <= found["high"] <= found["most"] <= 1
    assert found["least"] <= found["mean"] <= found["most"]


def test_pictures_shown_once_leak_never_and_large_groups_always() -> None:
    extremes = {"mean": 0, "low": 0, "high": 0, "least": 0, "most": 0}
    assert extremes == draw_leakage([None] * 50, 0.2, 20, 0)
    assert dict.fromkeys(extremes, 1) == draw_leakage(["one"] * 50, 0.2, 20, 0)


def test_pairs_leak_as_often_as_their_partner_is_in_training() -> None:
    """Of 1,000 slices the partner is one of 999 others, 800 of which train."""
    names = [str(number // 2) for number in range(1000)]
    assert abs(draw_leakage(names, 0.2, 200, 0)["mean"] - 800 / 999) < 0.01


def test_a_manifest_s_own_leakage_is_counted_by_subset() -> None:
    subsets = [Subset.TRAIN, Subset.TEST, Subset.TEST, Subset.VALID]
    manifest = [
        ManifestRow(slice_id=str(place), group="G", label="yes", subset=subset, fold=0)
        for place, subset in enumerate(subsets)
    ]
    groups = [
        GroupRow(slice_id=str(place), group="G", twins=twins)
        for place, twins in enumerate(["T1", "T1", None, None])
    ]
    expected = {
        "valid": {"slices_with_twin": 0, "share": 0.0},
        "test": {"slices_with_twin": 1, "share": 0.5},
    }
    assert expected == measure_twin_leakage(manifest, groups)
