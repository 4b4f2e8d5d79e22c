"""A pretrained classifier and pictures without a head -> what it sees in them."""

from pathlib import Path

import numpy as np

from brainmri.learning.seeing import write_features
from stages import run


def main(outliers: Path, model: Path, features: Path) -> None:
    """Prepared images and a classifier's folder in; features out."""
    images = np.load(outliers, mmap_mode="r", allow_pickle=False)
    write_features(features, model, images)
    print(f"see_outliers: {len(images)} pictures without a head -> {features}")


if __name__ == "__main__":
    run(main)
