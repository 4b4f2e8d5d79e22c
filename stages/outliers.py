"""Unseen phantoms and a seed -> pictures that show no head, and a sheet of some.

The phantoms that novelty is learnt from are taken apart for some of them; no other phantom is.
"""

from pathlib import Path

import numpy as np

from brainmri.dataset.manifest import Subset, read_manifest
from brainmri.dataset.prepared import read_prepared
from brainmri.figures.outliers import show_outliers
from brainmri.learning.pretraining.settings import PretrainSection
from brainmri.params import Section, read_params
from brainmri.phantom.outliers.drawing import KINDS, draw_outliers
from brainmri.replacement import replacing_file
from stages import run


class Params(Section):
    """The keys of params.yaml that this stage reads."""

    pretrain: PretrainSection


def main(prepared: Path, manifest: Path, images: Path, picture: Path) -> None:
    """Prepared phantoms and their manifest in; uint8 (outliers, size, size) and a sheet out."""
    params = read_params(Params).pretrain.unseen
    familiar = [row.subset is Subset.TRAIN for row in read_manifest(manifest)]
    drawn = draw_outliers(params.seed, params.outliers, read_prepared(prepared).images[familiar])
    with replacing_file(images) as aside, aside.open("wb") as file:
        np.save(file, drawn)
    show_outliers(drawn, KINDS, picture)
    print(f"outliers: {len(drawn)} pictures without a head -> {images}")


if __name__ == "__main__":
    run(main)
