"""What a unit's network says of slices that it was not trained on, as columns of a table."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from brainmri.dataset.maps import count_pixels, to_bytes
from brainmri.dataset.masks import require_masks
from brainmri.dataset.prepared import PreparedSet
from brainmri.learning.prediction import ask_network
from brainmri.learning.segmenter import Segmenter, score_slices, segment
from brainmri.learning.training import Training
from brainmri.tables import DIGITS

Columns = dict[str, list[Any]]


def score_classes(training: Training, prepared: PreparedSet, places: Sequence[int]) -> Columns:
    """`logit`: the log odds of tumor of the slices at `places`; the network is set to evaluate."""
    images = prepared.images[list(places)]
    logits = ask_network(training.learner.model, images, training.normalization, training.looks)
    return {"logit": [round(float(logit), DIGITS) for logit in logits]}


def score_masks(training: Training, prepared: PreparedSet, places: Sequence[int], *, flips: bool) -> Columns:
    """`logit` as above, by the map, and the pixels found (tp), made up (fp) and missed (fn)."""
    segmenter = Segmenter(training.learner.model, training.normalization, training.looks[0].size)
    masks, done = require_masks(prepared), 0
    columns: dict[str, list[Any]] = {"logit": [], "tp": [], "fp": [], "fn": []}
    for found in segment(segmenter, prepared.images[list(places)], flips=flips):
        own = list(places[done : done + len(found.maps)])
        done += len(own)
        columns["logit"] += [round(float(logit), DIGITS) for logit in score_slices(found.maps)]
        counts = count_pixels(to_bytes(found.maps), np.asarray(masks[own]))
        for name in ("tp", "fp", "fn"):
            columns[name] += counts[name].tolist()
    return columns
