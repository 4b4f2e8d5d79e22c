"""The committed settings of the wide phantoms, and what makes them with changes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch

from brainmri.params import load_yaml
from brainmri.phantom.wide.brain import find_brain, shade_brain
from brainmri.phantom.wide.draft import Draft
from brainmri.phantom.wide.foci import Focus, place_foci
from brainmri.phantom.wide.framing import Frame, find_frame
from brainmri.phantom.wide.generator import PhantomGenerator
from brainmri.phantom.wide.head import measure_shells
from brainmri.phantom.wide.scene import Scene
from brainmri.phantom.wide.sketch import Sketch, draw_sketch
from brainmri.phantom.wide.template import Template
from tests.house.closure import ROOT

CPU = torch.device("cpu")
VALUES: dict[str, Any] = load_yaml((ROOT / "params.yaml").read_text())["pretrain"]["generator"]
MakeGenerator: TypeAlias = Callable[..., PhantomGenerator]
MakeDraft: TypeAlias = Callable[..., Draft]
# Horizontal planes, level with the middle of the brain.
AXIAL = {"across_x": 1.0, "across_y": 0.0, "across_z": 0.0, "down_x": 0.0, "down_y": -1.0, "down_z": 0.0}
MIDDLE = AXIAL | {"place_x": 0.0, "place_y": -18.0, "place_z": 20.0}


@dataclass(frozen=True)
class Healthy:
    """Pictures before tumors and all that follows."""

    draft: Draft
    frame: Frame
    sketch: Sketch
    foci: list[Focus]
    scene: Scene
    image: torch.Tensor


def draw_healthy(draft: Draft, template: Template) -> Healthy:
    """As `PhantomGenerator` begins."""
    frame = find_frame(draft.drawn, template.head)
    sketch = draw_sketch(draft, frame, template.head)
    foci = place_foci(draft, sketch)
    brain = find_brain(draft, template, sketch, foci[0])
    scene = Scene(brain, measure_shells(draft, sketch))
    return Healthy(draft, frame, sketch, foci, scene, shade_brain(draft, brain))
