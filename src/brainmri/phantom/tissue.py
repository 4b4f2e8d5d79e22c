"""Fluid, gray and white matter of one slice of one patient."""

from dataclasses import dataclass

import numpy as np

from brainmri.phantom.anatomy import Anatomy, Map, Points
from brainmri.phantom.description import Contrast, Patient
from brainmri.phantom.fields import draw_field, enlarge, ramp, shrink
from brainmri.phantom.geometry import displace, fold, widen_ventricles

# Where the sharpened template turns from fluid to gray matter, and what is fully gray or white.
_FLUID_BELOW, _FLUID_SOFTNESS = 0.50, 0.035
_GRAY, _WHITE = 0.66, 0.87
# How much the share of white matter follows its own template (soft, right about the deep nuclei)
# rather than the brightness of the sharpened T1 template (crisp).
_TRUST = np.float32(0.4)


@dataclass(frozen=True)
class Tissue:
    """Shares of each pixel, 0 to 1: `fluid` of all, `white` of what is not fluid."""

    fluid: Map
    white: Map

    def shade(self, contrast: Contrast) -> Map:
        """The signal of the healthy brain."""
        matter = contrast.gray + self.white * (contrast.white - contrast.gray)
        return np.asarray(matter + self.fluid * (contrast.csf - matter), np.float32)


def find_tissue(patient: Patient, points: Points, brain_mm: Map, anatomy: Anatomy) -> Tissue:
    """What the patient has at `points`, displaced by tumors and large ventricles."""
    body = patient.body
    origin = points
    for lesion in patient.lesions:
        origin = displace(origin, lesion, brain_mm)
    origin = fold(widen_ventricles(origin, anatomy, body), body)
    level = anatomy.tissue.sample(origin) + np.float32(0.02) * draw_field(body.seed + 13, points, 5.0)
    fluid = ramp(level - (_FLUID_BELOW + 0.06 * body.atrophy), _FLUID_SOFTNESS)
    likely = enlarge(anatomy.white.sample(shrink(origin, 2)), 2)
    white = (1 - _TRUST) * np.clip((level - _GRAY) / (_WHITE - _GRAY), 0, 1) + _TRUST * np.clip(likely, 0, 1)
    return Tissue(fluid, np.asarray(white, np.float32))
