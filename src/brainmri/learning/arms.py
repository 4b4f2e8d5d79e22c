"""Arms of a comparison: what each trains, out of the settings of all and what it changes; without torch."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import Field

from brainmri.dataset.baselines import Baseline
from brainmri.dataset.protocols import Protocol
from brainmri.dataset.units import CaseChoice
from brainmri.errors import BadInput
from brainmri.learning.catalogue import NO_DECODER, has_decoder
from brainmri.learning.recipe import Design, Epochs, Rate, Recipe, Seed
from brainmri.learning.segmentation_recipe import SegmentationParams, SegmentationRecipe
from brainmri.learning.shipped import PHANTOM, find_shipped
from brainmri.params import PARAMS_PATH, Section, check_section

# Settings of a classifier's head and loss.
_OF_CLASSIFIERS: Final = ("pooling", "dropout", "flips", "loss", "class_weights")
# Those that a segmenter has of its own.
_INSTEAD: Final = {
    "epochs": "segmentation.epochs",
    "lr": "segmentation.lr",
    "train.flips": "segmentation.flips",
    "train.loss": "segmentation.loss",
}
_NAME: Final = "[A-Za-z][A-Za-z0-9_-]*"
_PLACE: Final = "comparison.arms"
# Baselines stand beside arms; the units have a file in the arms' folder.
_TAKEN: Final = {*Baseline, "units"}


class TaskName(StrEnum):
    """What an arm learns: a class for each slice, which pixels are tumor, or nothing.

    `zero_shot` is the detector that is shipped of the architecture: its weights as they are, on images
    brought to its own size; temperature and threshold come from the watched fold, as for every arm.
    """

    CLASSIFICATION = "classification"
    SEGMENTATION = "segmentation"
    ZERO_SHOT = "zero_shot"


class ComparisonParams(Section):
    """The section `comparison`."""

    arms: Annotated[
        dict[str, dict[str, Any]],
        Field(min_length=1, description="a name for each arm, and below it what the arm changes"),
    ]
    seeds: Annotated[list[Seed], Field(min_length=1, description="a list of whole numbers from 0")]
    cases: Annotated[CaseChoice, Field(strict=False, description="all or development")]
    suspects: Annotated[int, Field(ge=1, le=100, description="a whole number of slices from 1 to 100")]
    threads: Annotated[int, Field(ge=1, description="a whole number of threads, at least 1")]


class Shared(Design):
    """What all arms begin with: the settings of the one training of the root pipeline, less its seed."""

    epochs: Epochs
    lr: Rate


class Settings(Shared):
    """What the arms of a comparison begin with."""

    segmentation: SegmentationParams


class Arm(Shared):
    """One arm: what it learns and how it trains, and by which protocol its slices are split.

    `share` is the part of each fold's training groups that it learns from; what it watches stays whole.
    """

    task: Annotated[TaskName, Field(strict=False, description="classification, segmentation or zero_shot")]
    protocol: Annotated[Protocol, Field(strict=False, description="grouped or paper")]
    share: Annotated[float, Field(gt=0, le=1, description="a share of the training groups above 0, up to 1")]
    segmentation: SegmentationParams | None = None

    def recipe(self, seed: int) -> Recipe:
        """That of one unit."""
        known: dict[str, Any] = {
            "arch": self.arch,
            "weights": self.weights,
            "train": self.train,
            "seed": seed,
        }
        section = self.segmentation
        return (
            Recipe(**known) if section is None else SegmentationRecipe(**known, segmentation=section.design)
        )

    @property
    def length(self) -> int:
        """The epochs of its task."""
        return self.epochs if self.segmentation is None else self.segmentation.epochs

    @property
    def rate(self) -> Rate:
        """The learning rate of its task."""
        return self.lr if self.segmentation is None else self.segmentation.lr

    @property
    def zero_shot(self) -> bool:
        """Whether it is a detector that is shipped, and trains nothing."""
        return self.task is TaskName.ZERO_SHOT

    @property
    def flips(self) -> bool:
        """Whether prediction also sees each slice mirrored."""
        return self.train.flips if self.segmentation is None else self.segmentation.flips

    def trains_as(self, other: "Arm") -> bool:
        """Whether both train, and predict, the same."""
        mine, theirs = (
            (arm.recipe(0), arm.length, arm.rate, arm.flips, arm.protocol, arm.share, arm.zero_shot)
            for arm in (self, other)
        )
        return mine == theirs


def read_arms(shared: Settings, params: ComparisonParams) -> dict[str, Arm]:
    """All arms by name, in the order of params.yaml; the others are compared with the first.

    Raises `BadInput` for a name that is more than letters, digits, - and _, an unknown key or wrong value,
    two arms that train the same, seeds that repeat, a first arm of the paper's protocol, and an architecture
    that none of the weights are of that the project ships, where an arm wants these.
    """
    arms = {name: read_arm(name, shared, params) for name in params.arms}
    if len(set(params.seeds)) < len(params.seeds):
        raise BadInput(f"{PARAMS_PATH}: comparison.seeds: expected each seed once, came {params.seeds}")
    _check_different(arms)
    first = next(iter(arms))
    if arms[first].protocol is Protocol.PAPER:
        raise BadInput(
            f"{PARAMS_PATH}: {_PLACE}: expected a first arm that others can be compared with, came {first} "
            "with protocol paper; put another one first"
        )
    for name, arm in arms.items():
        _check_segmenter(name, arm, params.arms[name])
        _check_zero_shot(name, arm, params.arms[name])
        if arm.weights == PHANTOM:
            find_shipped(arm.arch, f"{PARAMS_PATH}: {_PLACE}.{name}: weights: {PHANTOM}")
    return arms


def read_arm(name: str, shared: Settings, params: ComparisonParams) -> Arm:
    """One arm of `params`, checked."""
    if not re.fullmatch(_NAME, name):
        raise BadInput(
            f"{PARAMS_PATH}: {_PLACE}: expected names of letters, digits, - and _, begun by a letter, came "
            f"{name!r}; rename the arm"
        )
    if name in _TAKEN:
        raise BadInput(
            f"{PARAMS_PATH}: {_PLACE}: expected a name of its own, came {name}, which a baseline or a file "
            "has; rename the arm"
        )
    if name not in params.arms:
        raise BadInput(f"{PARAMS_PATH}: {_PLACE}: expected an arm {name}, came {', '.join(params.arms)}")
    return change_shared(shared, params.arms[name], params.threads, f"{PARAMS_PATH}: {_PLACE}.{name}")


def change_shared(shared: Shared, changes: Mapping[str, Any], threads: int, place: str) -> Arm:
    """The settings of all with what an arm changes; `BadInput`, begun by `place`, for what no arm takes."""
    base = shared.model_dump(mode="json", include=set(Arm.model_fields))
    task = changes.get("task", TaskName.CLASSIFICATION.value)
    if task != TaskName.SEGMENTATION.value and "segmentation" not in changes:
        base.pop("segmentation", None)
    base |= {"task": TaskName.CLASSIFICATION.value, "protocol": Protocol.GROUPED.value, "share": 1.0}
    base["train"]["threads"] = threads
    return check_section(Arm, _merge(base, changes), place)


def _merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes`, section by section; a key that `base` lacks is left for the check."""
    merged = dict(base)
    for key, value in changes.items():
        own = merged.get(key)
        both = isinstance(own, Mapping) and isinstance(value, Mapping)
        merged[key] = _merge(own, value) if both else value  # type: ignore[arg-type]
    return merged


