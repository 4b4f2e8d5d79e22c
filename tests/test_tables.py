"""Tables come back as they went, with the same bytes, and a wrong one is named."""

import tracemalloc
from enum import StrEnum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainmri.errors import BadInput
from brainmri.tables import (
    Row,
    RowStream,
    iterate_rows,
    read_mapping,
    read_rows,
    write_bytes,
    write_mapping,
    write_rows,
)


class _Kind(StrEnum):
    A = "a"
    B = "b"


class _Item(Row):
    name: str
    kind: _Kind
    count: int
    share: float
    known: bool
    note: str | None
    parts: tuple[float, ...]


_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1)
_ITEMS = st.lists(
    st.builds(
        _Item,
        name=_TEXT,
        kind=st.sampled_from(_Kind),
        count=st.integers(-(10**9), 10**9),
        share=st.integers(-(10**6), 10**6).map(lambda n: n / 1000),
        known=st.booleans(),
        note=st.none() | _TEXT,
        parts=st.tuples(*[st.integers(0, 99).map(float)] * 3),
    ),
    min_size=1,
    max_size=5,
)


@given(items=_ITEMS)
def test_rows_come_back_as_they_went(tmp_path_factory: pytest.TempPathFactory, items: list[_Item]) -> None:
    path = tmp_path_factory.mktemp("rows") / "table.csv"
    write_rows(path, items, _Item)
    assert items == read_rows(path, _Item)


def test_floats_have_six_digits_and_lines_end_with_a_newline_alone(tmp_path: Path) -> None:
    item = _Item(name="x", kind=_Kind.A, count=1, share=1 / 3, known=True, note=None, parts=(0.5,))
    write_rows(tmp_path / "t.csv", [item], _Item)
    expected = b"name,kind,count,share,known,note,parts_000\nx,a,1,0.333333,true,,0.500000\n"
    assert expected == (tmp_path / "t.csv").read_bytes()


def test_a_row_of_another_length_than_the_first_is_refused(tmp_path: Path) -> None:
    item = _Item(name="x", kind=_Kind.A, count=1, share=0.5, known=True, note=None, parts=(0.5,))
    longer = item.model_copy(update={"parts": (0.5, 0.5)})
    with pytest.raises(ValueError, match="expected 7 cells as in the first row, came 8"):
        write_rows(tmp_path / "t.csv", [item, longer], _Item)
    assert not (tmp_path / "t.csv").exists()


def test_a_long_table_never_lies_in_memory_as_a_whole(tmp_path: Path) -> None:
    item = _Item(name="x" * 100, kind=_Kind.A, count=1, share=0.5, known=True, note=None, parts=(0.5,))
    path = tmp_path / "t.csv"

    def peak(rows: int) -> int:
        tracemalloc.start()
        with RowStream(path, _Item) as stream:
            for _ in range(rows):
                stream.append(item)
        assert rows == sum(1 for _ in iterate_rows(path, _Item))
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(1)  # what is made once
    assert peak(6000) < 1.5 * peak(2000)


def test_a_line_far_down_is_named(tmp_path: Path) -> None:
    item = _Item(name="x", kind=_Kind.A, count=1, share=0.5, known=True, note=None, parts=(0.5,))
    path = tmp_path / "t.csv"
    write_rows(path, [item] * 2500, _Item)
    lines = path.read_text().splitlines()
    lines[2100] = lines[2100].replace("true", "maybe")
    path.write_text("\n".join(lines))
    with pytest.raises(BadInput, match="line 2101, column known"):
        read_rows(path, _Item)


def test_a_table_without_rows_has_its_columns(tmp_path: Path) -> None:
    with RowStream(tmp_path / "t.csv", _Item):
        pass
    assert "name,kind,count,share,known,note,parts\n" == (tmp_path / "t.csv").read_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name\nx\n", "expected a column kind, came only name"),
        ("name,kind,count,share,known,note,parts_000\nx,c,1,1,true,,1\n", "line 2, column kind"),
        ("name,kind,count,share,known,note,parts_000\nx,a,one,1,true,,1\n", "line 2, column count"),
        ("name,kind,count,share,known,note,parts_000,odd\nx,a,1,1,true,,1,2\n", "unexpected column odd"),
        (
            "name,kind,count,share,known,note,parts_000\nx,a,1,1,true,,1,2,3\n",
            "line 2: expected 7 cells, came more",
        ),
    ],
)
def test_a_wrong_table_is_named_with_line_and_column(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(BadInput, match=said) as caught:
        read_rows(path, _Item)
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"\xff\xfe\x00name")
    with pytest.raises(BadInput, match="expected a CSV table in UTF-8"):
        read_rows(tmp_path / "t.csv", _Item)


def test_mappings_are_sorted_rounded_and_come_back(tmp_path: Path) -> None:
    write_mapping(tmp_path / "m.json", {"b": 1 / 3, "a": {"z": 1, "y": "w"}})
    assert read_mapping(tmp_path / "m.json") == {"a": {"y": "w", "z": 1}, "b": 0.333333}
    assert (tmp_path / "m.json").read_text().index('"a"') < (tmp_path / "m.json").read_text().index('"b"')


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [1], None])
def test_what_dvc_would_drop_without_a_word_can_not_be_written(tmp_path: Path, value: object) -> None:
    with pytest.raises(ValueError, match=r"a\.b: .* can't stand in a metrics file"):
        write_mapping(tmp_path / "m.json", {"a": {"b": value}})
    assert not (tmp_path / "m.json").exists()


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "f"
    write_bytes(path, b"old")
    with pytest.raises(TypeError):
        write_bytes(path, "no bytes")  # type: ignore[arg-type]
    assert [path] == list(tmp_path.iterdir())
    assert path.read_bytes() == b"old"
