"""A baseline that sees only headers finds a planted shortcut, and nothing where there is none."""

import numpy as np
import pytest

from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.dataset.prepared import RawFactRow
from brainmri.dataset.shortcuts import ShortcutsParams, score_shortcuts, summarize_shortcuts

PARAMS = ShortcutsParams(trees=50, seed=0)


def _set(shift: int) -> tuple[list[RawFactRow], list[ManifestRow]]:
    generator = np.random.default_rng(0)
    facts, manifest = [], []
    for number in range(200):
        tumor = number % 2 == 1
        width = int(generator.integers(100, 200)) + shift * tumor
        facts.append(
            RawFactRow(
                slice_id=f"{number:03d}",
                sha256="",
                bytes=int(generator.integers(1000, 9000)),
                format="PNG",
                mode="L",
                width=width,
                height=150,
                jpeg_table_sum=0,
                frame=(),
                histogram=(),
                thumbnail=(),
            )
        )
        manifest.append(
            ManifestRow(
                slice_id=f"{number:03d}",
                group=f"G{number}",
                label="tumor" if tumor else "no tumor",
                subset=Subset.TRAIN,
                fold=number % 10 // 2,
            )
        )
    return facts, manifest


@pytest.mark.parametrize(("shift", "low", "high"), [(0, 0.35, 0.65), (60, 0.8, 1.0)])
def test_headers_tell_the_class_only_where_they_differ(shift: int, low: float, high: float) -> None:
    facts, manifest = _set(shift)
    rows = score_shortcuts(facts, manifest, "tumor", PARAMS)
    summary = summarize_shortcuts(rows, manifest, "tumor")
    assert low < summary["header"]["auroc"] <= high
    assert summary["majority"] == {"accuracy": 0.5, "auroc": 0.5}
    assert len(rows) == 400
