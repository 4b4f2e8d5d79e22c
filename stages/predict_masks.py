"""A segmenter's model folder and prepared images -> maps of tumor for validation and test slices.

The training's checkpoint goes: that DVC has come here means that the training's outputs are recorded.
"""

from pathlib import Path

from brainmri.dataset.manifest import read_manifest
from brainmri.dataset.prepared import read_prepared
from brainmri.learning.finished import remove_finished
from brainmri.learning.mask_prediction import write_maps
from brainmri.learning.segmentation_recipe import SegmentationParams
from brainmri.params import Section, read_params
from stages import run


class Params(Section):
    """The keys of params.yaml that this stage reads."""

    segmentation: SegmentationParams


def main(prepared: Path, manifest: Path, model: Path, maps: Path) -> None:
    """Prepared folder, manifest and model folder in; maps and each slice's score out."""
    flips = read_params(Params).segmentation.flips
    count = write_maps(maps, model, read_prepared(prepared), read_manifest(manifest), flips=flips)
    remove_finished()
    print(f"predict_masks: {count} slices -> {maps}")


if __name__ == "__main__":
    run(main)
