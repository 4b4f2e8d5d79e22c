"""Of what a training is made: a hash of all that decides its bytes."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from brainmri.dataset.manifest import ManifestRow
from brainmri.dataset.prepared import PreparedSet
from brainmri.learning.compilation import describe_compiler
from brainmri.learning.provenance import describe_machine, hash_code, list_versions
from brainmri.learning.recipe import Rate, Recipe
from brainmri.learning.weights import StartWeights, read_start_weights

# The parts of the package that training may use.
CODE: Final = ("", "dataset", "learning", "scans")
_BLOCK: Final = 256
_PACKAGES: Final = (
    "fastai",
    "fastcore",
    "fasttransform",
    "monai",
    "numpy",
    "opencv-python-headless",
    "safetensors",
    "scipy",
    "torch",
    "torchvision",
)


def identify_training(
    prepared: PreparedSet, manifest: Sequence[ManifestRow], recipe: Recipe, epochs: int, lr: Rate
) -> str:
    """A SHA-256 of settings, start weights, data, code, versions and type of machine, in hexadecimal.

    `lr` is `auto` for a training that looks for its rate itself.
    Raises `BadInput` where the start weights can't be read.
    """
    start = read_start_weights(recipe.weights, recipe.arch)
    facts: dict[str, Any] = {
        "recipe": recipe.model_dump(mode="json"),
        "start": "none" if start is None else _describe_start(start),
        "epochs": epochs,
        "lr": lr,
        "data": hash_data(prepared, manifest),
        "masks": hash_masks(prepared),
        "code": hash_code(CODE),
        "versions": list_versions(_PACKAGES),
        "machine": describe_machine(recipe.train.precision),
        "compiler": describe_compiler() if recipe.train.compile else "none",
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _describe_start(start: StartWeights) -> dict[str, Any]:
    """The file's hash, and what the model.json beside it decides."""
    known = start.normalization
    return {
        "sha256": start.sha256,
        "normalization": None if known is None else known.model_dump(),
        "second_size": start.second_size,
    }


def hash_data(prepared: PreparedSet, manifest: Sequence[ManifestRow]) -> str:
    """A SHA-256 of the images, and of each slice's id, label, class and subset."""
    digest = _digest(prepared.images)
    for row, positive in zip(manifest, prepared.is_positive(), strict=True):
        digest.update(f"{row.slice_id}\n{row.label}\n{positive}\n{row.subset.value}\n".encode())
    return digest.hexdigest()


def hash_masks(prepared: PreparedSet) -> str:
    """A SHA-256 of the masks, and of which slices have one; `none` without any."""
    if prepared.masks is None:
        return "none"
    digest = _digest(prepared.masks)
    digest.update("".join(str(int(row.has_mask)) for row in prepared.slices).encode())
    return digest.hexdigest()


def _digest(array: NDArray[np.uint8]) -> "hashlib._Hash":
    digest = hashlib.sha256(str(array.shape).encode())
    for start in range(0, len(array), _BLOCK):
        digest.update(array[start : start + _BLOCK].tobytes())
    return digest