def _check_segmenter(name: str, arm: Arm, changes: Mapping[str, Any]) -> None:
    """Raises `BadInput` for what the task of an arm has no use for, or can't do."""
    place = f"{PARAMS_PATH}: {_PLACE}.{name}"
    if arm.task is not TaskName.SEGMENTATION:
        if "segmentation" in changes:
            raise BadInput(f"{place}: segmentation: expected task segmentation with it, came none; add it")
        return
    if arm.protocol is Protocol.PAPER:
        raise BadInput(
            f"{place}: expected protocol grouped with task segmentation, came paper; the paper's "
            "protocol is of its classifiers"
        )
    if not has_decoder(arm.arch):
        raise BadInput(f"{place}: {NO_DECODER}, came {arm.arch}; choose one of resnet18 to resnet152")
    unused = [key for key in ("epochs", "lr") if key in changes]
    unused += [f"train.{key}" for key in _OF_CLASSIFIERS if key in changes.get("train", {})]
    if unused:
        raise BadInput(
            f"{place}: expected no {unused[0]} with task segmentation, which has no use for it; remove it"
            + (f", or set {_INSTEAD[unused[0]]}" if unused[0] in _INSTEAD else "")
        )


def _check_zero_shot(name: str, arm: Arm, changes: Mapping[str, Any]) -> None:
    """Raises `BadInput` for what an arm that trains nothing can't have."""
    if not arm.zero_shot:
        return
    place = f"{PARAMS_PATH}: {_PLACE}.{name}"
    find_shipped(arm.arch, f"{place}: task: {TaskName.ZERO_SHOT}")
    unused = [key for key in changes if key not in ("arch", "task")]
    if unused:
        raise BadInput(
            f"{place}: expected arch alone with task zero_shot, which trains nothing, came {unused[0]}; "
            "remove it"
        )


def _check_different(arms: Mapping[str, Arm]) -> None:
    seen: list[tuple[str, Arm]] = []
    for name, arm in arms.items():
        twins: Sequence[str] = [other for other, found in seen if found.trains_as(arm)]
        if twins:
            raise BadInput(
                f"{PARAMS_PATH}: {_PLACE}: expected arms that differ, came {twins[0]} and {name}, which "
                "train the same; remove one"
            )
        seen.append((name, arm))
