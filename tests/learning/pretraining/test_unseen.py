"""The set of phantoms that no network learns from."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from brainmri.dataset.manifest import Subset
from brainmri.dataset.preparation import ImageRule
from brainmri.dataset.prepared import REJECTED, RejectedRow, read_prepared
from brainmri.learning.pretraining.unseen import UnseenSet, write_unseen
from brainmri.tables import read_mapping, read_rows
from tests.learning.pretraining.samples import SpotGenerator, make_params

PARAMS = make_params(familiar=100, valid=60, test=141)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("unseen") / "prepared"


@pytest.fixture(scope="module")
def drawn(folder: Path) -> UnseenSet:
    return write_unseen(folder, PARAMS, SpotGenerator())


def test_what_was_found_is_read_or_rejected(drawn: UnseenSet, folder: Path) -> None:
    assert 301 == len(drawn.manifest) + len(drawn.rejected)
    assert drawn.rejected == read_rows(folder / REJECTED, RejectedRow)
    # Every fourth spot can't be seen, of 250 and of 51 that are drawn at once.
    assert 62 + 12 == len(drawn.rejected)


def test_it_is_a_prepared_set_by_the_rule_of_the_classifier(drawn: UnseenSet, folder: Path) -> None:
    data = read_prepared(folder)
    assert [row.slice_id for row in data.slices] == [row.slice_id for row in drawn.manifest]
    assert (len(drawn.manifest), 64, 64) == data.images.shape
    assert [row.label == "tumor" for row in drawn.manifest] == data.is_positive().tolist()
    assert PARAMS.rule == ImageRule.model_validate(
        read_mapping(folder / "preparation.json")["rule"], strict=False
    )


def test_subsets_follow_each_other_and_each_phantom_is_a_group(drawn: UnseenSet) -> None:
    numbers = [int(row.slice_id.removeprefix("phantom_")) for row in drawn.manifest]
    bounds = {Subset.TRAIN: range(100), Subset.VALID: range(100, 160), Subset.TEST: range(160, 301)}
    assert all(number in bounds[row.subset] for number, row in zip(numbers, drawn.manifest, strict=True))
    assert len(drawn.manifest) == len({row.group for row in drawn.manifest})
    assert {0, 1, 2} == {row.fold for row in drawn.manifest}


def test_kinds_and_areas_are_those_of_the_pictures(drawn: UnseenSet, folder: Path) -> None:
    images = np.array(read_prepared(folder).images)
    assert {"none", "dark", "bright", "ring"} >= set(Counter(row.kind for row in drawn.phantoms))
    for image, row, phantom in zip(images, drawn.manifest, drawn.phantoms, strict=True):
        assert (row.label == "tumor") == (phantom.kind != "none") == (phantom.area > 0)
        assert (image > 150).mean() == pytest.approx(phantom.area, abs=0.002)


def test_the_same_section_draws_the_same_set_and_another_seed_another(folder: Path, tmp_path: Path) -> None:
    write_unseen(tmp_path / "same", PARAMS, SpotGenerator())
    other = PARAMS.model_copy(update={"unseen": PARAMS.unseen.model_copy(update={"seed": 5})})
    write_unseen(tmp_path / "other", other, SpotGenerator())
    contents = [
        (path / "images.npy").read_bytes() for path in (folder, tmp_path / "same", tmp_path / "other")
    ]
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]
