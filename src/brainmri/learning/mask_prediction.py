"""A segmenter's model folder and a prepared set -> maps and scores of all slices outside training."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.dataset.maps import MAPS, PLAIN, SCORES, to_bytes
from brainmri.dataset.predictions import Epoch, Prediction, make_prediction
from brainmri.dataset.prepared import PreparedSet
from brainmri.learning.segmenter import read_segmenter, score_slices, segment
from brainmri.replacement import replacing_folder
from brainmri.tables import write_rows


def write_maps(
    folder: Path, model: Path, prepared: PreparedSet, manifest: Sequence[ManifestRow], *, flips: bool
) -> int:
    """Writes what `dataset.maps` reads, with `flips` the plain maps too; returns the number of slices."""
    outside = [place for place, row in enumerate(manifest) if row.subset is not Subset.TRAIN]
    images = prepared.images[outside]
    segmenter = read_segmenter(model, images)
    maps, plain, logits = [], [], []
    for found in segment(segmenter, images, flips=flips):
        maps.append(to_bytes(found.maps))
        plain.append(to_bytes(found.plain))
        logits += score_slices(found.maps).tolist()
    rows = [
        make_prediction(manifest[place], prepared.slices[place].patient, Epoch.BEST, logit)
        for place, logit in zip(outside, logits, strict=True)
    ]
    with replacing_folder(folder, (MAPS, PLAIN, SCORES)) as aside:
        np.save(aside / MAPS, np.concatenate(maps))
        if flips:
            np.save(aside / PLAIN, np.concatenate(plain))
        write_rows(aside / SCORES, rows, Prediction)
    return len(rows)
