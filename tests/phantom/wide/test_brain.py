"""Brains differ as those of people do: in their ventricles, and in the fluid around them."""

import torch

from brainmri.phantom.wide.template import Template
from tests.phantom.wide.samples import MIDDLE, MakeDraft, draw_healthy

# Without a tumor, as the template has it.
PLAIN = MIDDLE | {"tumor": 0.0, "ventricle_mm": -1.0, "ventricle_side_mm": 0.0, "atrophy": 0.0}


def measure_fluid(make_draft: MakeDraft, template: Template, **changes: float) -> tuple[torch.Tensor, ...]:
    """Which share is fluid: 15 mm below the surface and more, on the right and left; less than 12 mm."""
    healthy = draw_healthy(make_draft(12, **PLAIN | changes), template)
    brain = healthy.scene.brain
    deep = (healthy.scene.shells.fluid_mm < -15).float()
    around = ((healthy.scene.shells.fluid_mm < -1) & (healthy.scene.shells.fluid_mm > -12)).float()
    right = (brain.points[0] > 0).float()
    parts = deep * right, deep * (1 - right), around
    return tuple((brain.fluid * part).sum() / part.sum() for part in parts)


def test_wide_ventricles_hold_more_fluid(make_draft: MakeDraft, template: Template) -> None:
    usual, wide = (measure_fluid(make_draft, template, ventricle_mm=by) for by in (-1.0, 6.0))
    assert float(wide[0]) > 1.5 * float(usual[0])
    assert float(wide[1]) > 1.5 * float(usual[1])


def test_ventricles_may_be_larger_on_one_side(make_draft: MakeDraft, template: Template) -> None:
    right, left, _ = measure_fluid(make_draft, template, ventricle_mm=3.0, ventricle_side_mm=4.0)
    other_right, other_left, _ = measure_fluid(make_draft, template, ventricle_mm=3.0, ventricle_side_mm=-4.0)
    assert (float(right) > 1.2 * float(left)) != (float(other_right) > 1.2 * float(other_left))
    assert (float(left) > 1.2 * float(right)) != (float(other_left) > 1.2 * float(other_right))


def test_atrophy_leaves_more_fluid_around_the_brain(make_draft: MakeDraft, template: Template) -> None:
    usual, less = (measure_fluid(make_draft, template, atrophy=by) for by in (-0.05, 0.1))
    assert float(less[2]) > 1.3 * float(usual[2])
