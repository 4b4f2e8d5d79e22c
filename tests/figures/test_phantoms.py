"""Unseen phantoms by size and kind of tumor, and while a network learnt."""

from pathlib import Path

import pytest

from brainmri.dataset.phantoms import SYNTHETIC
from brainmri.figures.phantoms import draw_course, draw_groups, draw_pretraining
from brainmri.scoring.phantoms import PhantomReport
from tests.figures.samples import BUILDERS, PRETRAINING, SOURCE, TUMOR_GROUPS, draw, read_texts


@pytest.mark.parametrize("name", ["phantom_groups", "phantom_course"])
def test_every_picture_says_that_it_is_no_result_on_real_data(name: str) -> None:
    assert SYNTHETIC in read_texts(BUILDERS[name]())


def test_a_group_is_named_by_its_size_or_kind_and_how_many_tumors_it_has() -> None:
    texts = read_texts(draw_groups(TUMOR_GROUPS, SOURCE))
    assert {"0.4 to 2.1 % (n = 40)", "0.4 to 2.1 % (n = 41)", "posterior fossa (n = 1)"} <= set(texts)


def test_a_group_without_interval_is_a_point_alone() -> None:
    area = draw_groups(TUMOR_GROUPS, SOURCE).axes[0]
    assert 2 * len(TUMOR_GROUPS) - 1 == len(area.lines)


def test_no_group_and_no_scored_phantom_are_drawn_too() -> None:
    draw(draw_groups([], SOURCE))
    draw(draw_course(PRETRAINING[:1], SOURCE))


def test_points_are_where_unseen_phantoms_were_scored() -> None:
    losses, watched = draw_course(PRETRAINING, SOURCE).axes
    assert [(1_000_000, 0.81), (2_000_000, 0.93)] == list(zip(*watched.lines[0].get_data(), strict=True))
    assert 4 == len(losses.lines[0].get_xdata())


def test_both_pictures_are_written(tmp_path: Path) -> None:
    report = PhantomReport({"slice": {"n": 94, "confidence": 0.95}}, TUMOR_GROUPS)
    draw_pretraining(report, PRETRAINING, "resnet18", tmp_path)
    assert {"groups.png", "course.png"} == {path.name for path in tmp_path.iterdir()}
