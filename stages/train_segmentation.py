"""Prepared images, masks, manifest and learning rate -> a segmenter's model folder, its epochs and a summary.

The trainer is the classifier's; only the subsets train and valid are read.
"""

from pathlib import Path

from brainmri.dataset.manifest import read_manifest
from brainmri.dataset.prepared import read_prepared
from brainmri.learning.checkpoint import open_store
from brainmri.learning.fitting import Schedule, train_network
from brainmri.learning.identity import identify_training
from brainmri.learning.records import MaskEpochRow, read_rate
from brainmri.learning.report import summarize_training
from brainmri.learning.segmentation import select_masks
from brainmri.learning.segmentation_recipe import SegmenterSettings
from brainmri.learning.segmenter_report import write_segmenter
from brainmri.params import read_params
from brainmri.tables import write_mapping, write_rows
from stages import run


class Params(SegmenterSettings):
    """The keys of params.yaml that this stage reads."""


def main(prepared: Path, manifest: Path, lr: Path, model: Path, history: Path, metrics: Path) -> None:
    """Prepared folder, manifest and rate in; model folder, history and metrics out."""
    params = read_params(Params)
    recipe, epochs = params.recipe, params.segmentation.epochs
    data, rows = read_prepared(prepared), read_manifest(manifest)
    rate, images = read_rate(lr), select_masks(data, rows, recipe.segmentation)
    with open_store(identify_training(data, rows, recipe, epochs, rate), model) as store:
        trained = train_network(images, recipe, Schedule(epochs, rate), store)
        write_segmenter(model, trained, recipe, data, rows)
        write_rows(history, trained.epochs, MaskEpochRow)
        write_mapping(metrics, summarize_training(trained, rows, rate))
        store.finish()
    print(
        f"train_segmentation: best of {len(trained.epochs)} epochs is {trained.best_epoch.epoch} -> {model}"
    )


if __name__ == "__main__":
    run(main)
