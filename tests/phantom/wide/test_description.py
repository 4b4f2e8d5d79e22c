"""What pictures show is drawn as the settings say, and alike for both classes."""

from typing import Any

import numpy as np
import pytest

from brainmri.phantom.wide.columns import Columns
from brainmri.phantom.wide.description import describe
from brainmri.phantom.wide.kinds import Kind
from brainmri.phantom.wide.settings import WideParams
from tests.phantom.wide.samples import VALUES

MANY = 4096


def draw(count: int = MANY, seed: int = 0, **changes: Any) -> Columns:
    return describe(np.random.default_rng(seed), count, WideParams(**VALUES | changes))


def test_every_column_has_a_finite_number_a_picture() -> None:
    for name, column in draw(50).items():
        assert (50,) == column.shape, name
        assert np.isfinite(column).all(), name


def test_a_tumor_changes_nothing_else_that_is_drawn() -> None:
    ill, healthy = draw(64, tumor_fraction=1.0), draw(64, tumor_fraction=0.0)
    differing = [name for name in ill if not np.array_equal(ill[name], healthy[name])]
    assert ["tumor"] == differing


def test_no_column_goes_with_the_tumor() -> None:
    columns = draw()
    tumor = columns.pop("tumor")
    for name, column in columns.items():
        if column.std() > 0:
            correlation = np.corrcoef(tumor, column.astype(float))[0, 1]
            assert abs(correlation) < 5 / np.sqrt(MANY), name


@pytest.mark.parametrize(
    ("setting", "columns"),
    [
        ("lookalikes", ("spots", "caps", "twins", "dots", "falx", "pituitary", "pineal")),
        ("marks", ("mark_0", "mark_1", "framed")),
        ("degradation", ("slope", "pixel_x", "pixel_y", "sharpen", "ghost", "jpeg", "empty")),
        ("stripped", ("stripped",)),
    ],
)
def test_a_rate_of_0_leaves_away_what_it_names(setting: str, columns: tuple[str, ...]) -> None:
    without, by_default = draw(**{setting: 0.0}), draw()
    for name in columns:
        assert not without[name].any(), name
        assert by_default[name].any(), name


def test_the_planes_have_the_shares_asked_for() -> None:
    columns = draw(coronal=0.3, sagittal=0.2)
    normal = np.cross(
        *(np.stack([columns[f"{name}_{axis}"] for axis in "xyz"], 1) for name in ("across", "down"))
    )
    main = np.abs(normal).argmax(axis=1)
    shares = np.bincount(main, minlength=3) / MANY
    assert shares == pytest.approx([0.2, 0.3, 0.5], abs=0.03)


def test_radii_keep_to_their_bounds_and_kinds_to_theirs() -> None:
    columns = draw(radius_min_mm=10.0, radius_max_mm=20.0)
    several = columns["kind"] == Kind.MULTIFOCAL
    main = columns["radius_mm_0"]
    assert main[~several].min() >= 10
    assert main.max() <= 20
    assert (columns["present_1"][several] > 0).all()
    assert not columns["present_1"][~several].any()


def test_tumors_of_the_sella_and_the_posterior_fossa_lie_in_planes_that_show_these() -> None:
    columns = draw(coronal=0.0, sagittal=0.0)
    assert abs(np.median(columns["place_z"][columns["sellar"] > 0]) + 32) < 2
    assert columns["place_z"][columns["fossa"] > 0].max() < -17
