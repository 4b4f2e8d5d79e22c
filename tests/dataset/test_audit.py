"""The audit counts what was planted, and says it in words."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from brainmri.dataset.audit import AuditParams, audit_set, largest_groups, summarize_audit
from brainmri.dataset.groups import GroupRow
from brainmri.dataset.prepared import RejectedRow
from brainmri.dataset.summary import describe_audit
from brainmri.tables import write_mapping
from tests.dataset.rows import draw_pictures, make_facts, make_set, make_slice

PARAMS = AuditParams(
    candidates=8,
    twin_correlation=0.8,
    leakage_test_share=0.2,
    leakage_draws=50,
    least_filled=0.3,
    most_contact=0.6,
    most_distance=5.0,
    seed=0,
)
# Twelve pictures, then the same file as the first, the second mirrored and of the other class, an empty one.
PICTURES = draw_pictures(12)
IMAGES = np.concatenate([PICTURES, PICTURES[:1], PICTURES[1:2, :, ::-1], np.zeros_like(PICTURES[:1])])
SLICES = [make_slice(number, label="no" if number == 13 else "yes") for number in range(15)]
FACTS = [make_facts(number, str(number % 12 if number == 12 else number)) for number in range(15)]
REJECTED = [RejectedRow(scan=f"r{side}", reason=f"expected less, came {side}") for side in (1, 2)]
AUDITED = audit_set(make_set(SLICES, IMAGES), FACTS, REJECTED, PARAMS)


def test_copies_twins_and_conflicts_are_counted() -> None:
    report = summarize_audit(AUDITED, PARAMS)
    assert {"surplus_files": 1, "surplus_pictures": 1, "pictures_with_copies": 1} == report["copies"]
    assert {
        "near_pairs": 1,
        "mirrored_pairs": 1,
        "pictures_shown_more_than_once": 2,
        "slices_with_twin": 4,
        "share_of_slices_with_twin": 4 / 15,
        "surplus_slices": 2,
        "pictures_in_two_classes": 1,
        "pictures_of_two_patients": 0,
    } == report["twins"]
    assert (13, 2) == (report["groups"], report["largest_group"])
    assert {"scans": 2, "reasons": {"expected less": 2}} == report["rejected"]
    assert report["findings"]["near_empty"] == 1


def test_the_report_can_stand_in_a_metrics_file(tmp_path: Path) -> None:
    write_mapping(tmp_path / "audit.json", summarize_audit(AUDITED, PARAMS))


@pytest.mark.parametrize(
    "words",
    [
        "27% of the slices have a copy or near twin",
        "1 pictures stand in two classes",
        "no patients are known",
    ],
)
def test_the_page_warns_in_words(words: str) -> None:
    assert words in describe_audit(summarize_audit(AUDITED, PARAMS))


def test_slices_of_one_volume_are_no_copies_of_each_other() -> None:
    slices = [make_slice(0), make_slice(0).model_copy(update={"slice": 1, "slice_id": "s0#1"})]
    audited = audit_set(make_set(slices, PICTURES[:2]), [make_facts(0, "one")] * 2, [], PARAMS)
    assert summarize_audit(audited, PARAMS)["copies"]["surplus_files"] == 0
    assert [row.group for row in audited.groups] == ["G0001", "G0001"]


def test_largest_groups_come_first_and_single_slices_not_at_all() -> None:
    rows = [GroupRow(slice_id=str(n), group=group) for n, group in enumerate(["a", "b", "b", "c", "d", "d"])]
    assert largest_groups(rows, 5) == [("b", [1, 2]), ("d", [4, 5])]


def test_reasons_are_counted_without_the_names_of_files() -> None:
    reasons = (
        "mask Ann Lee: 1.png: expected a mask of 9x9 pixels like its image, came 8x8",
        "mask b.png: expected a mask of 9x9 pixels like its image, came 7x7",
        "IM 1: 7.dcm: can't be decoded (ValueError)",
        "the file has no bytes",
    )
    rejected = [RejectedRow(scan=str(number), reason=reason) for number, reason in enumerate(reasons)]
    expected = {
        "mask expected a mask of 9x9 pixels like its image": 2,
        "can't be decoded": 1,
        "the file has no bytes": 1,
    }
    assert expected == summarize_audit(replace(AUDITED, rejected=rejected), PARAMS)["rejected"]["reasons"]
