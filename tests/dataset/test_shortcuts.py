"""A baseline finds the shortcut that is planted for it, and nothing where there is none."""

import numpy as np
import pytest
from numpy.typing import NDArray

from brainmri.dataset.baselines import Baseline
from brainmri.dataset.features import describe_picture, scale_picture
from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.dataset.prepared import RawFactRow
from brainmri.dataset.shortcuts import ForestParams, score_shortcuts, tabulate_prepared, tabulate_raw
from brainmri.scoring.resampling import IntervalParams
from brainmri.scoring.shortcuts import summarize_shortcuts

PARAMS = ForestParams(trees=50, seed=0)
INTERVALS = IntervalParams(confidence=0.95, draws=400, seed=0)
COUNT = 120


def _manifest() -> list[ManifestRow]:
    return [
        ManifestRow(
            slice_id=f"{number:03d}",
            group=f"G{number}",
            label="tumor" if number % 2 else "no tumor",
            subset=Subset.TRAIN,
            fold=number % 10 // 2,
        )
        for number in range(COUNT)
    ]


def _fact(number: int, width: int, image: NDArray[np.float32]) -> RawFactRow:
    return RawFactRow(
        slice_id=f"{number:03d}",
        sha256="",
        bytes=5000 + number * 7919 % 1000,
        format="PNG",
        mode="L",
        width=width,
        height=150,
        jpeg_table_sum=0,
        **describe_picture(scale_picture(image)).__dict__,
    )


def _images(planted: str | None) -> NDArray[np.uint8]:
    """Noise of 32 px; in every second picture a bright frame, a bright quarter or fewer gray levels."""
    images = np.random.default_rng(0).integers(0, 200, (COUNT, 32, 32)).astype(np.uint8)
    images[:, 16, 16] = 255
    if planted == "frame":
        images[1::2, 0] = 220
    if planted == "thumbnail":
        images[1::2, 8:12, 8:12] += 40
        images[::2, 20:24, 20:24] += 40
    if planted == "histogram":
        images[1::2] = images[1::2] // 100 * 100
    return images


def _summarize(images: NDArray[np.uint8], width_step: int = 0) -> dict[str, object]:
    manifest = _manifest()
    widths = np.random.default_rng(1).integers(100, 200, COUNT) + width_step * (np.arange(COUNT) % 2)
    facts = [
        _fact(number, int(width), np.float32(image))
        for number, (width, image) in enumerate(zip(widths, images, strict=True))
    ]
    tables = {**tabulate_raw(facts), **tabulate_prepared(images)}
    rows = score_shortcuts(tables, manifest, "tumor", PARAMS)
    assert len(rows) == COUNT * len(Baseline)
    return summarize_shortcuts(rows, manifest, "tumor", INTERVALS)


def test_nothing_planted_nothing_found_and_said_so() -> None:
    summary = _summarize(_images(None))
    assert summary["beating_chance"] == 0
    assert str(summary["finding"]).startswith("no baseline beats chance; the best sees ")


@pytest.mark.parametrize("planted", ["frame", "thumbnail", "histogram"])
def test_a_shortcut_in_the_pixels_is_found_by_its_baseline_raw_and_prepared(planted: str) -> None:
    baselines = _summarize(_images(planted))["baselines"]
    for source in ("raw", "prepared"):
        assert baselines[f"{source}_{planted}"]["auroc"]["value"] > 0.9
        assert baselines[f"{source}_{planted}"]["beats_chance"]
    assert not baselines["header"]["beats_chance"]


def test_a_shortcut_in_the_headers_is_named_in_words() -> None:
    summary = _summarize(_images(None), width_step=60)
    assert (summary["best"], summary["beating_chance"]) == ("header", 1)
    assert str(summary["finding"]).startswith("file headers alone tell the classes apart: AUROC 0.9")


def test_the_majority_is_chance_whatever_the_folds_hold() -> None:
    manifest = [row.model_copy(update={"fold": int(row.slice_id) % 7 % 3}) for row in _manifest()]
    rows = score_shortcuts({}, manifest, "tumor", PARAMS)
    summary = summarize_shortcuts(rows, manifest, "tumor", INTERVALS)
    assert summary["baselines"]["majority"]["auroc"]["value"] == 0.5


def test_channels_of_a_prepared_image_are_described_one_after_another() -> None:
    images = _images(None)
    both = tabulate_prepared(np.stack([images, images], axis=1))
    alone = tabulate_prepared(images)
    assert both[Baseline.PREPARED_FRAME].shape == (COUNT, 16)
    for baseline, table in alone.items():
        assert np.array_equal(both[baseline], np.hstack([table, table]))
