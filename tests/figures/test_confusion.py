"""The confusion matrix."""

import numpy as np
import pytest

from brainmri.figures import confusion
from tests.figures.samples import BUILDERS, SOURCE, draw, read_texts


def test_cells_hold_counts_and_shares_of_their_row() -> None:
    texts = read_texts(BUILDERS["confusion"]())
    assert {"31", "86 % of 36", "5", "14 % of 36", "3", "8 % of 36", "33", "92 % of 36"} <= set(texts)
    assert {"Actual", "Predicted", "no tumor\nn = 36", "tumor\nn = 36"} <= set(texts)


def test_color_is_the_share_of_the_row_from_none_to_all() -> None:
    image = BUILDERS["confusion"]().axes[0].images[0]
    assert (image.norm.vmin, image.norm.vmax) == (0, 1)
    assert np.allclose(image.get_array(), [[31 / 36, 5 / 36], [3 / 36, 33 / 36]])


def test_shares_round_to_none_or_all_only_where_exact() -> None:
    figure = confusion.draw_confusion(np.array([[999, 1], [0, 7]]), ["no tumor", "tumor"], SOURCE)
    assert {"> 99 % of 1,000", "< 1 % of 1,000", "0 % of 7", "100 % of 7"} <= set(read_texts(figure))


def test_class_without_cases_has_no_share() -> None:
    figure = confusion.draw_confusion(np.array([[4, 1], [0, 0]]), ["no tumor", "tumor"], SOURCE)
    assert read_texts(figure).count("no cases") == 2


@pytest.mark.parametrize("classes", [0, 1, 2, 3, 6])
def test_any_number_of_classes_with_long_names_is_drawn(classes: int) -> None:
    names = [f"astrocytoma, diffuse, IDH-mutant, grade {grade} of a long list" for grade in range(classes)]
    figure = confusion.draw_confusion(np.full((classes, classes), 1234), names, SOURCE)
    draw(figure)
    assert any("astrocytoma" in text for text in read_texts(figure)) or classes == 0
