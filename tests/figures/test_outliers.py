"""The sheet of pictures without a head: some of each kind."""

from pathlib import Path

import numpy as np
from PIL import Image

from brainmri.figures.outliers import show_outliers


def test_the_sheet_is_written_and_shows_each_kind(tmp_path: Path) -> None:
    # Gray of its own for each of two kinds.
    images = np.stack([np.full((16, 16), (60, 200)[number % 2], np.uint8) for number in range(11)])
    show_outliers(images, ("dark", "bright"), tmp_path / "outliers.png")
    pixels = np.asarray(Image.open(tmp_path / "outliers.png").convert("L"))
    dark, bright = ((pixels == gray).sum() for gray in (60, 200))
    assert dark > 1000
    assert 0.8 < dark / bright < 1.25
