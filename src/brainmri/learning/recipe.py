"""How a network is trained: the settings, as data that imports neither torch nor fastai."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from brainmri.learning.catalogue import Architecture
from brainmri.params import Section

_SHARE = "a share from 0 to below 1"


class Loss(StrEnum):
    """What training minimizes; validation is watched by the same."""

    CROSS_ENTROPY = "cross_entropy"
    FOCAL = "focal"
    LABEL_SMOOTHING = "label_smoothing"


class ClassWeights(StrEnum):
    """Whether the rarer class counts for more."""

    NONE = "none"
    BALANCED = "balanced"


class Precision(StrEnum):
    """The arithmetic of training."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"


class Pooling(StrEnum):
    """How the head sums up the map of features."""

    CONCAT = "concat"
    ATTENTION = "attention"


class Scaling(StrEnum):
    """What pixels are brought to mean 0 and deviation 1 by, before they reach the network."""

    IMAGE = "image"
    TRAINING_SET = "training_set"
    IMAGENET = "imagenet"


class AugmentParams(Section):
    """Random geometry and gamma of each training image."""

    rotate_degrees: Annotated[float, Field(ge=0, le=180, description="degrees from 0 to 180")]
    translate: Annotated[float, Field(ge=0, lt=1, description=f"{_SHARE} of the image's side")]
    scale: Annotated[float, Field(ge=0, lt=1, description=f"{_SHARE} (0.1: from 0.9 to 1.1 times)")]
    flip: Annotated[bool, Field(description="true (left and right exchanged half of the time) or false")]
    gamma: Annotated[float, Field(ge=0, le=2, description="from 0 (none) to 2 (0.5: powers 1 / 1.5 to 1.5)")]


class Averaging(Section):
    """The average of the weights that is validated and kept, and its batch-normalization statistics."""

    decay: Annotated[float, Field(description=f"{_SHARE}: of the average kept in a step", ge=0, lt=1)]
    every: Annotated[int, Field(ge=1, description="a whole number of steps, at least 1")]
    images: Annotated[int, Field(ge=2, description="a whole number of at least 2")]


class Progressive(Section):
    """Progressive resizing: training begins on smaller images, which cost less."""

    share: Annotated[float, Field(ge=0, le=1, description="a share of the epochs, from 0 (none) to 1")]
    size: Annotated[int, Field(ge=32, description="a whole number of pixels, at least 32")]


class RateSearch(Section):
    """The mock trainings that look for a rate: each `steps` on one batch, from `lowest` to `highest`."""

    lowest: Annotated[float, Field(gt=0, lt=1e-2, description="a number above 0 and below 0.01")]
    highest: Annotated[float, Field(gt=1e-2, le=100, description="a number above 0.01, at most 100")]
    steps: Annotated[int, Field(ge=24, description="a whole number of at least 24")]
    images: Annotated[int, Field(ge=2, description="a whole number of at least 2")]
    repeats: Annotated[int, Field(ge=1, description="a whole number of at least 1")]


class TrainParams(Section):
    """The section `train`."""

    size: Annotated[
        Literal["prepared"] | Annotated[int, Field(ge=32)],
        Field(description="prepared or a whole number of pixels, at least 32"),
    ]
    pooling: Annotated[Pooling, Field(strict=False, description="concat or attention")]
    batch_size: Annotated[int, Field(ge=2, description="a whole number of at least 2")]
    least_steps: Annotated[int, Field(ge=1, description="a whole number of steps an epoch, at least 1")]
    frozen_epochs: Annotated[int, Field(ge=0, description="a whole number of at least 0")]
    patience: Annotated[int, Field(ge=1, description="a whole number of epochs, at least 1")]
    clip_norm: Annotated[float, Field(gt=0, description="a number above 0")]
    weight_decay: Annotated[float, Field(ge=0, description="a number of at least 0")]
    dropout: Annotated[float, Field(ge=0, lt=1, description=_SHARE)]
    flips: Annotated[bool, Field(description="true (prediction also sees each image mirrored) or false")]
    loss: Annotated[Loss, Field(strict=False, description="cross_entropy, focal or label_smoothing")]
    class_weights: Annotated[ClassWeights, Field(strict=False, description="none or balanced")]
    augment: AugmentParams
    progressive: Progressive
    averaging: Averaging
    scaling: Annotated[Scaling, Field(strict=False, description="image, training_set or imagenet")]
    precision: Annotated[Precision, Field(strict=False, description="auto, fp32 or bf16")]
    compile: Annotated[bool, Field(description="true (by torch.compile) or false")]
    threads: Annotated[int, Field(ge=1, description="a whole number of threads, at least 1")]
    lr_find: RateSearch

    @property
    def side(self) -> int | None:
        """The pixels a side of what the network sees; None: as many as were prepared."""
        return None if self.size == "prepared" else self.size


Epochs = Annotated[int, Field(ge=1, le=10_000, description="a whole number of at least 1")]
Rate = Annotated[
    Literal["auto"] | Annotated[float, Field(gt=0, lt=100)],
    Field(description="auto or a number above 0 and below 100"),
]
Seed = Annotated[int, Field(ge=0, lt=2**32, description="a whole number from 0 to 4294967295")]


class Design(Section):
    """All that decides a training but its seed, its length and its learning rate."""

    arch: Annotated[Architecture, Field(strict=False, description="one of " + ", ".join(Architecture))]
    weights: Annotated[str, Field(min_length=1, description="none, phantom, imagenet or a state_dict's path")]
    train: TrainParams

    @property
    def pretrained(self) -> bool:
        """Whether the body starts from given weights (then it is frozen at first)."""
        return self.weights != "none"


class Recipe(Design):
    """All that decides a training but its length and its learning rate."""

    seed: Seed

    @property
    def flips(self) -> bool:
        """Whether the classifier is asked about mirror images too."""
        return self.train.flips


@dataclass(frozen=True)
class EpochPlan:
    """How the training images are cut into an epoch: the images of a step, and how often each is shown."""

    batch_size: int
    passes: int


def plan_epoch(images: int, train: TrainParams) -> EpochPlan:
    """Batches of `batch_size`; small sets are shown several times, so that there are `least_steps`."""
    batch_size = max(2, min(train.batch_size, images))
    return EpochPlan(batch_size, max(1, math.ceil(train.least_steps * batch_size / images)))
