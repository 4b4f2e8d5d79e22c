"""The contact sheet and its choice of samples."""

import numpy as np
import pytest

from brainmri.figures import canvas, sheet, tiles
from tests.figures.samples import BUILDERS, IMAGES, MASKS, SOURCE, draw, read_texts


def test_sheet_warns_and_names_every_case() -> None:
    texts = read_texts(BUILDERS["sheet"]())
    assert {canvas.NOT_FOR_DIAGNOSIS, "tumor", *(f"P{index:04d}" for index in range(6))} <= set(texts)


def test_outlines_are_explained_only_where_there_are_some() -> None:
    captions = [sheet.Caption("tumor", "P1")] * 6
    explained = [
        "Outline" in " ".join(read_texts(sheet.draw_sheet(IMAGES, captions, SOURCE, masks)))
        for masks in (None, np.zeros_like(MASKS), MASKS)
    ]
    assert explained == [False, False, True]


@pytest.mark.parametrize(
    "shape", [(0, 8, 8), (1, 8, 8), (2, 1, 8, 8), (2, 2, 8, 8), (2, 3, 8, 8), (40, 8, 8)]
)
def test_any_number_of_images_and_channels_is_drawn(shape: tuple[int, ...]) -> None:
    captions = [sheet.Caption("a class with a name that never ends " * 3, "x/" * 90)] * shape[0]
    images = np.full(shape, 128, dtype=np.uint8)
    figure = sheet.draw_sheet(images, captions, SOURCE)
    draw(figure)
    assert len(figure.axes[0].images) == shape[0]
    assert ("no images" in read_texts(figure)) == (shape[0] == 0)


def test_three_channels_are_shown_as_colors_and_two_as_the_first() -> None:
    captions = [sheet.Caption("tumor", "P1")]
    shown = [
        sheet.draw_sheet(np.zeros((1, channels, 8, 8), np.uint8), captions, SOURCE)
        .axes[0]
        .images[0]
        .get_array()
        .shape
        for channels in (1, 2, 3)
    ]
    assert shown == [(8, 8), (8, 8), (8, 8, 3)]


def test_caption_missing_for_an_image_is_an_error() -> None:
    with pytest.raises(ValueError, match="zip"):
        sheet.draw_sheet(IMAGES, [sheet.Caption("tumor", "P1")], SOURCE)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 7, 12, 24, 40, 41, 60])
def test_grid_is_balanced_and_inside_the_figure(count: int) -> None:
    grid = tiles.balance(count, 0.3)
    _, right, bottom, _ = grid.extent(count - 1)
    assert grid.rows * grid.columns - count < grid.columns
    assert grid.rows <= grid.columns + 1
    assert right <= canvas.WIDTH_IN
    assert bottom <= grid.size_in[1]


def test_samples_are_even_over_classes_and_spread_over_cases() -> None:
    labels = ["yes", "no"] * 6
    assert sheet.choose_samples(labels, 4).tolist() == [1, 7, 0, 6]


@pytest.mark.parametrize(
    ("labels", "count", "expected"), [([], 4, []), (["no"], 4, [0]), (["no", "yes"], 0, [])]
)
def test_few_or_no_cases_give_few_or_no_samples(labels: list[str], count: int, expected: list[int]) -> None:
    assert sheet.choose_samples(labels, count).tolist() == expected


def test_odd_share_goes_to_the_first_class() -> None:
    labels = np.array(["a"] * 10 + ["b"] * 10)
    assert labels[sheet.choose_samples(labels.tolist(), 5)].tolist() == ["a", "a", "a", "b", "b"]
