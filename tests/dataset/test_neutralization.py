"""What tells the classes apart in raw files, but is no anatomy, is gone from the prepared images."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import neutralization
from benchmarks.neutralization import (
    HEALTHY,
    INTERVALS,
    LARGE,
    VARIANTS,
    Areas,
    Disguise,
    measure_areas,
    plant_shortcuts,
)
from brainmri.dataset.preparation import prepare_image
from tests.rules import IMAGE_RULE

FEW = HEALTHY.model_copy(update={"patients": 80, "slices_per_patient": 1, "size_px": 96})
RAW = ("header", "raw_frame", "raw_thumbnail", "raw_histogram")
PREPARED = ("prepared_frame", "prepared_thumbnail", "prepared_histogram", "small_network")


def _measure(folder: Path, monkeypatch: pytest.MonkeyPatch, large: Disguise) -> Areas:
    monkeypatch.setattr(neutralization, "LARGE", large)
    # Eight areas are looked at: each of their intervals has to be wide enough for all.
    monkeypatch.setattr(neutralization, "INTERVALS", INTERVALS.model_copy(update={"confidence": 0.99}))
    plant_shortcuts(folder, FEW)
    return measure_areas(folder, "yes", VARIANTS["default"], 30)


@pytest.mark.parametrize("frame_px", [pytest.param(4, marks=pytest.mark.long), 20])
def test_planted_shortcuts_are_perfect_on_raw_files_and_chance_on_prepared_images(
    frame_px: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    areas = _measure(tmp_path, monkeypatch, replace(LARGE, height_px=360, frame_px=frame_px))
    assert {name: areas[name].value for name in RAW if areas[name].value < 0.95} == {}
    lows = {name: areas[name].bounds[0] for name in PREPARED if areas[name].bounds is not None}
    assert {name: low for name, low in lows.items() if low > 0.5} == {}
    assert len(lows) == len(PREPARED)


@pytest.mark.parametrize("frame_px", [1, 3, 9])
def test_a_bright_frame_changes_nothing(frame_px: int) -> None:
    rule = IMAGE_RULE.model_copy(update={"size": 64})
    image = np.zeros((100, 120), np.float32)
    image[20:80, 30:90] = 50 + np.random.default_rng(0).integers(0, 100, (60, 60))
    framed = np.pad(image, frame_px, constant_values=255)
    prepared, expected = (prepare_image(picture, None, rule).image for picture in (framed, image))
    assert np.array_equal(expected, prepared)
