"""The network beside the shortcut baselines."""

import pytest

from brainmri.figures import curves, shortcuts
from tests.figures.samples import BUILDERS, CONTENDERS, SOURCE, draw, read_texts


def test_every_contender_has_a_row_and_the_network_is_on_top() -> None:
    figure = BUILDERS["shortcuts"]()
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["network", "header", "prepared thumbnail"]
    assert [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_marker() in "oD"] == [
        0.93,
        0.55,
        0.7,
    ]


def test_each_panel_says_what_its_lines_and_intervals_are() -> None:
    texts = read_texts(BUILDERS["shortcuts"]())
    assert "with 95 % interval\ngray: the network's; dashed: chance" in texts
    assert "with 95 % interval\ngray: the network's" in texts


def test_no_interval_is_named_where_there_is_none() -> None:
    network = shortcuts.Contender("network", curves.Interval(0.9, 0.95), None)
    assert "gray: the network's" in read_texts(shortcuts.draw_shortcuts(network, [], SOURCE))


@pytest.mark.parametrize("count", [0, 1, 20])
def test_any_number_of_baselines_is_drawn(count: int) -> None:
    figure = shortcuts.draw_shortcuts(CONTENDERS[0], CONTENDERS[1:2] * count, SOURCE)
    draw(figure)
    assert len(figure.axes[0].get_yticks()) == 1 + count


def test_the_undefined_is_said_to_be_so() -> None:
    unknown = shortcuts.Contender("header", None, curves.Interval(0.6, 0.95))
    assert read_texts(shortcuts.draw_shortcuts(CONTENDERS[0], [unknown], SOURCE)).count(curves.UNDEFINED) == 1
