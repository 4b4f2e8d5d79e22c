"""Of what a pretraining is made: a hash of all that decides its bytes."""

import hashlib
import json
from typing import Any, Final

from brainmri.learning.catalogue import Architecture
from brainmri.learning.pretraining.settings import PretrainParams
from brainmri.learning.provenance import describe_machine, hash_code, list_versions

# The parts of the package that draw phantoms, and those that learn from them.
_DRAWING: Final = ("phantom", "phantom/wide", "phantom/wide/choices")
_LEARNING: Final = ("", "dataset", "learning", "learning/pretraining", "scans")
_DRAWING_PACKAGES: Final = ("nibabel", "nilearn", "numpy", "opencv-python-headless", "scipy", "torch")
_LEARNING_PACKAGES: Final = ("fastai", "fastcore", "safetensors", "torchvision")


def identify_pretraining(arch: Architecture, params: PretrainParams) -> str:
    """A SHA-256 of settings, code, versions and type of machine, in hexadecimal."""
    return _hash(
        {
            "kind": "pretraining",
            "arch": arch.value,
            "params": params.model_dump(mode="json", exclude={"unseen", "second_size"}),
            "code": hash_code((*_DRAWING, *_LEARNING)),
            "versions": list_versions((*_DRAWING_PACKAGES, *_LEARNING_PACKAGES)),
            "machine": describe_machine(params.precision),
        }
    )


def identify_phantoms(params: PretrainParams) -> str:
    """A SHA-256 of what decides the phantoms that are learnt from: settings, seed, the generator's code."""
    keys = {"generator", "seed", "budget", "batch_size", "together", "sizes"}
    return _hash({"params": params.model_dump(mode="json", include=keys), "code": hash_code(_DRAWING)})


def identify_generator() -> str:
    """The first twelve digits of a SHA-256 of the generator's code."""
    return _hash(hash_code(_DRAWING))[:12]


def _hash(facts: Any) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
