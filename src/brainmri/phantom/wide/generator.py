"""An endless, seeded stream of phantoms to pretrain on: rendered in batches, on any device, never stored."""

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
from brainmri.phantom.wide.foci import place_foci
from brainmri.phantom.wide.framing import find_frame
from brainmri.phantom.wide.head import measure_shells, paint_head
from brainmri.phantom.wide.lesions import grow
from brainmri.phantom.wide.marks import burn, load_sprites
from brainmri.phantom.wide.oddities import shade_oddities
from brainmri.phantom.wide.scanner import scan
from brainmri.phantom.wide.scene import Scene
from brainmri.phantom.wide.settings import WideParams
from brainmri.phantom.wide.sketch import draw_sketch
from brainmri.phantom.wide.template import load_template

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
        sketch = draw_sketch(draft, frame, self._template.head)
        foci = place_foci(draft, sketch)
        brain = find_brain(draft, self._template, sketch, foci[0])
        scene = Scene(brain, measure_shells(draft, sketch))
        healthy = shade_oddities(draft, shade_brain(draft, brain), scene)
        grown = grow(draft, healthy, frame, foci, scene)
        around = paint_head(draft, self._template, scene.shells, sketch)
        signal = compose(draft, frame, scene, grown, around)
        shown = compress(draft, burn(draft, scan(draft, signal), self._sprites))
        return collect(draft, scene, healthy, grown, shown)
