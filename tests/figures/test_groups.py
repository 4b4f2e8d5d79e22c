"""The sheets of what was joined are drawn for any set, twins or none."""

from pathlib import Path

import pytest

from brainmri.dataset.groups import join_slices
from brainmri.dataset.twins import Likeness, Mirror, Twin
from brainmri.figures.groups import show_groups, show_weakest_twins
from tests.dataset.rows import draw_pictures, make_facts, make_set, make_slice

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
