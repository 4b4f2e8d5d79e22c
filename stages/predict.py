"""Model folder and prepared images -> the predictions of validation and test slices, before calibration.

Where no test set is held out (the paper's protocol) the last epoch predicts beside the best one. The
training's checkpoint goes: that DVC has come here means that the training's outputs are recorded.
"""

from pathlib import Path

from brainmri.dataset.manifest import read_manifest
from brainmri.dataset.predictions import Prediction
from brainmri.dataset.prepared import read_prepared
from brainmri.learning.finished import remove_finished
from brainmri.learning.prediction import predict_subsets
from brainmri.tables import write_rows
from stages import run


def main(prepared: Path, manifest: Path, model: Path, predictions: Path) -> None:
    """Prepared folder, manifest and model folder in, predictions out."""
    rows = predict_subsets(model, read_prepared(prepared), read_manifest(manifest))
    write_rows(predictions, rows, Prediction)
    remove_finished()
    print(f"predict: {len(rows)} slices -> {predictions}")


if __name__ == "__main__":
    run(main)
