"""A model folder as prediction needs it, whatever runs its network."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brainmri.dataset.scan_preparation import PreparationRule
from brainmri.errors import BadInput
from brainmri.learning.cards import ClassifierCard, read_model_card
from brainmri.scans.files import hash_file
from brainmri.scans.settings import ReadingLimits
from brainmri.scoring.calibration import OperatingPoint, read_operating_point
from brainmri.scoring.novelty import FACTS, Familiar, read_familiar
from brainmri.serving.answers import NOT_FOR_DIAGNOSIS, ZERO_SHOT

CLASSIFIER, SEGMENTER = "classifier", "segmenter"
OPERATING_POINT, NOVELTY = "operating_point.json", "novelty"
# What says how good a model is: of a trained one, of a shipped one.
CARDS: Final = ("MODEL_CARD.md", "README.md")
WEIGHTS: Final = "weights.safetensors"


@dataclass(frozen=True)
class Opinion:
    """Of each image: the calibrated probability of tumor (n,), features (n, channels) for novelty."""

    probability: NDArray[np.float64]
    features: NDArray[np.float32]


class Network(ABC):
    """What runs a classifier."""

    @abstractmethod
    def judge(self, images: NDArray[np.uint8]) -> Opinion:
        """uint8 (n, size, size) or (n, channels, size, size), n at least 1, prepared by the model's rule."""


@dataclass(frozen=True)
class Model:
    """A model folder's own account of itself."""

    folder: Path
    card: ClassifierCard
    point: OperatingPoint
    familiar: Familiar

    def rule(self, limits: ReadingLimits) -> PreparationRule:
        """How scans are read for it: as for its training, within the limits of whoever asks."""
        return PreparationRule(**dict(self.card.rule), slices=self.card.slices, **dict(limits))

    @property
    def weights_sha256(self) -> str:
        """Of the training's weights, which an export has in another form: which model it is."""
        return self.familiar.facts.weights_sha256

    @property
    def zero_shot(self) -> bool:
        """Whether it has seen synthetic MRI alone; an export says so too, since model.json does."""
        return self.card.from_phantoms

    @property
    def notice(self) -> str:
        """What all its answers carry."""
        return f"{NOT_FOR_DIAGNOSIS} {ZERO_SHOT}" if self.zero_shot else NOT_FOR_DIAGNOSIS


def read_model(folder: Path) -> Model:
    """The model in `folder`. Raises `BadInput` for a folder without a whole one, or with parts of several."""
    if not (folder / CLASSIFIER).is_dir():
        raise BadInput(
            f"{folder}: expected a model folder with {CLASSIFIER}/ in it, came none; "
            "run `dvc repro`, or name another with --model"
        )
    card = read_model_card(folder / CLASSIFIER, ClassifierCard)
    point = read_operating_point(folder / OPERATING_POINT)
    if (point.negative, point.positive) != (card.classes.negative, card.classes.positive):
        raise BadInput(
            f"{folder / OPERATING_POINT}: expected the classes {card.classes.negative} and "
            f"{card.classes.positive} of {CLASSIFIER}/, came {point.negative} and {point.positive}; "
            "the two are of different models"
        )
    model = Model(folder, card, point, read_familiar(folder / NOVELTY))
    _check_weights(model)
    return model


def _check_weights(model: Model) -> None:
    """Raises `BadInput` where novelty is of other weights; of an export the graph is checked when opened."""
    path = model.folder / CLASSIFIER / WEIGHTS
    found = hash_file(path) if path.is_file() else model.weights_sha256
    if found != model.weights_sha256:
        raise BadInput(
            f"{path}: expected the weights that {model.folder / NOVELTY / FACTS} is of "
            f"(SHA-256 {model.weights_sha256}), came others ({found}); "
            "run `dvc repro novelty`, or take both from one training"
        )
