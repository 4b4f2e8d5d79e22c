"""Figures of unseen phantoms by size and kind of their tumors."""

from pathlib import Path

import pytest

from brainmri.dataset.manifest import Subset
from brainmri.dataset.phantoms import PhantomRow
from brainmri.dataset.predictions import Prediction
from brainmri.scoring.phantoms import PhantomReport, TumorGroupRow, report_phantoms, write_phantom_tables
from brainmri.tables import read_mapping, read_rows
from tests.scoring.samples import PARAMS, POINT, make_prediction

# 8 tumors, of which the two smallest score as low as what has none; the ring is among them.
AREAS = [0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08]
LOGITS = [-2.0, -1.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0]
KINDS = ["ring", "dark", "dark", "bright", "dark", "bright", "dark", "bright"]


def _make() -> tuple[list[Prediction], dict[str, PhantomRow]]:
    tumors = [make_prediction(f"t{place}", logit=logit) for place, logit in enumerate(LOGITS)]
    none = [make_prediction(f"n{place}", "healthy", logit=-1.5) for place in range(10)]
    valid = [make_prediction(f"v{place}", logit=5.0, subset=Subset.VALID) for place in range(3)]
    rows = [
        PhantomRow(slice_id=f"t{place}", kind=kind, area=area)
        for place, (kind, area) in enumerate(zip(KINDS, AREAS, strict=True))
    ]
    rows += [PhantomRow(slice_id=row.slice_id, kind="none", area=0) for row in (*none, *valid)]
    return [*tumors, *none, *valid], {row.slice_id: row for row in rows}


@pytest.fixture(scope="module")
def report() -> PhantomReport:
    return report_phantoms(*_make(), POINT, PARAMS)


def _find(report: PhantomReport, group: str) -> TumorGroupRow:
    return next(row for row in report.groups if row.group == group)


def test_only_the_test_phantoms_are_counted(report: PhantomReport) -> None:
    assert (18, "test") == (report.metrics["slice"]["n"], report.metrics["subset"])
    assert "synthetic: no result on real data" == report.metrics["data"]


def test_tumors_are_divided_into_quarters_by_size_and_by_kind(report: PhantomReport) -> None:
    assert [
        ("smallest", 2, 0.01, 0.02),
        ("second", 2, 0.03, 0.04),
        ("third", 2, 0.05, 0.06),
        ("largest", 2, 0.07, 0.08),
        ("bright", 3, 0.04, 0.08),
        ("dark", 4, 0.02, 0.07),
        ("ring", 1, 0.01, 0.01),
    ] == [(row.group, row.tumors, row.smallest_share, row.largest_share) for row in report.groups]


def test_a_group_is_told_from_all_without_tumor(report: PhantomReport) -> None:
    # Of the smallest two one scores lower than all that have none, and one higher.
    assert (0.5, 0.0) == (_find(report, "smallest").auroc, _find(report, "smallest").sensitivity)
    assert (1.0, 1.0) == (_find(report, "largest").auroc, _find(report, "largest").sensitivity)
    assert 0.75 == _find(report, "dark").sensitivity


def test_a_tumor_alone_has_no_interval(report: PhantomReport) -> None:
    ring = _find(report, "ring")
    assert (None, None, None, None) == (
        ring.auroc_low,
        ring.auroc_high,
        ring.sensitivity_low,
        ring.sensitivity_high,
    )
    assert {"value": 0.0} == report.metrics["by_kind"]["ring"]["auroc"]


def test_intervals_hold_their_values(report: PhantomReport) -> None:
    for row in report.groups:
        if row.auroc_low is not None:
            assert row.auroc_low <= row.auroc <= row.auroc_high
            assert row.sensitivity_low <= row.sensitivity <= row.sensitivity_high


def test_tables_say_what_the_report_says(report: PhantomReport, tmp_path: Path) -> None:
    write_phantom_tables(report, tmp_path / "test.json", tmp_path)
    read = read_rows(tmp_path / "groups.csv", TumorGroupRow)
    assert [(row.group, row.tumors) for row in report.groups] == [(row.group, row.tumors) for row in read]
    assert [row.auroc for row in report.groups] == pytest.approx([row.auroc for row in read], abs=1e-6)
    written = read_mapping(tmp_path / "test.json")["by_size"]["largest"]
    assert (2, 1.0) == (written["n"], written["auroc"]["value"])
    assert "on 18 unseen phantoms" in report.headline


def test_phantoms_of_one_class_have_no_groups() -> None:
    predictions, rows = _make()
    alone = [row for row in predictions if row.label == "healthy"]
    assert () == tuple(report_phantoms(alone, rows, POINT, PARAMS).groups)
