"""What the plane passes by is left away, and nothing that is seen."""

import numpy as np
import pytest

from brainmri.phantom.wide.choices.reach import find_shown
from brainmri.phantom.wide.columns import Columns

AXES = {"across": (1.0, 0.0, 0.0), "down": (0.0, -1.0, 0.0)}


def lie_at(*heights: float) -> Columns:
    """Axial planes with all oddities."""
    n = len(heights)
    columns: Columns = {f"place_{axis}": np.zeros(n) for axis in "xy"} | {"place_z": np.array(heights)}
    for name, vector in AXES.items():
        columns |= {f"{name}_{axis}": np.full(n, value) for axis, value in zip("xyz", vector, strict=True)}
    names = ("pituitary", "pineal", "twins", "twins_long")
    columns |= {name: np.ones(n) for name in names} | {"low": np.ones(n, np.bool_)}
    columns |= {name: np.full(n, 4.0) for name in ("pituitary_mm", "pineal_mm", "twins_mm")}
    return columns | {"twins_x": np.full(n, 20.0), "twins_y": np.zeros(n), "twins_z": np.full(n, 30.0)}


@pytest.mark.parametrize(
    ("name", "shown", "hidden"),
    [
        ("pituitary", -33.0, -20.0),
        ("pineal", 2.0, 30.0),
        ("twins", 28.0, 0.0),
        ("orbits", -38.0, 12.0),
        ("cells", -44.0, 20.0),
    ],
)
def test_it_is_shown_where_the_plane_meets_it(name: str, shown: float, hidden: float) -> None:
    assert [True, False] == find_shown(lie_at(shown, hidden))[name].astype(bool).tolist()


def test_what_a_picture_has_not_is_not_shown() -> None:
    columns = lie_at(-33.0) | {"pituitary": np.zeros(1), "low": np.zeros(1, np.bool_)}
    shown = find_shown(columns)
    assert not shown["pituitary"].any()
    assert not shown["orbits"].any()
