"""Prepared images, manifest and learning rate -> the model folder, each epoch's figures and a summary.

Only the subsets train and valid are read; the same recipe, data and machine type give the same bytes.
"""

from pathlib import Path

from brainmri.dataset.manifest import read_manifest
from brainmri.dataset.prepared import read_prepared
from brainmri.learning.checkpoint import open_store
from brainmri.learning.classification import select_classes
from brainmri.learning.fitting import Schedule, train_network
from brainmri.learning.identity import identify_training
from brainmri.learning.recipe import Epochs, Recipe
from brainmri.learning.records import EpochRow, read_rate
from brainmri.learning.report import summarize_training, write_trained
from brainmri.params import read_params
from brainmri.tables import write_mapping, write_rows
from stages import run


class Params(Recipe):
    """The keys of params.yaml that this stage reads."""

    epochs: Epochs


def main(prepared: Path, manifest: Path, lr: Path, model: Path, history: Path, metrics: Path) -> None:
    """Prepared folder, manifest and rate in; model folder, history and metrics out."""
    params = read_params(Params)
    data, rows = read_prepared(prepared), read_manifest(manifest)
    rate = read_rate(lr)
    with open_store(identify_training(data, rows, params, params.epochs, rate), model) as store:
        trained = train_network(select_classes(data, rows), params, Schedule(params.epochs, rate), store)
        write_trained(model, trained, params, data, rows)
        write_rows(history, trained.epochs, EpochRow)
        write_mapping(metrics, summarize_training(trained, rows, rate))
        store.finish()
    print(f"train: best of {len(trained.epochs)} epochs is {trained.best_epoch.epoch} -> {model}")


if __name__ == "__main__":
    run(main)
