"""What a synthetic patient is: every choice that a picture depends on, and nothing rendered.

Places and lengths are in mm of the MNI template (right, anterior, superior positive), angles in
radians, intensities as a share of white.
"""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

Place: TypeAlias = tuple[float, float, float]


class Sequence(Enum):
    """The MRI sequences that a patient may be scanned with."""

    T1 = "T1"
    T1_CONTRAST = "T1 with contrast agent"
    T2 = "T2"
    FLAIR = "FLAIR"


class Growth(Enum):
    """How a tumor is built."""

    RING = "enhancing ring around a necrotic core"
    SOLID = "solid and sharp"
    PATCHY = "patches of enhancement and necrosis"
    INFILTRATIVE = "infiltrating without enhancement"
    CYSTIC = "cyst with a nodule in its wall"


class Oddity(Enum):
    """What looks like a tumor at a glance and is none."""

    VESSELS = "a tangle of bright or dark vessels"
    CALCIFICATION = "a calcification"
    WHITE_MATTER_SPOTS = "spots in the white matter"
    ARACHNOID_CYST = "a pocket of fluid at the surface"
    OLD_INFARCT = "a scar of an infarct"


@dataclass(frozen=True)
class Blob:
    """An irregular ellipsoid; `roughness` is the share of its radius that its surface wanders."""

    centre_mm: Place
    radii_mm: Place
    angles: Place
    roughness: float
    seed: int


@dataclass(frozen=True)
class Lesion:
    """One focus of a tumor.

    `core` is the necrotic share of the radius, `push` how far it displaces the brain (0 to 1),
    `contrast` how much of the full difference from its surroundings is seen (0 to 1.5).
    """

    growth: Growth
    blob: Blob
    softness_mm: float
    core: float
    edema_mm: float
    push: float
    contrast: float


@dataclass(frozen=True)
class Lookalike:
    """An oddity and where it is; `strength` is its share of the full difference (0 to 1)."""

    oddity: Oddity
    blob: Blob
    strength: float


@dataclass(frozen=True)
class Body:
    """The patient's own anatomy, the same in all slices.

    `elastic_mm` and `folding_mm` are the sizes of the coarse and the fine deformation, `ventricle_mm`
    how far the ventricles have grown, `atrophy` how wide the sulci are (-1 to 1). `asymmetry` (from -1, the
    left side, to 1, the right): how much larger its ventricle, and how much narrower its half of the head.
    """

    scale: Place
    shear: float
    elastic_mm: float
    folding_mm: float
    ventricle_mm: float
    atrophy: float
    asymmetry: float
    fluid_mm: float
    skull_mm: float
    scalp_mm: float
    seed: int


@dataclass(frozen=True)
class Contrast:
    """The signal of each tissue in the patient's sequence; `infiltration` is a tumor without enhancement."""

    csf: float
    gray: float
    white: float
    bone: float
    marrow: float
    fat: float
    muscle: float
    blood: float
    enhancing: float
    solid: float
    infiltration: float
    necrosis: float
    edema: float
    calcium: float


@dataclass(frozen=True)
class Scanner:
    """How the scanner turned signal into a picture; `noise` and `bias` are shares of white."""

    fov_mm: float
    blur_mm: float
    noise: float
    bias: float
    gain: float
    gamma: float
    seed: int


@dataclass(frozen=True)
class Slice:
    """One picture: the plane through `centre_mm`, and the seed of its noise."""

    centre_mm: Place
    seed: int


@dataclass(frozen=True)
class Patient:
    """A patient, drawn and not yet rendered; `tilt` turns the planes about the three axes."""

    sequence: Sequence
    body: Body
    contrast: Contrast
    scanner: Scanner
    tilt: Place
    lesions: tuple[Lesion, ...]
    lookalikes: tuple[Lookalike, ...]
    slices: tuple[Slice, ...]
