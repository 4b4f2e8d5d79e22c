"""How bright each tissue typically is in each MRI sequence, as windows show it."""

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Sequence(Enum):
    """The MRI sequences that contrasts are drawn near to."""

    T1 = "T1"
    T1_CONTRAST = "T1 with contrast agent"
    T2 = "T2"
    FLAIR = "FLAIR"


@dataclass(frozen=True)
class Signals:
    """The signal of each healthy tissue, a share of white."""

    csf: float
    gray: float
    white: float
    bone: float
    marrow: float
    fat: float
    muscle: float
    blood: float


TYPICAL: Final = {
    Sequence.T1: Signals(
        csf=0.13, gray=0.42, white=0.61, bone=0.05, marrow=0.55, fat=0.98, muscle=0.38, blood=0.16
    ),
    Sequence.T1_CONTRAST: Signals(
        csf=0.12, gray=0.41, white=0.54, bone=0.05, marrow=0.50, fat=0.92, muscle=0.40, blood=0.92
    ),
    Sequence.T2: Signals(
        csf=0.95, gray=0.50, white=0.34, bone=0.04, marrow=0.35, fat=0.60, muscle=0.17, blood=0.05
    ),
    Sequence.FLAIR: Signals(
        csf=0.09, gray=0.54, white=0.44, bone=0.04, marrow=0.30, fat=0.52, muscle=0.22, blood=0.07
    ),
}
