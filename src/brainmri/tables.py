"""Rows <-> CSV, mappings <-> JSON: fixed digits, sorted keys, written atomically."""

import csv
import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from brainmri.errors import BadInput
from brainmri.replacement import replacing_file

DIGITS = 6
_NUMBER = f"{{:.{DIGITS}f}}".format
# Rows that are checked at once: one by one takes longer, and all at once lie in memory twice.
_TOGETHER: Final = 1000


class Row(BaseModel):
    """One line of a CSV table; the fields are the columns.

    A field of type `tuple[float, ...]` becomes the numbered columns `name_000`, `name_001` ….
    An empty cell is None.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


AnyRow = TypeVar("AnyRow", bound=Row)


def read_rows(path: Path, row: type[AnyRow]) -> list[AnyRow]:
    """The table at `path` as checked rows; `BadInput` names the line and column that is wrong."""
    return list(iterate_rows(path, row))


def iterate_rows(path: Path, row: type[AnyRow]) -> Iterator[AnyRow]:
    """As `read_rows`, row by row, so that a long table doesn't lie in memory as a whole."""
    adapter = TypeAdapter(list[row])  # type: ignore[valid-type]
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = list(reader.fieldnames or [])
            lines = (_gather(line, f"{path}: line {reader.line_num}") for line in reader)
            before = 0
            while cells := list(itertools.islice(lines, _TOGETHER)):
                yield from adapter.validate_python(cells)
                before += len(cells)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such table; run `dvc repro` to make it") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path}: expected a CSV table in UTF-8, came something else ({error})") from None
    except ValidationError as error:
        raise BadInput(f"{path}: {_describe(error, columns, before)}") from None


def write_rows(path: Path, rows: Iterable[Row], row: type[Row]) -> None:
    """Writes the rows in the order given, floats with six digits."""
    with replacing_file(path) as aside, RowStream(aside, row) as stream:
        for item in rows:
            stream.append(item)


class RowStream:
    """A table written row by row as they come, so that none waits in memory: the bytes of `write_rows`."""

    def __init__(self, path: Path, row: type[Row]) -> None:
        """Opens the file; the columns are the first row's, or without one the fields of `row`."""
        self._row = row
        self._columns = 0
        self._file = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file, lineterminator="\n")

    def append(self, item: Row) -> None:
        """One row more; `ValueError` for one of another number of cells than the first."""
        if not self._columns:
            self._write_header(list(_name_columns(item)))
        cells = list(_list_cells(item))
        if len(cells) != self._columns:
            raise ValueError(f"expected {self._columns} cells as in the first row, came {len(cells)}")
        self._writer.writerow(cells)

    def __enter__(self) -> Self:
        """The stream itself; leaving closes the file."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Writes the columns where no row came."""
        with self._file:
            if not self._columns:
                self._write_header(list(self._row.model_fields))

    def _write_header(self, columns: Sequence[str]) -> None:
        self._columns = len(columns)
        self._writer.writerow(columns)


def read_mapping(path: Path) -> dict[str, Any]:
    """The JSON object at `path`."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file; run `dvc repro` to make it") from None
    except ValueError as error:
        raise BadInput(f"{path}: expected JSON, came something else ({error})") from None
    if not isinstance(value, dict):
        raise BadInput(f"{path}: expected a JSON object, came {type(value).__name__}")
    return value


def write_mapping(path: Path, mapping: Mapping[str, Any]) -> None:
    """Writes nested mappings of numbers and words; floats are rounded to six digits.

    DVC drops lists and null without a word and can't show NaN, so those raise `ValueError`.
    """
    text = json.dumps(_rounded(mapping, ""), indent=2, sort_keys=True, ensure_ascii=False)
    write_bytes(path, f"{text}\n".encode())


def shorten(value: float) -> float:
    """As mappings are written: six decimals; small numbers (learning rates) keep six digits instead."""
    return round(float(value), DIGITS) if abs(value) >= 0.1 else float(f"{value:.{DIGITS}g}")


def write_bytes(path: Path, content: bytes) -> None:
    """Writes aside, syncs and renames: a reader sees the old file or the new one, never half of one."""
    with replacing_file(path) as aside:
        aside.write_bytes(content)


def _gather(line: dict[str, str | None], place: str) -> dict[str, Any]:
    # Where csv puts the cells that no column is for.
    if None in line:
        raise BadInput(f"{place}: expected {len(line) - 1} cells, came more; put quotes around commas")
    values: dict[str, Any] = {}
    for column, cell in line.items():
        numbered = re.fullmatch(r"(.+)_(\d{3})", column)
        if numbered:
            values.setdefault(numbered[1], []).append(cell)
        else:
            values[column] = cell if cell != "" else None
    return values


def _name_columns(row: Row) -> Iterator[str]:
    for name, value in row:
        if isinstance(value, tuple):
            yield from (f"{name}_{index:03d}" for index in range(len(value)))
        else:
            yield name


def _list_cells(row: Row) -> Iterator[str]:
    for _, value in row:
        if isinstance(value, tuple):
            yield from map(_NUMBER, value)
        else:
            yield _cell(value)


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            return _NUMBER(value)
        case Enum():
            return str(value.value)
        case _:
            return str(value)


def _rounded(value: Any, key: str) -> Any:
    match value:
        case Mapping():
            return {str(name): _rounded(item, f"{key}.{name}") for name, item in value.items()}
        case bool() | int() | str():
            return value
        case float() if math.isfinite(value):
            return shorten(value)
        case _:
            raise ValueError(f"{key[1:]}: {value!r} can't stand in a metrics file")


def _describe(error: ValidationError, columns: list[str], before: int) -> str:
    """What is wrong with a table, of which so many rows came before those that were checked."""
    first = error.errors()[0]
    line, *place = first["loc"]
    column = str(place[0]) if place else "?"
    if first["type"] == "missing":
        return f"expected a column {column}, came only {', '.join(columns)}"
    if first["type"] == "extra_forbidden":
        return f"unexpected column {column}; remove it"
    return f"line {before + int(line) + 2}, column {column}: {first['msg'].lower()}, came {first['input']!r}"
