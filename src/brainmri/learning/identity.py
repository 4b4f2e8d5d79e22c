"""Of what a training is made: a hash of all that decides its bytes."""

import hashlib
import json
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

import brainmri
from brainmri.dataset.manifest import ManifestRow
from brainmri.dataset.prepared import PreparedSet
from brainmri.learning.compilation import describe_compiler
from brainmri.learning.precision import choose_precision
from brainmri.learning.recipe import Precision, Rate, Recipe
from brainmri.learning.weights import read_start_weights

_CHECKOUT: Final = Path(brainmri.__file__).parents[2]
# Of the package, "" for its own modules.
_PARTS: Final = ("", "dataset", "learning", "scans")
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
        "start": "none" if start is None else start.sha256,
        "epochs": epochs,
        "lr": lr,
        "data": hash_data(prepared, manifest),
        "masks": hash_masks(prepared),
        "code": _hash_code(),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES},
        "machine": _describe_machine(recipe),
        "compiler": describe_compiler() if recipe.train.compile else "none",
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


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


def _hash_code() -> dict[str, str]:
    """Each file of this project that training may use, with its hash; loaded or not: all processes agree."""
    package = _CHECKOUT / "src" / "brainmri"
    own = sorted(path for part in _PARTS for path in (package / part).glob("*.py"))
    return {
        path.relative_to(package).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in own
    }


def _describe_machine(recipe: Recipe) -> dict[str, str]:
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return {
        "processor": platform.machine(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "fast bf16": choose_precision(Precision.AUTO).value,
        "gpu": gpu,
        "precision": choose_precision(recipe.train.precision).value,
    }
