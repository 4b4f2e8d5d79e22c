import numpy as np
import pytest

from brainmri.errors import BadInput
from brainmri.phantom import anatomy as module
from brainmri.phantom.anatomy import Anatomy, Points


def place(x: float, y: float, z: float) -> Points:
    return np.array([x, y, z], np.float32).reshape(3, 1, 1)


def test_known_places_hold_the_right_tissue(anatomy: Anatomy):
    white, ventricle = place(-26, -20, 28), place(-8, 5, 20)
    assert float(anatomy.white.sample(white)[0, 0]) > 0.9
    assert float(anatomy.tissue.sample(white)[0, 0]) > 0.8
    assert float(anatomy.tissue.sample(ventricle)[0, 0]) < 0.5
    assert float(anatomy.ventricle_mm.sample(ventricle)[0, 0]) < 0


def test_distances_grow_outwards(anatomy: Anatomy):
    heights = [float(anatomy.brain_mm.sample(place(30, -20, z))[0, 0]) for z in (30, 60, 75, 90, 110)]
    assert sorted(heights) == heights
    assert heights[0] < 0 < heights[-1]
    assert float(anatomy.brain_mm.sample(place(95, -20, 10))[0, 0]) == pytest.approx(24, abs=5)


def test_missing_templates_are_named_in_one_line(monkeypatch):
    monkeypatch.setattr(module, "_FILE", "gone_{}.nii.gz")
    with pytest.raises(BadInput, match=r"gone_t1\.nii\.gz: expected the MNI152 template") as refusal:
        module.load_anatomy.__wrapped__()
    assert "\n" not in str(refusal.value)
