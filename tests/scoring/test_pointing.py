"""The pointing game, counted by hand."""

from pathlib import Path

import numpy as np
import pytest

from brainmri.dataset.manifest import Subset
from brainmri.dataset.pointing import PointingRow
from brainmri.dataset.predictions import Epoch, Prediction
from brainmri.dataset.prepared import Classes, PreparedSet, SliceRow
from brainmri.scoring.pointing import Hit, evaluate_pointing, judge_points


def _row(slice_id: str, group: str) -> Prediction:
    return Prediction(
        slice_id=slice_id,
        group=group,
        patient=None,
        label="yes",
        subset=Subset.TEST,
        epoch=Epoch.BEST,
        score=0.5,
        logit=0.0,
    )


def _prepared(masks: np.ndarray | None) -> PreparedSet:
    slices = [
        SliceRow(
            slice_id=name,
            scan=name,
            slice=0,
            patient=None,
            label="yes",
            has_mask=True,
            tumor_area=4,
            spacing_mm=None,
            given_subset=None,
        )
        for name in ("a", "b")
    ]
    return PreparedSet(Path(), "set", slices, np.zeros((2, 8, 8), np.uint8), masks, Classes("yes", "no"))


def test_a_point_in_the_mask_is_a_hit_and_one_beside_it_is_none() -> None:
    masks = np.zeros((2, 8, 8), np.uint8)
    masks[1, 2:4, 5:7] = 1
    point = PointingRow(slice_id="b", row=3, column=6, random_row=6, random_column=3)
    assert {"b": Hit(True, False, 4 / 64)} == judge_points([point], _prepared(masks))
    other = PointingRow(slice_id="b", row=4, column=6, random_row=2, random_column=5)
    assert {"b": Hit(False, True, 4 / 64)} == judge_points([other], _prepared(masks))


def test_without_masks_there_is_no_game() -> None:
    assert {} == judge_points([], _prepared(None))
    assert {} == evaluate_pointing([_row("a", "G1")], {}, 0.95)


def test_shares_are_of_the_rows_with_a_hit_or_miss_and_clustered_by_group() -> None:
    rows = [_row("a", "G1"), _row("b", "G1"), _row("c", "G2"), _row("d", "G3"), _row("e", "G3")]
    hit = Hit(True, False, 0.1)
    hits = {"a": hit, "b": hit, "c": Hit(False, True, 0.2), "d": Hit(True, False, 0.4)}
    found = evaluate_pointing(rows, hits | {"elsewhere": Hit(True, True, 0.9)}, 0.95)
    assert (4, 3) == (found["n"], found["n_groups"])
    assert (0.75, 0.25) == (found["trained"]["value"], found["random_network"]["value"])
    assert 0.2 == pytest.approx(found["mask_share"])
    assert found["trained"]["low"] < 0.75 < found["trained"]["high"]


def test_one_group_has_no_interval() -> None:
    found = evaluate_pointing([_row("a", "G1")], {"a": Hit(True, False, 0.1)}, 0.95)
    assert {"value": 1.0} == {key: value for key, value in found["trained"].items() if value is not None}
