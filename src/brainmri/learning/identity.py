"""Of what a training is made: a hash of all that decides its bytes."""

import hashlib
import json
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import torch

import brainmri
from brainmri.dataset.manifest import ManifestRow
from brainmri.dataset.prepared import PreparedSet
from brainmri.learning.precision import choose_precision
from brainmri.learning.recipe import Recipe

_CHECKOUT: Final = Path(brainmri.__file__).parents[2]
_OWN: Final = ("brainmri", "stages", "__main__")
_PACKAGES: Final = ("fastai", "fasttransform", "numpy", "safetensors", "torch", "torchvision")


def identify_training(
    prepared: PreparedSet, manifest: Sequence[ManifestRow], recipe: Recipe, epochs: int, lr: float
) -> str:
    """A SHA-256 of settings, data, loaded code, versions and the type of machine, in hexadecimal."""
    facts: dict[str, Any] = {
        "recipe": recipe.model_dump(mode="json"),
        "epochs": epochs,
        "lr": lr,
        "data": hash_data(prepared, manifest),
        "code": _hash_code(),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES},
        "machine": _describe_machine(recipe),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def hash_data(prepared: PreparedSet, manifest: Sequence[ManifestRow]) -> str:
    """A SHA-256 of the images, and of each slice's id, label and subset."""
    digest = hashlib.sha256(prepared.images.tobytes())
    for row in manifest:
        digest.update(f"{row.slice_id}\n{row.label}\n{row.subset.value}\n".encode())
    return digest.hexdigest()


def _hash_code() -> dict[str, str]:
    """Each file of this project that is loaded by now, with its hash."""
    loaded = {
        Path(file)
        for name, module in list(sys.modules.items())
        if name.split(".")[0] in _OWN and (file := getattr(module, "__file__", None))
    }
    own = sorted(path for path in loaded if path.is_relative_to(_CHECKOUT))
    return {
        path.relative_to(_CHECKOUT).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in own
    }


def _describe_machine(recipe: Recipe) -> dict[str, str]:
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return {
        "processor": platform.machine(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "gpu": gpu,
        "precision": choose_precision(recipe.train.precision).value,
    }
