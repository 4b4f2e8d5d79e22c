"""Pictures are cropped to the head, as `prepare` crops."""

import torch

from brainmri.phantom.wide.draft import Draft
from brainmri.phantom.wide.framing import find_frame, locate, turn
from brainmri.phantom.wide.template import HeadPart, Template
from tests.phantom.wide.samples import MIDDLE, MakeDraft

PLAIN = {"margin": 1.0, "shift_x": 0.0, "shift_y": 0.0, "stripped": 0.0, "cut_mm": 400.0}


def see_skin(draft: Draft, template: Template, share: float) -> torch.Tensor:
    """The distance from the skin in mm on a square of that share of the frame."""
    frame = find_frame(draft.drawn, template.head)
    x, y = frame.place(48)
    middle_x, middle_y = frame.middle_x, frame.middle_y
    points = locate(
        draft.drawn, *turn(draft.drawn, middle_x + share * (x - middle_x), middle_y + share * (y - middle_y))
    )
    head = template.head.sample(points)
    shells = draft["fluid_mm"] + draft["skull_mm"] + draft["scalp_mm"]
    return torch.minimum(head[:, HeadPart.VAULT] - shells, head[:, HeadPart.FACE])


def test_the_frame_encloses_the_head_and_little_more(make_draft: MakeDraft, template: Template) -> None:
    draft = make_draft(40, **PLAIN, **MIDDLE)
    skin = see_skin(draft, template, 1.1)
    ring = torch.ones(48, 48, dtype=torch.bool)
    ring[1:-1, 1:-1] = False
    assert float((skin[:, ring] < 0).float().mean()) == 0
    inside = see_skin(draft, template, 0.9)
    rows, columns = (inside < 0).any(2).float().mean(1), (inside < 0).any(1).float().mean(1)
    assert bool((torch.maximum(rows, columns) == 1).all())


def test_a_wider_margin_shows_more(make_draft: MakeDraft, template: Template) -> None:
    near, far = (
        find_frame(make_draft(20, **PLAIN | {"margin": margin}).drawn, template.head).half_mm
        for margin in (1.0, 2.0)
    )
    assert torch.allclose(2 * near, far)


def test_a_plane_far_from_the_head_has_a_frame_too(make_draft: MakeDraft, template: Template) -> None:
    draft = make_draft(3, **PLAIN, place_z=1000.0)
    assert (80.0 * torch.ones(3)).equal(find_frame(draft.drawn, template.head).half_mm.flatten())
