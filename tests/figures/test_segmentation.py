"""The segmenter's pictures: nothing hidden, colors told apart, and who is shown as best, median and worst."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from brainmri.figures.canvas import save
from brainmri.figures.masks import choose_patients
from brainmri.figures.overlays import FALSE, FOUND, MISSED, Overlay, color, draw_overlays
from brainmri.figures.segmentation import draw_patients
from brainmri.figures.sheet import Caption
from brainmri.scoring.overlap import PatientOverlap


def _patient(case: str, dice: float | None) -> PatientOverlap:
    tumor = 0 if dice is None else 100
    return PatientOverlap(
        case=case,
        group=case,
        slices=3,
        tumor_slices=int(tumor > 0),
        tumor_px=tumor,
        predicted_px=90,
        healthy_px=900,
        dice=dice,
        iou=None,
        sensitivity=None,
        specificity=1.0,
        precision=None,
        hausdorff95=None,
        surface_dice=None,
    )


def _overlay(name: str = "a") -> Overlay:
    reference, predicted = np.zeros((2, 8, 8), bool)
    reference[2:5, 2:5], predicted[3:6, 2:5] = True, True
    return Overlay(np.full((8, 8), 100, np.uint8), reference, predicted, Caption("best: Dice 0.67", name))


def test_found_missed_and_false_areas_have_colors_of_their_own() -> None:
    colored = color(_overlay())
    assert (3, 8, 8) == colored.shape
    assert [100, 100, 100] == colored[:, 0, 0].tolist()
    spots = {FOUND: (3, 3), MISSED: (2, 3), FALSE: (5, 3)}
    for name, (row, column) in spots.items():
        expected = 0.4 * 100 + 0.6 * 255 * np.array(to_rgb(name))
        np.testing.assert_allclose(expected, colored[:, row, column], atol=0.6)


def test_the_colors_differ_in_gray_too() -> None:
    grays = sorted(float(np.dot(to_rgb(name), (0.299, 0.587, 0.114))) for name in (FOUND, MISSED, FALSE))
    assert min(np.diff(grays)) > 0.1


@pytest.mark.parametrize("count", [0, 1, 2, 9])
def test_overlays_of_any_number_are_drawn(count: int, tmp_path: Path) -> None:
    figure = draw_overlays([_overlay(str(number)) for number in range(count)], "a source")
    save(figure, tmp_path / "overlays.png")
    assert ["tumor, found", "tumor, missed", "no tumor, but called"] == [
        text.get_text() for text in figure.legends[0].get_texts()
    ]


def test_a_picture_keeps_every_color_of_its_areas(tmp_path: Path) -> None:
    """On noisy gray images a palette of 256 colors turned missed areas into false ones."""
    generator = np.random.default_rng(0)
    reference, predicted = np.zeros((2, 64, 64), bool)
    reference[10:30, 10:30], predicted[40:60, 40:60] = True, True
    overlays = [
        Overlay(generator.integers(0, 255, (64, 64), np.uint8), reference, predicted, Caption("a", "b"))
        for _ in range(9)
    ]
    save(draw_overlays(overlays, "a source"), tmp_path / "overlays.png", exact=True)
    pixels = np.asarray(Image.open(tmp_path / "overlays.png").convert("RGB")).reshape(-1, 3)
    assert len(np.unique(pixels, axis=0)) > 400
    assert (tmp_path / "overlays.png").stat().st_size < 1_000_000


def test_patients_without_tumor_are_no_dots() -> None:
    patients = [_patient("A", 0.9), _patient("B", None), _patient("C", 0.5)]
    figures = {"dice_per_patient_mean": {"value": 0.7, "low": 0.5, "high": 0.9}}
    ranks, sizes = draw_patients(patients, figures, "a source").axes
    assert [0.5, 0.9] == ranks.lines[0].get_ydata().tolist()
    assert [[0.9, 0.5], [100, 100]] == [list(sizes.lines[0].get_ydata()), list(sizes.lines[0].get_xdata())]
    assert "mean 0.70 (0.50 to 0.90)" == ranks.lines[1].get_label()


def test_no_patient_with_tumor_is_said() -> None:
    for axes in draw_patients([_patient("A", None)], {}, "a source").axes:
        assert "no patient with tumor" == axes.texts[0].get_text()


@pytest.mark.parametrize(
    ("dices", "expected"),
    [
        ([], []),
        ([0.5], [("best", 0.5)]),
        ([0.5, 0.9], [("best", 0.9), ("worst", 0.5)]),
        ([0.1, 0.5, 0.9], [("best", 0.9), ("median", 0.5), ("worst", 0.1)]),
        (
            [number / 10 for number in range(1, 11)],
            [
                *(("best", value) for value in (1.0, 0.9, 0.8)),
                *(("median", value) for value in (0.7, 0.6, 0.5)),
                *(("worst", value) for value in (0.3, 0.2, 0.1)),
            ],
        ),
    ],
)
def test_best_median_and_worst_are_shown_none_twice(
    dices: list[float], expected: list[tuple[str, float]]
) -> None:
    patients = [_patient(f"P{number}", value) for number, value in enumerate(dices)]
    assert expected == [(kind, row.dice) for kind, row in choose_patients(patients)]
