"""What differs between two mappings: figures with their intervals kept together, and plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from brainmri.scoring.intervals import Bounds, difference_interval

_ENDS = {"low", "high"}


@dataclass(frozen=True)
class Figure:
    """A number with the ends of its interval, None where it has none."""

    value: float
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        """As a cell of a table shows it."""
        shown = f"{self.value:.3f}" if abs(self.value) >= 1e-3 or self.value == 0 else f"{self.value:.2e}"
        return (
            shown if self.low is None or self.high is None else f"{shown} ({self.low:.3f} to {self.high:.3f})"
        )


Value = Figure | int | float | str | bool | None


@dataclass(frozen=True)
class Difference:
    """A key whose values differ; None stands for no such key."""

    key: str
    before: Value
    after: Value

    @property
    def noise(self) -> str:
        """Whether a change of two figures with intervals is one that chance alone explains; else empty."""
        after, before = _interval(self.after), _interval(self.before)
        if after is None or before is None:
            return ""
        low, high = difference_interval((after[0], before[0]), (after[1], before[1]), correlation=0.0)
        return "inside the noise" if low <= 0 <= high else "outside the noise"


def _interval(value: Value) -> tuple[float, Bounds] | None:
    if not isinstance(value, Figure) or value.low is None or value.high is None:
        return None
    return value.value, (value.low, value.high)


def flatten(content: Mapping[str, Any], prefix: str = "") -> dict[str, Value]:
    """Dotted keys and their values; a mapping of `value` and perhaps `low` and `high` is one figure."""
    found: dict[str, Value] = {}
    for key, value in content.items():
        place = f"{prefix}{key}"
        if isinstance(value, Mapping) and isinstance(value.get("value"), int | float):
            found[place] = Figure(float(value["value"]), value.get("low"), value.get("high"))
            rest = {name: own for name, own in value.items() if name not in _ENDS | {"value"}}
            found |= flatten(rest, f"{place}.")
        elif isinstance(value, Mapping):
            found |= flatten(value, f"{place}.")
        elif isinstance(value, list):
            found[place] = ", ".join(map(str, value))
        else:
            found[place] = value
    return found


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """The keys whose values differ, in the order of `after`, then those that are gone."""
    old, new = flatten(before), flatten(after)
    keys = [*new, *(key for key in old if key not in new)]
    return [Difference(key, old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)]
