"""What belongs together: patients, scans and byte-identical files, and what follows from both."""

from brainmri.dataset.audit import largest_groups, summarize_groups
from brainmri.dataset.groups import GroupRow, join_slices
from brainmri.dataset.prepared import RawFactRow, SliceRow


def _slice(number: int, patient: str | None, label: str = "yes") -> SliceRow:
    return SliceRow(
        slice_id=f"s{number}",
        scan=f"s{number}",
        slice=0,
        patient=patient,
        label=label,
        has_mask=False,
        tumor_area=None,
        spacing_mm=None,
        given_subset=None,
    )


def _facts(number: int, sha256: str) -> RawFactRow:
    return RawFactRow(
        slice_id=f"s{number}",
        sha256=sha256,
        bytes=1,
        format="PNG",
        mode="L",
        width=1,
        height=1,
        jpeg_table_sum=0,
        frame=(),
        histogram=(),
        thumbnail=(),
    )


SLICES = [_slice(0, "P1"), _slice(1, None), _slice(2, "P2", "no"), _slice(3, "P1"), _slice(4, None)]
FACTS = [_facts(number, sha) for number, sha in enumerate(["a", "b", "c", "c", "d"])]


def test_a_copy_joins_two_patients() -> None:
    assert [row.group for row in join_slices(SLICES, FACTS)] == ["G0001", "G0002", "G0001", "G0001", "G0003"]


def test_the_audit_counts_copies_and_those_in_two_classes() -> None:
    report = summarize_groups(SLICES, FACTS, join_slices(SLICES, FACTS))
    assert report["copies"] == {"surplus_files": 1, "in_two_classes": 1}
    assert (
        report["slices"],
        report["patients"],
        report["slices_without_patient"],
        report["groups"],
        report["largest_group"],
    ) == (5, 2, 2, 3, 3)


def test_largest_groups_come_first_and_single_slices_not_at_all() -> None:
    rows = [GroupRow(slice_id=str(n), group=group) for n, group in enumerate(["a", "b", "b", "c", "d", "d"])]
    assert largest_groups(rows, 5) == [("b", [1, 2]), ("d", [4, 5])]
