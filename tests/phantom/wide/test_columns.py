import numpy as np
import torch

from brainmri.phantom.wide.columns import Drawn

DRAWN = Drawn.send({"a": np.array([1.0, 0.0, 3.0]), "b": np.array([True, True, False])}, torch.device("cpu"))


def test_a_column_is_combined_with_maps() -> None:
    assert [1, 0, 3] == (DRAWN["a"] * torch.ones(3, 2, 2))[:, 0, 0].tolist()


def test_pictures_are_found_by_columns_that_are_not_0() -> None:
    assert [0, 2] == DRAWN.find("a").tolist()
    assert [0] == DRAWN.find("a", "b").tolist()


def test_some_pictures_keep_their_numbers_on_both_sides() -> None:
    chosen = np.array([0, 2])
    part = DRAWN.take(chosen, torch.from_numpy(chosen))
    assert [1, 3] == part["a"].flatten().tolist()
    assert [0] == part.find("b").tolist()
    assert [3] == DRAWN.part(slice(2, 3))["a"].flatten().tolist()
