"""The cases with the largest losses."""

import pytest

from brainmri.figures import canvas, top_losses
from tests.figures.samples import BUILDERS, IMAGES, SOURCE, draw, read_texts


def test_each_case_has_prediction_actual_loss_and_probability() -> None:
    texts = read_texts(BUILDERS["top_losses"]())
    assert canvas.NOT_FOR_DIAGNOSIS in texts
    assert [texts.count(key) for key in ("prediction", "actual", "loss", "probability")] == [6] * 4
    assert {"P0000", "2.50", "0.92", "no tumor"} <= set(texts)


def test_correct_and_wrong_are_told_apart_by_word_color_and_frame() -> None:
    figure = BUILDERS["top_losses"]()
    words = {(text.get_text(), text.get_color()) for text in figure.texts if text.get_text()[:1] in "✓✗"}
    widths = [patch.get_linewidth() for patch in figure.axes[0].patches]
    assert words - {("", canvas.GRAY)} == {("✓ correct", canvas.BLUE), ("✗ wrong", canvas.VERMILION)}
    assert widths == [1.0, 3.0] * 3


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_any_number_of_cases_is_drawn(count: int) -> None:
    case = top_losses.Case(IMAGES[0], None, "x" * 300, "y" * 300, "no tumor", 12.3, 1.0)
    figure = top_losses.draw_top_losses([case] * count, SOURCE)
    draw(figure)
    assert len(figure.axes[0].images) == count
