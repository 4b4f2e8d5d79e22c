"""A pretrained classifier and unseen phantoms -> its predictions, before calibration, and its features.

The training's checkpoint goes: that DVC has come here means that the training's outputs are recorded.
"""

from pathlib import Path

from brainmri.dataset.manifest import read_manifest
from brainmri.dataset.predictions import Prediction
from brainmri.dataset.prepared import read_prepared
from brainmri.learning.finished import remove_finished
from brainmri.learning.prediction import predict_subsets
from brainmri.learning.seeing import write_features
from brainmri.tables import write_rows
from stages import run


def main(prepared: Path, manifest: Path, model: Path, predictions: Path, features: Path) -> None:
    """Prepared phantoms, their manifest and a classifier's folder in; predictions and features out."""
    data, slices = read_prepared(prepared), read_manifest(manifest)
    rows = predict_subsets(model, data, slices)
    write_rows(predictions, rows, Prediction)
    write_features(features, model, data.images)
    remove_finished()
    print(f"predict_unseen: {len(rows)} phantoms -> {predictions}")


if __name__ == "__main__":
    run(main)
