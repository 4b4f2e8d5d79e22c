"""Rows <-> CSV, mappings <-> JSON: fixed digits, sorted keys, written atomically."""

import csv
import io
import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, TextIO, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from brainmri.errors import BadInput
from brainmri.replacement import replacing_file

DIGITS = 6
_NUMBER = f"{{:.{DIGITS}f}}".format


class Row(BaseModel):
    """One line of a CSV table; the fields are the columns.

    A field of type `tuple[float, ...]` becomes the numbered columns `name_000`, `name_001` ….
    An empty cell is None.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")


AnyRow = TypeVar("AnyRow", bound=Row)


def read_rows(path: Path, row: type[AnyRow]) -> list[AnyRow]:
    """The table at `path` as checked rows; `BadInput` names the line and column that is wrong."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = list(reader.fieldnames or [])
            cells = [_gather(line, f"{path}: line {reader.line_num}") for line in reader]
    except FileNotFoundError:
        raise BadInput(f"{path}: no such table; run `dvc repro` to make it") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path}: expected a CSV table in UTF-8, came something else ({error})") from None
    try:
        return TypeAdapter(list[row]).validate_python(cells)  # type: ignore[valid-type]
    except ValidationError as error:
        raise BadInput(f"{path}: {_describe(error, columns)}") from None


def write_rows(path: Path, rows: Iterable[Row], row: type[Row]) -> None:
    """Writes the rows in the order given, floats with six digits."""
    buffer = io.StringIO()
    stream_rows(buffer, rows, row)
    write_bytes(path, buffer.getvalue().encode())


def stream_rows(file: TextIO, rows: Iterable[Row], row: type[Row]) -> None:
    """Writes the rows one by one as they come, so that none waits in memory."""
    coming = iter(rows)
    first = next(coming, None)
    columns = list(row.model_fields) if first is None else list(_name_columns(first))
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    for item in itertools.chain(() if first is None else (first,), coming):
        cells = list(_list_cells(item))
        if len(cells) != len(columns):
            raise ValueError(f"expected {len(columns)} cells as in the first row, came {len(cells)}")
        writer.writerow(cells)


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


def _describe(error: ValidationError, columns: list[str]) -> str:
    first = error.errors()[0]
    line, *place = first["loc"]
    column = str(place[0]) if place else "?"
    if first["type"] == "missing":
        return f"expected a column {column}, came only {', '.join(columns)}"
    if first["type"] == "extra_forbidden":
        return f"unexpected column {column}; remove it"
    return f"line {int(line) + 2}, column {column}: {first['msg'].lower()}, came {first['input']!r}"
