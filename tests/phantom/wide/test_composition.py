"""The brain lies in its head, the head before its background."""

import torch

from brainmri.phantom.wide.composition import compose
from brainmri.phantom.wide.head import paint_head
from brainmri.phantom.wide.lesions import Grown
from brainmri.phantom.wide.template import Template
from tests.phantom.wide.samples import MIDDLE, Healthy, MakeDraft, draw_healthy

PLAIN = MIDDLE | {"tumor": 0.0, "empty": 0.0, "wedge": 0.0, "letterbox": 0.0, "background": 0.0}


def compose_healthy(
    make_draft: MakeDraft, template: Template, **changes: float
) -> tuple[Healthy, torch.Tensor]:
    healthy = draw_healthy(make_draft(10, **PLAIN | changes), template)
    around = paint_head(healthy.draft, template, healthy.scene.shells, healthy.sketch)
    grown = Grown(healthy.image, torch.zeros_like(healthy.image))
    return healthy, compose(healthy.draft, healthy.frame, healthy.scene, grown, around)


def test_a_stripped_picture_shows_the_brain_alone(make_draft: MakeDraft, template: Template) -> None:
    healthy, signal = compose_healthy(make_draft, template, stripped=1.0)
    assert float(signal[healthy.scene.shells.fluid_mm > 4].abs().max()) < 1e-3
    deep = healthy.scene.shells.fluid_mm < -6
    assert torch.allclose(signal[deep], healthy.image[deep], atol=1e-3)


def test_a_head_lies_around_the_brain_and_the_background_around_the_head(
    make_draft: MakeDraft, template: Template
) -> None:
    healthy, signal = compose_healthy(make_draft, template, stripped=0.0, background=0.25, fat=0.9)
    outside = healthy.scene.shells.skin_mm > 6
    assert torch.allclose(torch.tensor(0.25), signal[outside], atol=1e-3)
    scalp = (healthy.scene.shells.skin_mm < -1.5) & (healthy.scene.shells.skull_mm > 1.5)
    assert float(signal[scalp].mean()) > 0.3


def test_an_empty_picture_shows_the_background_unless_it_has_a_tumor(
    make_draft: MakeDraft, template: Template
) -> None:
    assert not compose_healthy(make_draft, template, empty=1.0)[1].any()
    assert compose_healthy(make_draft, template, empty=1.0, tumor=1.0)[1].any()


def test_a_wedge_leaves_nothing_beyond_a_line(make_draft: MakeDraft, template: Template) -> None:
    _, signal = compose_healthy(make_draft, template, wedge=1.0, wedge_turn=0.0, wedge_at=0.25)
    assert not signal[:, :, 41:].any()
    assert bool((signal[:, :, :30].amax((1, 2)) > 0.1).all())


def test_a_letterbox_leaves_nothing_below_its_cut(make_draft: MakeDraft, template: Template) -> None:
    cut = {"letterbox": 1.0, "cut_mm": 20.0, "shift_x": 0.0, "shift_y": 0.0}
    healthy, signal = compose_healthy(make_draft, template, **cut)
    below = (healthy.frame.place(64)[1] > 20).expand_as(signal)
    assert below.any()
    assert not signal[below].any()
    assert bool((signal.masked_fill(below, 0).amax((1, 2)) > 0.1).all())
