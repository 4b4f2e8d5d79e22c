"""What belongs together: patients, scans, copies and near twins, and what follows from all."""

from hypothesis import given, settings
from hypothesis import strategies as st

from brainmri.dataset.groups import join_slices, number_known_groups
from brainmri.dataset.twins import Likeness, Mirror, Twin
from tests.dataset.rows import make_facts, make_slice

PATIENTS = ["P1", None, "P2", "P1", None]
SLICES = [make_slice(number, patient) for number, patient in enumerate(PATIENTS)]
FACTS = [make_facts(number, sha) for number, sha in enumerate(["a", "b", "c", "c", "d"])]


def _twin(first: int, second: int) -> Twin:
    return Twin(first, second, Likeness.DETAIL, 0.9, Mirror.NONE)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12))
@settings(deadline=None)
def test_twins_share_group_and_picture_and_a_lone_slice_has_no_twins(pairs: list[tuple[int, int]]) -> None:
    twins = [_twin(*sorted(pair)) for pair in pairs if pair[0] != pair[1]]
    slices = [make_slice(number) for number in range(10)]
    rows = join_slices(slices, [make_facts(number, str(number)) for number in range(10)], twins)
    for twin in twins:
        assert rows[twin.first].group == rows[twin.second].group
        assert rows[twin.first].twins == rows[twin.second].twins is not None
    touched = {place for twin in twins for place in (twin.first, twin.second)}
    assert touched == {place for place, row in enumerate(rows) if row.twins is not None}


def test_a_copy_joins_two_patients() -> None:
    assert [row.group for row in join_slices(SLICES, FACTS)] == ["G0001", "G0002", "G0001", "G0001", "G0003"]


def test_a_near_twin_joins_groups_but_patients_are_not_twins() -> None:
    rows = join_slices(SLICES, FACTS, [_twin(1, 4)])
    assert [row.group for row in rows] == ["G0001", "G0002", "G0001", "G0001", "G0002"]
    assert [row.twins for row in rows] == [None, "T0001", None, None, "T0001"]


def test_patients_and_copies_are_known_groups() -> None:
    assert number_known_groups(SLICES, [_twin(1, 2)]).tolist() == [1, 2, 2, 1, 3]
