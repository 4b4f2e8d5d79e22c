"""Validation predictions -> the operating point: temperature and threshold.

No test slice is looked at.
"""

from pathlib import Path

from brainmri.dataset.predictions import read_predictions
from brainmri.dataset.prepared import read_classes
from brainmri.params import Section, read_params
from brainmri.scoring.calibration import CalibrateParams, choose_operating_point, write_operating_point
from stages import run


class Params(Section):
    """The keys of params.yaml that this stage reads."""

    calibrate: CalibrateParams


def main(prepared: Path, predictions: Path, operating_point: Path) -> None:
    """Predictions in, operating point out; of the prepared set only the names of the classes."""
    params = read_params(Params)
    rows = read_predictions(predictions)
    point = choose_operating_point(rows, read_classes(prepared), params.calibrate)
    write_operating_point(operating_point, point)
    numbers = f"temperature {point.temperature:.2f}, threshold {point.threshold:.2f}"
    print(f"calibrate: {numbers} -> {operating_point}")


if __name__ == "__main__":
    run(main)
