"""The sheet of phantoms: some of each kind."""

from pathlib import Path

import numpy as np
from PIL import Image

from brainmri.dataset.phantoms import PhantomRow
from brainmri.figures.unseen import choose_kinds, show_unseen
from tests.learning.samples import make_set

ROWS = [
    PhantomRow(slice_id=f"phantom_{number:06d}", kind=kind, area=area)
    for number, (kind, area) in enumerate(
        [("ring", 0.01), ("none", 0.0), ("ring", 0.05), ("dark", 0.02), ("ring", 0.03), ("none", 0.0)]
    )
]


def test_those_without_a_tumor_come_first_then_of_each_kind_the_larger_half() -> None:
    assert [1, 5, 3, 2, 4] == choose_kinds(ROWS).tolist()


def test_the_sheet_is_written_and_not_empty(tmp_path: Path) -> None:
    prepared = make_set(len(ROWS))[0]
    show_unseen(prepared, ROWS, tmp_path / "unseen.png")
    assert 30 < np.asarray(Image.open(tmp_path / "unseen.png").convert("L")).std()
