"""How bright each tissue is in each sequence, and how that varies between patients."""

from dataclasses import asdict

import numpy as np

from brainmri.phantom.description import Contrast, Sequence

# Typical signals as windows show them; a patient's own wander about them.
TYPICAL = {
    Sequence.T1: Contrast(
        csf=0.13,
        gray=0.42,
        white=0.61,
        bone=0.05,
        marrow=0.55,
        fat=0.98,
        muscle=0.38,
        blood=0.16,
        enhancing=0.36,
        solid=0.33,
        infiltration=0.31,
        necrosis=0.19,
        edema=0.40,
        calcium=0.10,
    ),
    Sequence.T1_CONTRAST: Contrast(
        csf=0.12,
        gray=0.41,
        white=0.54,
        bone=0.05,
        marrow=0.50,
        fat=0.92,
        muscle=0.40,
        blood=0.92,
        enhancing=0.98,
        solid=0.85,
        infiltration=0.30,
        necrosis=0.17,
        edema=0.36,
        calcium=0.10,
    ),
    Sequence.T2: Contrast(
        csf=0.95,
        gray=0.50,
        white=0.34,
        bone=0.04,
        marrow=0.35,
        fat=0.60,
        muscle=0.17,
        blood=0.05,
        enhancing=0.58,
        solid=0.66,
        infiltration=0.74,
        necrosis=0.92,
        edema=0.76,
        calcium=0.05,
    ),
    Sequence.FLAIR: Contrast(
        csf=0.09,
        gray=0.54,
        white=0.44,
        bone=0.04,
        marrow=0.30,
        fat=0.52,
        muscle=0.22,
        blood=0.07,
        enhancing=0.80,
        solid=0.82,
        infiltration=0.84,
        necrosis=0.42,
        edema=0.90,
        calcium=0.07,
    ),
}
_SPREAD = 0.07


def draw_contrast(rng: np.random.Generator, sequence: Sequence) -> Contrast:
    """The patient's own signals: each wanders, and gray and white come closer or part."""
    signals = {name: value * rng.lognormal(0, _SPREAD) for name, value in asdict(TYPICAL[sequence]).items()}
    middle, difference = (signals["gray"] + signals["white"]) / 2, signals["gray"] - signals["white"]
    stretch = rng.uniform(0.6, 1.25)
    signals["gray"], signals["white"] = middle + difference * stretch / 2, middle - difference * stretch / 2
    signals["marrow"] *= rng.uniform(0.4, 1.2)
    signals["fat"] *= rng.choice([0.45, 1.0], p=[0.2, 0.8])
    return Contrast(**signals)
