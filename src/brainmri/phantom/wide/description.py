"""Drawing what a batch of pictures shows: numbers alone, the same on every machine.

Lengths are in mm of the MNI template, angles in radians, signals a share of the brightest. Who has no
tumor is drawn in the same way and then loses it, so that nothing but the tumor tells both apart.
"""

import numpy as np

from brainmri.phantom.wide.choices.chance import spread
from brainmri.phantom.wide.choices.contrast import draw_contrast
from brainmri.phantom.wide.choices.head import draw_head
from brainmri.phantom.wide.choices.marks import draw_marks
from brainmri.phantom.wide.choices.oddities import draw_oddities
from brainmri.phantom.wide.choices.plane import draw_plane
from brainmri.phantom.wide.choices.reach import find_shown
from brainmri.phantom.wide.choices.scanner import draw_scanner
from brainmri.phantom.wide.choices.tumor import draw_kind, draw_tumor
from brainmri.phantom.wide.columns import Columns
from brainmri.phantom.wide.settings import WideParams


def describe(rng: np.random.Generator, count: int, params: WideParams) -> Columns:
    """All columns (count,) of `count` pictures, of which the share `tumor_fraction` has a tumor."""
    kind = draw_kind(rng, count)
    columns = {
        "tumor": spread(rng, count, params.tumor_fraction),
        **draw_plane(rng, kind, params),
        **draw_head(rng, count, params),
        **draw_contrast(rng, count),
        **draw_tumor(rng, kind, params),
        **draw_oddities(rng, count, params.lookalikes),
        **draw_scanner(rng, count, params.degradation),
        **draw_marks(rng, count, params.marks),
    }
    return columns | find_shown(columns)
