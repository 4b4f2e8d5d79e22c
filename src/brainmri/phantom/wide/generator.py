"""An endless, seeded stream of phantoms to pretrain on: rendered in batches, on any device, never stored."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch

from brainmri.phantom.wide.batch import PhantomBatch, collect, join_batches
from brainmri.phantom.wide.brain import find_brain, shade_brain
from brainmri.phantom.wide.columns import Drawn
from brainmri.phantom.wide.composition import compose
from brainmri.phantom.wide.compression import compress
from brainmri.phantom.wide.description import describe
from brainmri.phantom.wide.draft import Draft
from brainmri.phantom.wide.fields import Noise
from brainmri.phantom.wide.foci import Focus, place_foci
from brainmri.phantom.wide.framing import Frame, find_frame
from brainmri.phantom.wide.head import measure_shells, paint_head
from brainmri.phantom.wide.lesions import Grown, grow
from brainmri.phantom.wide.marks import burn, load_sprites
from brainmri.phantom.wide.oddities import shade_oddities
from brainmri.phantom.wide.scanner import scan
from brainmri.phantom.wide.scene import Scene
from brainmri.phantom.wide.settings import WideParams
from brainmri.phantom.wide.sketch import Sketch, draw_sketch
from brainmri.phantom.wide.template import Template, load_template

# Of the stream: another one gives other pictures for the same seed.
VERSION: Final = 1
# So many pictures at a time keep a processor's caches warm; a GPU wants all at once.
_AT_ONCE: Final = 32
_SEEDS: Final = 2**62


class PhantomGenerator:
    """Renders batch after batch."""

    def __init__(self, params: WideParams, device: torch.device) -> None:
        """Loads the template, which takes some seconds."""
        self._params, self.device = params, device
        self._template, self._sprites = load_template(device), load_sprites(device)

    @torch.no_grad()
    def render(self, seed: int, index: int, count: int, size: int) -> PhantomBatch:
        """Batch `index` of the stream `seed`; the same arguments give the same batch on one type of device.

        `size` is a multiple of 16 from 64 to 256.
        """
        rng = np.random.default_rng([seed, index])
        drawn = Drawn.send(describe(rng, count, self._params), self.device)
        noise = Noise(int(rng.integers(_SEEDS)), self.device)
        most = count if self.device.type == "cuda" else _AT_ONCE
        ranges = (slice(first, first + most) for first in range(0, count, most))
        with torch.autocast(self.device.type, enabled=False):
            return join_batches([self._render(Draft(drawn.part(own), noise, size)) for own in ranges])

    def _render(self, draft: Draft) -> PhantomBatch:
        frame = find_frame(draft.drawn, self._template.head)
        seen = render(draft, frame, self._template, place_foci)
        shown = compress(draft, burn(draft, scan(draft, seen.signal), self._sprites))
        return collect(draft, seen.scene, seen.healthy, seen.grown, shown)


@dataclass(frozen=True)
class Rendered:
    """Maps (n, size, size): `signal` before the scanner, `healthy` that of the brain without tumor."""

    scene: Scene
    healthy: torch.Tensor
    grown: Grown
    signal: torch.Tensor


def render(
    draft: Draft, frame: Frame, template: Template, find_foci: Callable[[Draft, Sketch], list[Focus]]
) -> Rendered:
    """Heads with their tumors, as they are in the frame; written once for all that is drawn of heads."""
    sketch = draw_sketch(draft, frame, template.head)
    foci = find_foci(draft, sketch)
    brain = find_brain(draft, template, sketch, foci[0])
    scene = Scene(brain, measure_shells(draft, sketch))
    healthy = shade_oddities(draft, shade_brain(draft, brain), scene)
    grown = grow(draft, healthy, frame, foci, scene)
    around = paint_head(draft, template, scene.shells, sketch)
    return Rendered(scene, healthy, grown, compose(draft, frame, scene, grown, around))
