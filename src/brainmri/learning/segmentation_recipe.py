"""How a segmenter is trained beyond the recipe of all: settings that import neither torch nor fastai."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from brainmri.learning.recipe import Epochs, Rate, Recipe
from brainmri.params import Section


class MaskLoss(StrEnum):
    """What a segmenter minimizes; validation is watched by the same."""

    DICE_CE = "dice_ce"
    DICE = "dice"
    FOCAL = "focal"


class MaskDesign(Section):
    """What of the section `segmentation` decides a training but its length and its learning rate."""

    loss: Annotated[MaskLoss, Field(strict=False, description="dice_ce, dice or focal")]
    attention: Annotated[bool, Field(description="true (self-attention in the deepest layer) or false")]


class SegmentationParams(MaskDesign):
    """The section `segmentation`."""

    epochs: Epochs
    lr: Rate
    flips: Annotated[bool, Field(description="true (prediction also sees each slice mirrored) or false")]
    lesion_overlap: Annotated[float, Field(gt=0, lt=1, description="an overlap (IoU) above 0 and below 1")]
    tolerance_mm: Annotated[float, Field(gt=0, description="millimeters, above 0")]
    tolerance_px: Annotated[float, Field(gt=0, description="pixels, above 0")]

    @property
    def design(self) -> MaskDesign:
        """What a recipe holds of it."""
        return MaskDesign(loss=self.loss, attention=self.attention)


class SegmentationRecipe(Recipe):
    """All that decides a segmenter's training but its length and its learning rate."""

    segmentation: MaskDesign

    @property
    def flips(self) -> bool:
        """`train.flips` is of classifiers: `segmentation.flips` is no part of the training."""
        return False


class SegmenterSettings(Recipe):
    """The keys of params.yaml that a segmenter's training reads."""

    segmentation: SegmentationParams

    @property
    def recipe(self) -> SegmentationRecipe:
        """What of them decides the training."""
        known = {name: getattr(self, name) for name in Recipe.model_fields}
        return SegmentationRecipe(**known, segmentation=self.segmentation.design)
