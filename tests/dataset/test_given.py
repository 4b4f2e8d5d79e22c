"""The user's own subsets are taken as they are, or refused by name; what they leak is said."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainmri.dataset.groups import GroupRow
from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.dataset.prepared import SliceRow
from brainmri.dataset.protocols import Protocol, SplitParams
from brainmri.dataset.split import assign_subsets
from brainmri.dataset.split_report import describe_split
from brainmri.errors import BadInput
from tests.dataset.rows import list_groups

PARAMS = SplitParams(protocol=Protocol.GROUPED, folds=3, paper_valid_share=0.2, seed=0)


def _slices(words: list[str | None]) -> list[SliceRow]:
    """Every second slice is a tumor."""
    return [
        SliceRow(
            slice_id=f"{number:03d}",
            scan=f"{number:03d}",
            slice=0,
            patient=None,
            label="tumor" if number % 2 else "no tumor",
            has_mask=False,
            tumor_area=None,
            spacing_mm=None,
            given_subset=word,
        )
        for number, word in enumerate(words)
    ]


def _assign(words: list[str | None], in_group: int = 1) -> tuple[list[ManifestRow], list[SliceRow]]:
    slices = _slices(words)
    groups = [
        GroupRow(slice_id=row.slice_id, group=f"G{number // in_group}") for number, row in enumerate(slices)
    ]
    return assign_subsets(slices, groups, PARAMS), slices


WORDS = ["train"] * 12 + ["valid"] * 6 + ["test"] * 6


@given(words=st.permutations(WORDS))
@settings(deadline=None)
def test_every_slice_gets_the_subset_that_was_given(words: list[str]) -> None:
    manifest, slices = _assign([*words, *WORDS])
    assert [row.subset.value for row in manifest] == [*words, *WORDS]
    assert {row.fold for row in manifest} == {0, 1, 2}
    assert describe_split(manifest, slices, list_groups(manifest), PARAMS)["source"] == "given"


def test_without_valid_one_fold_of_train_is_it_and_test_stays() -> None:
    manifest, slices = _assign(["train"] * 24 + ["test"] * 6, in_group=2)
    assert [row.subset for row in manifest[24:]] == [Subset.TEST] * 6
    valid = [row for row in manifest if row.subset is Subset.VALID]
    assert len(valid) == 8
    report = describe_split(manifest, slices, list_groups(manifest), PARAMS)
    assert report["source"] == "given, valid taken from train by group"
    assert report["leakage"]["straddling_groups"] == 0


def test_what_a_given_split_leaks_is_counted_and_said() -> None:
    words = ["train"] * 12 + ["train", "test"] * 3 + ["test"] * 6 + ["valid"] * 6
    manifest, slices = _assign(words, in_group=2)
    report = describe_split(manifest, slices, list_groups(manifest), PARAMS)
    assert report["leakage"]["straddling_groups"] == 3
    assert report["leakage"]["share_of_test_slices"] == 3 / 9
    assert report["leakage"]["share_of_evaluated_slices"] == 3 / 15
    assert report["warning"].startswith("the given split leaks: 3 groups")
    assert "of the test slices 33% know" in report["warning"]


def test_the_paper_s_protocol_overrules_it() -> None:
    slices = _slices(WORDS)
    groups = [GroupRow(slice_id=row.slice_id, group=row.slice_id) for row in slices]
    paper = PARAMS.model_copy(update={"protocol": Protocol.PAPER})
    manifest = assign_subsets(slices, groups, paper)
    assert not any(row.subset is Subset.TEST for row in manifest)
    assert describe_split(manifest, slices, list_groups(manifest), paper)["source"] == "random share"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([*WORDS[:-1], "holdout"], r"expected train, valid or test, came 'holdout' for 023; correct it"),
        ([*WORDS[:-2], None, None], r"came none for 2 of 24 slices, the first 022; complete the column"),
        (
            ["train"] * 18 + ["valid"] * 6,
            r"expected some test \(only valid may be left out\), came train and",
        ),
        (["valid"] * 12 + ["test"] * 12, r"expected some train .* came test and valid alone"),
        (
            ["train", "train", "valid", "test"] * 6,
            r"expected both classes in valid, came none of class tumor",
        ),
        (["train"] * 4 + ["test"] * 20, r"class no tumor of train: expected .* at least 3 groups .* came 2"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(words: list[str | None], message: str) -> None:
    with pytest.raises(BadInput, match=message) as refusal:
        _assign(words)
    assert "\n" not in str(refusal.value)
