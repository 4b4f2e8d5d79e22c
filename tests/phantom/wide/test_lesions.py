"""What a tumor does to the brain it grows in."""

import pytest
import torch

from brainmri.phantom.wide.kinds import Look
from brainmri.phantom.wide.lesions import Grown, grow
from brainmri.phantom.wide.template import Template
from tests.phantom.wide.samples import MIDDLE, Healthy, MakeDraft, draw_healthy

# One round focus of 20 mm in an even brain, without anything around it.
PLAIN = MIDDLE | {
    **{"tumor": 1.0, "dural": 0.0, "sellar": 0.0, "fossa": 0.0, "tail": 0.0, "edema": 0.0, "outline": 0.0},
    **{"present_1": 0.0, "present_2": 0.0, "radius_mm_0": 20.0, "rough_0": 0.0, "follows_white": 0.0},
    **{"along_u_0": 0.05, "along_v_0": 0.0, "aside_u_0": 0.0, "aside_v_0": 0.05, "soft_0": 0.02},
    **{"opacity": 1.0, "keeps": 0.0, "tumor_texture": 0.0, "difference": 0.4, "core": 0.6},
    **{"core_bright": 0.0, "core_signal": -0.3, "csf": 0.1, "gray": 0.5, "white": 0.6},
    **{"push": 0.0, "midline_mm": 0.0, "x_to_u": 1.0, "x_to_v": 0.0, "y_to_u": 0.0, "y_to_v": 1.0},
}


def grow_plain(make_draft: MakeDraft, template: Template, **changes: float) -> tuple[Healthy, Grown]:
    healthy = draw_healthy(make_draft(12, **PLAIN | changes), template)
    return healthy, grow(healthy.draft, healthy.image, healthy.frame, healthy.foci, healthy.scene)


def test_without_a_tumor_nothing_changes(make_draft: MakeDraft, template: Template) -> None:
    healthy, grown = grow_plain(make_draft, template, tumor=0.0)
    assert torch.equal(healthy.image, grown.image)
    assert not grown.cover.any()


def test_a_round_tumor_covers_a_disk_of_its_radius_within_the_brain(
    make_draft: MakeDraft, template: Template
) -> None:
    healthy, grown = grow_plain(make_draft, template)
    pixel_mm = 2 * healthy.frame.half_mm.flatten() / 64
    area_mm2 = (grown.cover > 0.5).sum((1, 2)) * pixel_mm**2
    # Less where the brain ends, or fluid is.
    assert float(area_mm2.max()) == pytest.approx(3.14 * 20**2, rel=0.05)
    assert not grown.cover[healthy.scene.shells.fluid_mm > 5].gt(0.01).any()


@pytest.mark.parametrize(
    ("look", "sign"), [(Look.BRIGHT, 1), (Look.DARK, -1), (Look.CYSTIC, -1), (Look.EDEMA_ONLY, 0)]
)
def test_a_look_changes_the_signal_its_own_way(
    make_draft: MakeDraft, template: Template, look: Look, sign: int
) -> None:
    healthy, grown = grow_plain(make_draft, template, look=float(look), core=0.95)
    inside = grown.cover > 0.95
    change = (grown.image - healthy.image)[inside].mean()
    assert sign == round(float(change) / 0.3)


def test_a_ring_is_bright_around_a_dark_core(make_draft: MakeDraft, template: Template) -> None:
    _, cyst = grow_plain(make_draft, template, look=float(Look.RING))
    signals = cyst.image[cyst.cover > 0.95]
    assert float(signals.quantile(0.9)) > 0.8
    assert float(signals.quantile(0.1)) < 0.35


def test_edema_spreads_beyond_the_tumor_with_less_than_half_its_cover(
    make_draft: MakeDraft, template: Template
) -> None:
    swollen = {"edema": 1.0, "edema_reach": 2.2, "edema_strength": 0.5, "edema_odd": 1.0, "edema_sign": 1.0}
    healthy, alone = grow_plain(make_draft, template)
    _, grown = grow_plain(make_draft, template, **swollen)
    around = (alone.cover < 0.01) & (grown.cover > 0.3)
    assert around.any()
    assert float(grown.cover[around].max()) <= 0.4
    assert float((grown.image - healthy.image)[around].min()) > 0.2


def test_several_foci_are_all_covered(make_draft: MakeDraft, template: Template) -> None:
    further = {"radius_mm": 8.0, "rough": 0.0, "soft": 0.02}
    axes = {"along_u": 0.125, "along_v": 0.0, "aside_u": 0.0, "aside_v": 0.125}
    columns = {f"{name}_{number}": value for name, value in (further | axes).items() for number in (1, 2)}
    _, alone = grow_plain(make_draft, template, **columns)
    healthy, all_of_them = grow_plain(make_draft, template, **columns, present_1=1.0, present_2=1.0)
    for number, focus in enumerate(healthy.foci):
        x, y = healthy.frame.place(64)
        near = torch.hypot(x - focus.u, y - focus.v) < 3
        assert float(all_of_them.cover[near].min()) > 0.9
        assert bool(number) == bool(alone.cover[near].lt(0.5).any())
    assert bool((all_of_them.cover >= alone.cover).all())


def test_a_tail_runs_along_the_dura_beyond_the_tumor(make_draft: MakeDraft, template: Template) -> None:
    images = {
        tail: grow_plain(make_draft, template, dural=1.0, tail=tail, look=float(Look.BRIGHT))
        for tail in (0.0, 1.0)
    }
    healthy, without = images[0.0]
    brighter = images[1.0][1].image - without.image > 0.1
    beyond = brighter & (without.cover < 0.01)
    assert bool(beyond.any((1, 2)).float().mean() > 0.8)
    assert float(healthy.scene.shells.fluid_mm[brighter].abs().max()) < 3
    assert torch.equal(without.cover, images[1.0][1].cover)
