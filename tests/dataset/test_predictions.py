import pytest

from brainmri.dataset.manifest import Subset
from brainmri.dataset.predictions import (
    Epoch,
    Prediction,
    read_predictions,
    select_predictions,
)
from brainmri.errors import BadInput
from brainmri.tables import write_rows
from tests.scoring.samples import make_prediction


def test_a_table_read_back_is_the_table_written(tmp_path):
    rows = [make_prediction("a", patient="P0001"), make_prediction("b", epoch=Epoch.LAST)]
    write_rows(tmp_path / "predictions.csv", rows, Prediction)
    assert rows == read_predictions(tmp_path / "predictions.csv")


def test_a_selection_holds_one_subset_and_epoch_by_name():
    rows = [
        make_prediction("b"),
        make_prediction("a"),
        make_prediction("a", epoch=Epoch.LAST),
        make_prediction("c", subset=Subset.VALID),
    ]
    assert [row.slice_id for row in select_predictions(rows, Subset.TEST)] == ["a", "b"]
    assert [row.slice_id for row in select_predictions(rows, Subset.TEST, Epoch.LAST)] == ["a"]


def test_an_empty_selection_names_the_subset():
    with pytest.raises(BadInput, match="subset test, epoch best, came none"):
        select_predictions([make_prediction("a", subset=Subset.VALID)], Subset.TEST)


def test_a_slice_that_stands_twice_is_named():
    with pytest.raises(BadInput, match="expected a once"):
        select_predictions([make_prediction("a"), make_prediction("a")], Subset.TEST)
