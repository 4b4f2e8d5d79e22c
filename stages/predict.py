"""Model folder and prepared images -> the predictions of validation and test slices, before calibration.

Where no test set is held out (the paper's protocol) the last epoch predicts beside the best one. Beside them,
what the network's first stage sees in every slice, and where it looks hottest in slices with tumor. The
training's checkpoint goes: that DVC has come here means that the training's outputs are recorded.
"""

from pathlib import Path

from brainmri.dataset.manifest import read_manifest
from brainmri.dataset.pointing import PointingRow
from brainmri.dataset.predictions import Prediction
from brainmri.dataset.prepared import read_prepared
from brainmri.learning.finished import remove_finished
from brainmri.learning.pointing import point_at_tumors
from brainmri.learning.prediction import predict_subsets
from brainmri.learning.seeing import write_features
from brainmri.tables import write_rows
from stages import run


def main(
    prepared: Path, manifest: Path, model: Path, predictions: Path, features: Path, pointing: Path
) -> None:
    """Prepared folder, manifest and model folder in; predictions, features and hottest points out."""
    data, slices = read_prepared(prepared), read_manifest(manifest)
    rows = predict_subsets(model, data, slices)
    write_rows(predictions, rows, Prediction)
    write_features(features, model, data.images)
    write_rows(pointing, point_at_tumors(model, data, slices), PointingRow)
    remove_finished()
    print(f"predict: {len(rows)} slices -> {predictions}")


if __name__ == "__main__":
    run(main)
