"""Small predictions and cases, and hypothesis strategies for them."""

import math

import numpy as np
from hypothesis import strategies as st

from brainmri.dataset.manifest import Subset
from brainmri.dataset.predictions import Epoch, Prediction
from brainmri.scoring.calibration import OperatingPoint
from brainmri.scoring.cases import Cases
from brainmri.scoring.resampling import IntervalParams

PARAMS = IntervalParams(confidence=0.95, draws=400, seed=0)
POINT = OperatingPoint(temperature=1.0, threshold=0.5, rule="youden", negative="healthy", positive="tumor")


def make_prediction(slice_id, label="tumor", logit=0.0, group=None, patient=None, **other):
    score = 1 / (1 + math.exp(-logit))
    fields = {"subset": Subset.TEST, "epoch": Epoch.BEST, "score": score} | other
    return Prediction(
        slice_id=slice_id, group=group or slice_id, patient=patient, label=label, logit=logit, **fields
    )


def make_cases(truth, score, group=None):
    group = range(len(truth)) if group is None else group
    return Cases(np.array(truth, bool), np.array(score, float), np.array(group, np.int64))


def simulate(groups, per_group, seed, distance=2.0):
    """Groups of one class each, whose slices are alike."""
    generator = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), per_group)
    truth = group % 2 == 0
    shared = generator.normal(size=groups)[group]
    evidence = distance * (truth - 0.5) + 0.7 * shared + 0.7 * generator.normal(size=len(group))
    return Cases(truth, 1 / (1 + np.exp(-distance * evidence)), group)


@st.composite
def grouped_cases(draw):
    """Up to 30 cases with ties, in groups without a gap."""
    n = draw(st.integers(1, 30))
    truth = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    score = draw(st.lists(st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.7, 0.95, 1.0]), min_size=n, max_size=n))
    raw = draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))
    return make_cases(truth, score, np.unique(raw, return_inverse=True)[1])
