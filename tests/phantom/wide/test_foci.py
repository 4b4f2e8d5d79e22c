"""Tumors grow where their kind grows, inside the picture."""

import torch

from brainmri.phantom.wide.draft import Draft
from brainmri.phantom.wide.foci import place_foci, push
from brainmri.phantom.wide.framing import find_frame, locate
from brainmri.phantom.wide.sketch import draw_sketch
from brainmri.phantom.wide.template import HeadPart, Template
from brainmri.phantom.wide.volumes import measure_distance
from tests.phantom.wide.samples import AXIAL, MIDDLE, MakeDraft

NOWHERE = {"dural": 0.0, "sellar": 0.0, "fossa": 0.0, "tumor": 1.0}


def find_middles(draft: Draft, template: Template) -> torch.Tensor:
    """The main foci as points (3, n, 1, 1) of MNI space."""
    sketch = draw_sketch(draft, find_frame(draft.drawn, template.head), template.head)
    main = place_foci(draft, sketch)[0]
    return locate(draft.drawn, main.u, main.v)


def measure_brain(template: Template, points: torch.Tensor) -> torch.Tensor:
    return template.head.sample(points)[:, HeadPart.BRAIN].flatten()


def test_a_tumor_without_a_place_of_its_own_grows_deep_in_the_brain(
    make_draft: MakeDraft, template: Template
) -> None:
    draft = make_draft(60, **NOWHERE, place_z=20.0, place_y=-18.0, place_x=10.0)
    assert bool((measure_brain(template, find_middles(draft, template)) < -5.5).all())


def test_a_tumor_of_the_dura_grows_at_the_surface(make_draft: MakeDraft, template: Template) -> None:
    draft = make_draft(60, **NOWHERE | {"dural": 1.0}, place_z=20.0, place_y=-18.0, place_x=10.0)
    assert float(measure_brain(template, find_middles(draft, template)).abs().max()) < 6


def test_a_tumor_of_the_sella_grows_near_it(make_draft: MakeDraft, template: Template) -> None:
    draft = make_draft(30, **NOWHERE | {"sellar": 1.0}, place_x=0.0, place_y=2.0, place_z=-32.0)
    far = measure_distance(find_middles(draft, template), (0.0, 2.0, -33.0))
    assert float(far.median()) < 10


def test_only_a_tumor_pushes_brain_away_and_most_at_its_middle(
    make_draft: MakeDraft, template: Template
) -> None:
    moved = []
    for tumor in (0.0, 1.0):
        draft = make_draft(20, **NOWHERE | {"tumor": tumor}, push=0.5, midline_mm=0.0, place_z=20.0)
        sketch = draw_sketch(draft, find_frame(draft.drawn, template.head), template.head)
        u, v = push(draft, sketch, place_foci(draft, sketch)[0])
        moved.append(torch.hypot(u - sketch.u, v - sketch.v))
    assert 0 == float(moved[0].max())
    assert bool((moved[1].amax((1, 2)) > 0.5).all())


def test_a_tumor_of_the_posterior_fossa_grows_behind_and_below(
    make_draft: MakeDraft, template: Template
) -> None:
    place = {"place_x": 0.0, "place_y": -60.0, "place_z": -35.0}
    draft = make_draft(30, **AXIAL | NOWHERE | {"fossa": 1.0} | place)
    _, y, z = find_middles(draft, template).flatten(1)
    assert bool((y < -38).all())
    assert bool((z < -14).all())


def test_the_midline_gives_way_to_the_other_side(make_draft: MakeDraft, template: Template) -> None:
    draft = make_draft(20, **MIDDLE | NOWHERE, push=0.0, midline_mm=6.0)
    sketch = draw_sketch(draft, find_frame(draft.drawn, template.head), template.head)
    focus = place_foci(draft, sketch)[0]
    u, v = push(draft, sketch, focus)
    # A pixel of the midline shows what lay on the tumor's side.
    middle = (sketch.u.abs() < 3) & (sketch.brain_mm < -7)
    came = ((u - sketch.u) * torch.sign(focus.u))[middle.expand_as(u)]
    assert 5 < float(came.min()) <= float(came.max()) <= 6
    assert torch.equal(sketch.v, v)
