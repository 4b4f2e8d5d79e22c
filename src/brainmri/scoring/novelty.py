"""How unlike the training images an image is: Mahalanobis' distance of what the network's first stages see.

Lee et al. 2018 (arXiv 1807.03888) measure it in several layers. The first stage alone, without classes, told
other pictures from MRI far better than the last (docs/predict.md). A feature is a channel's mean over the
image. Where training images are so varied that little is far from them, the direction in which images without
a head lie is known too (outlier exposure, Hendrycks et al. 2019, arXiv 1812.04606). Numpy alone: whatever
runs the network can use it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from brainmri.errors import BadInput
from brainmri.params import Section
from brainmri.replacement import replacing_folder
from brainmri.tables import read_mapping, write_mapping

Features = NDArray[np.float32]  # (n, channels)

FACTS, STATISTICS, DIRECTION = "novelty.json", "statistics.npy", "direction.npy"
_FILES: Final = (FACTS, STATISTICS, DIRECTION)
_SHA256: Final = r"^[0-9a-f]{64}$"


class NoveltyParams(Section):
    """The section `novelty`."""

    rate: Annotated[float, Field(gt=0, lt=0.5, description="a share above 0 and below 0.5")]


class NoveltyFacts(Section):
    """novelty.json: from which squared distance on an image is called unlike, and what that rests on.

    The `threshold` is of the distance alone; what a direction says has its own limit in it.

    `attainable_rate` is what so many validation slices allow, if they were independent: `rate` or more.
    `weights_sha256` is of the file of the weights whose features they are: of others it says nothing. From so
    many `outliers` the direction is known.
    """

    threshold: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    rate: float
    attainable_rate: float
    train_slices: int
    valid_slices: int
    outliers: int | None = Field(default=None, exclude_if=lambda count: count is None)
    weights_sha256: Annotated[str, Field(pattern=_SHA256)]


@dataclass(frozen=True)
class Familiar:
    """The training images: the mean of their features (channels,) and the inverse of their covariance.

    The features less the mean, times all of `direction` (channels + 1,) but its last, plus that, say how much
    an image is like those without a head: 0 at the median of validation, 1 at the limit that its share `rate`
    exceeds.
    """

    mean: NDArray[np.float32]
    precision: NDArray[np.float32]
    facts: NoveltyFacts
    direction: NDArray[np.float32] | None = None


def measure_novelty(features: Features, familiar: Familiar) -> NDArray[np.float64]:
    """Squared distance of each image over the threshold (n,): above 1 it is unlike the training images.

    Or how far it lies in the direction of images without a head, where that is known and more.
    Raises `BadInput` for features of another network.
    """
    if features.shape[1:] != familiar.mean.shape:
        raise BadInput(
            f"novelty: expected {len(familiar.mean)} features as it was made with, came {features.shape[1]}; "
            "it is of another model or version: take the whole model folder anew, or rerun novelty"
        )
    distance = squared_distance(features, familiar.mean, familiar.precision) / familiar.facts.threshold
    if familiar.direction is None:
        return distance
    return np.maximum(distance, project(features, familiar.mean, familiar.direction))


def project(
    features: Features, mean: NDArray[np.float32], direction: NDArray[np.floating]
) -> NDArray[np.float64]:
    """How far each image (n,) lies in a direction (channels + 1,), in float64; its last value is added."""
    towards = direction.astype(np.float64)
    return np.asarray((features.astype(np.float64) - mean) @ towards[:-1] + towards[-1])


def squared_distance(
    features: Features, mean: NDArray[np.float32], precision: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Mahalanobis' (n,), in float64: features may lie far away."""
    left = features.astype(np.float64) - mean
    return np.asarray(((left @ precision.astype(np.float64)) * left).sum(axis=1))


def read_features(path: Path) -> Features:
    """What predict has written: float32 (slices, channels)."""
    try:
        found = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError):
        raise BadInput(
            f"{path}: expected the features that predict writes, came none; rerun predict"
        ) from None
    return np.asarray(found, np.float32)


def write_familiar(folder: Path, familiar: Familiar) -> None:
    """Writes the folder that `read_familiar` reads."""
    with replacing_folder(folder, _FILES) as aside:
        np.save(aside / STATISTICS, np.vstack([familiar.mean, familiar.precision]).astype(np.float32))
        if familiar.direction is not None:
            np.save(aside / DIRECTION, familiar.direction.astype(np.float32))
        write_mapping(aside / FACTS, familiar.facts.model_dump())


def read_familiar(folder: Path) -> Familiar:
    """What stands in `folder`; `BadInput` where its parts are none of ours."""
    try:
        facts = NoveltyFacts.model_validate(read_mapping(folder / FACTS))
        stored = np.load(folder / STATISTICS, allow_pickle=False)
        direction = None if facts.outliers is None else np.load(folder / DIRECTION, allow_pickle=False)
    except (ValidationError, ValueError, EOFError, OSError) as error:
        raise BadInput(
            f"{folder}: expected what the stage novelty writes, came {_tell(error)}; run `dvc repro novelty`"
        ) from None
    if stored.dtype.kind == "f" and not np.isfinite(stored).all():
        raise BadInput(f"{folder / STATISTICS}: expected finite numbers, came others; rerun novelty")
    if stored.dtype != np.float32 or stored.ndim != 2 or stored.shape[0] != stored.shape[1] + 1:
        raise BadInput(
            f"{folder / STATISTICS}: expected (channels + 1, channels) numbers, came {stored.shape}; rerun it"
        )
    if direction is not None:
        _check_direction(direction, stored.shape[0], folder)
    return Familiar(stored[0], stored[1:], facts, direction)


def _check_direction(direction: NDArray[np.generic], expected: int, folder: Path) -> None:
    if direction.dtype != np.float32 or direction.shape != (expected,) or not np.isfinite(direction).all():
        raise BadInput(
            f"{folder / DIRECTION}: expected {expected} finite numbers, one more than channels, came "
            f"{direction.dtype} of {direction.shape}; rerun novelty"
        )


def _tell(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{FACTS} with {'.'.join(map(str, first['loc']))}: {first['msg'].lower()}"
    return "no such file" if isinstance(error, FileNotFoundError) else type(error).__name__
