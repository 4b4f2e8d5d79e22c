"""The sheets of what was joined are drawn for any set, twins or none."""

from collections.abc import Callable
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from brainmri.dataset.groups import join_slices
from brainmri.dataset.twins import Likeness, Mirror, Twin
from brainmri.figures.groups import show_groups, show_weakest_twins
from tests.dataset.rows import draw_pictures, make_facts, make_set, make_slice
from tests.figures.samples import read_texts

SLICES = [make_slice(0, "P1"), make_slice(1, "P1"), make_slice(2), make_slice(3)]
TWINS = [Twin(2, 3, Likeness.DETAIL, 0.9, Mirror.UP_DOWN)]


@pytest.mark.parametrize("twins", [[], TWINS])
def test_sheets_are_written_and_the_same_each_time(tmp_path: Path, twins: list[Twin]) -> None:
    data = make_set(SLICES, draw_pictures(4))
    groups = join_slices(SLICES, [make_facts(number, str(number)) for number in range(4)], twins)
    for name in ("first", "second"):
        show_groups(data, groups, tmp_path / f"{name}_groups.png", twins)
        show_weakest_twins(data, twins, tmp_path / f"{name}_twins.png")
    for kind in ("groups", "twins"):
        first, second = ((tmp_path / f"{name}_{kind}.png").read_bytes() for name in ("first", "second"))
        assert first == second


def _read_captions(monkeypatch: pytest.MonkeyPatch, show: Callable[[], None]) -> list[str]:
    figures: list[Figure] = []
    monkeypatch.setattr("brainmri.figures.gallery.save", lambda figure, _: figures.append(figure))
    show()
    return read_texts(figures[0])


def test_a_set_without_near_twins_is_said_to_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    data = make_set(SLICES, draw_pictures(4))
    texts = _read_captions(monkeypatch, lambda: show_weakest_twins(data, [], Path()))
    assert {"no near-duplicates found", "4 prepared slices, data set a small set"} <= set(texts)


def test_captions_leave_out_the_folder_that_all_slices_share(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["all/images/P0001_1.png", "all/images/P0001_2.png", "all/other/P0002_1.png", "all/x.nii#3"]
    slices = [row.model_copy(update={"slice_id": name}) for row, name in zip(SLICES, names, strict=True)]
    data = make_set(slices, draw_pictures(4))
    groups = join_slices(slices, [make_facts(number, str(number)) for number in range(4)], TWINS)
    texts = _read_captions(monkeypatch, lambda: show_groups(data, groups, Path(), TWINS))
    assert {"images/P0001_1.png", "images/P0001_2.png", "other/P0002_1.png", "x.nii#3"} <= set(texts)
    assert {"group G0001", "patient P1", "near twin 0.90, mirrored"} <= set(texts)
