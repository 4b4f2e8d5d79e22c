"""What the tests of the phantom share."""

from typing import Any

import pytest

from brainmri.phantom.anatomy import Anatomy, load_anatomy
from brainmri.phantom.patients.settings import PhantomParams

VALUES: dict[str, Any] = {
    "patients": 8,
    "slices_per_patient": 2,
    "tumor_fraction": 0.5,
    "size_px": 96,
    "seed": 0,
    "tumor_radius_min_mm": 6.0,
    "tumor_radius_max_mm": 20.0,
    "tumor_area_min_mm2": 30.0,
    "tumor_contrast_min": 0.4,
    "tumor_contrast_max": 1.0,
    "lookalikes_with_tumor": 0.4,
    "lookalikes_without_tumor": 0.7,
    "noise_max": 0.04,
}


@pytest.fixture(scope="session")
def params() -> PhantomParams:
    return PhantomParams(**VALUES)


@pytest.fixture
def values() -> dict[str, Any]:
    return dict(VALUES)


@pytest.fixture(scope="session")
def anatomy() -> Anatomy:
    return load_anatomy()
