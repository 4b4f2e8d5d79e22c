"""Oddities change the pictures that have them, and no others."""

import pytest
import torch

from brainmri.phantom.wide.oddities import shade_oddities
from brainmri.phantom.wide.template import Template
from tests.phantom.wide.samples import AXIAL, MIDDLE, Healthy, MakeDraft, draw_healthy

NAMES = ("spots", "caps", "dots", "twins", "sinus", "falx", "pituitary", "pineal")
NONE = dict.fromkeys(NAMES, 0.0)
SELLA = AXIAL | {"place_x": 0.0, "place_y": 2.0, "place_z": -33.0}
PINEAL = AXIAL | {"place_x": 0.0, "place_y": -18.0, "place_z": 2.0}
TWINS = {"twins_x": 20.0, "twins_y": -20.0, "twins_z": 20.0, "twins_mm": 8.0, "twins_signal": 0.3}
CASES = {
    "spots": MIDDLE | {"spot_level": 1.3},
    "caps": MIDDLE | {"caps_mm": 6.0},
    "dots": MIDDLE | {"dots_signal": 2.0, "dot_mm": 2.6},
    "twins": MIDDLE | TWINS,
    "sinus": MIDDLE | {"sinus_signal": 2.0, "sinus_mm": 5.0},
    "falx": MIDDLE | {"falx_signal": 2.0, "falx_mm": 1.2},
    "pituitary": SELLA | {"pituitary_signal": 2.0, "pituitary_mm": 6.0},
    "pineal": PINEAL | {"pineal_signal": 2.0, "pineal_mm": 5.0},
}


def shade(make_draft: MakeDraft, template: Template, **columns: float) -> tuple[Healthy, torch.Tensor]:
    """What is known of the pictures, and the change of each pixel."""
    healthy = draw_healthy(make_draft(12, **columns), template)
    return healthy, shade_oddities(healthy.draft, healthy.image.clone(), healthy.scene) - healthy.image


@pytest.mark.parametrize("name", NAMES)
def test_it_changes_a_small_part_of_the_pictures_that_have_it(
    make_draft: MakeDraft, template: Template, name: str
) -> None:
    _, change = shade(make_draft, template, **NONE | {name: 1.0} | CASES[name])
    touched = (change.abs() > 0.05).float().mean((1, 2))
    assert float((touched > 0).float().mean()) > 0.7
    assert float(touched.mean()) < 0.2


def test_pictures_without_any_stay_as_they_are(make_draft: MakeDraft, template: Template) -> None:
    assert not shade(make_draft, template, **NONE)[1].any()


def test_twins_mirror_each_other_in_the_midline(make_draft: MakeDraft, template: Template) -> None:
    healthy, change = shade(make_draft, template, **NONE | {"twins": 1.0} | CASES["twins"])
    right = healthy.scene.brain.points[0] > 0
    sides = torch.stack([(change * right).sum((1, 2)), (change * ~right).sum((1, 2))])
    assert float(sides.min()) > 0
    assert float(sides.mean(1).diff().abs() / sides.mean()) < 0.2
