"""Tiny training sets and recipes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.dataset.prepared import Classes, PreparedSet, SliceRow
from brainmri.learning.recipe import Recipe
from brainmri.learning.segmentation_recipe import SegmentationParams, SegmentationRecipe
from tests.pictures import draw_head

RECIPE: dict[str, Any] = {
    "arch": "resnet18",
    "weights": "none",
    "seed": 0,
    "train": {
        "size": "prepared",
        "pooling": "concat",
        "batch_size": 8,
        "least_steps": 2,
        "frozen_epochs": 1,
        "patience": 5,
        "clip_norm": 1.0,
        "weight_decay": 0.01,
        "dropout": 0.1,
        "flips": False,
        "loss": "cross_entropy",
        "class_weights": "none",
        "augment": {"rotate_degrees": 10.0, "translate": 0.05, "scale": 0.1, "flip": True, "gamma": 0.0},
        "progressive": {"share": 0.0, "size": 32},
        "averaging": {"decay": 0.5, "every": 1, "images": 16},
        "scaling": "image",
        "precision": "fp32",
        "compile": False,
        "threads": 1,
        "lr_find": {"lowest": 1e-5, "highest": 1.0, "steps": 24, "images": 16, "repeats": 1},
    },
}

# Of a recipe where nothing depends on a ResNet: trains in a fraction of the time, checkpoints too.
SMALL = {"arch": "squeezenet1_1"}


def make_recipe(**changes: Any) -> Recipe:
    """The tiny recipe with changes; those of the section `train` by their own names."""
    own = {key: value for key, value in changes.items() if key in RECIPE}
    train = {key: value for key, value in changes.items() if key not in RECIPE}
    return Recipe.model_validate(RECIPE | own | {"train": RECIPE["train"] | train})


SEGMENTATION: dict[str, Any] = {
    "epochs": 2,
    "lr": "auto",
    "loss": "dice_ce",
    "attention": False,
    "flips": True,
    "lesion_overlap": 0.1,
    "tolerance_mm": 2.0,
    "tolerance_px": 2.0,
}


def make_segmentation(**changes: Any) -> SegmentationParams:
    """The section `segmentation` with changes."""
    return SegmentationParams.model_validate(SEGMENTATION | changes)


def make_mask_recipe(section: SegmentationParams, **changes: Any) -> SegmentationRecipe:
    """The tiny recipe of a segmenter with changes."""
    return SegmentationRecipe(**make_recipe(**changes).model_dump(), segmentation=section.design)


def make_masked_set(count: int = 32, size: int = 32) -> tuple[PreparedSet, list[ManifestRow]]:
    """As `make_set`; the spot is what is brighter than any brain, and slices of both classes have masks."""
    data, manifest = make_set(count, size)
    masks = ((data.images > 200) & data.is_positive()[:, None, None]).astype(np.uint8)
    slices = [
        row.model_copy(update={"has_mask": True, "tumor_area": int(mask.sum())})
        for row, mask in zip(data.slices, masks, strict=True)
    ]
    return replace(data, slices=slices, masks=masks), manifest


def make_set(count: int = 32, size: int = 32) -> tuple[PreparedSet, list[ManifestRow]]:
    """Heads with and without a spot; every fourth is validation, every eighth test."""
    slices, manifest = [], []
    for number in range(count):
        label = "tumor" if number % 2 else "no tumor"
        subset = {0: Subset.VALID, 1: Subset.VALID, 2: Subset.TEST}.get(number % 8, Subset.TRAIN)
        name = f"{number:03d}"
        slices.append(
            SliceRow(
                slice_id=name,
                scan=name,
                slice=0,
                patient=None,
                label=label,
                has_mask=False,
                tumor_area=None,
                spacing_mm=None,
                given_subset=None,
            )
        )
        manifest.append(ManifestRow(slice_id=name, group=f"G{name}", label=label, subset=subset, fold=0))
    images = np.stack([draw_head(number, tumor=bool(number % 2), size=size) for number in range(count)])
    return PreparedSet(Path(), "heads", slices, images, None, Classes("tumor", "no tumor")), manifest
