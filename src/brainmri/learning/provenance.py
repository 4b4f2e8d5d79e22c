"""What a training depends on besides its settings and its data: code, versions and type of machine."""

import hashlib
import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Final

import torch

import brainmri
from brainmri.learning.precision import choose_precision
from brainmri.learning.recipe import Precision

_CHECKOUT: Final = Path(brainmri.__file__).parents[2]


def hash_code(parts: Iterable[str]) -> dict[str, str]:
    """Each file of these parts of the package ("" for its own modules), with its hash.

    Loaded or not: all processes agree.
    """
    package = _CHECKOUT / "src" / "brainmri"
    own = sorted(path for part in parts for path in (package / part).glob("*.py"))
    return {
        path.relative_to(package).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in own
    }


def list_versions(packages: Iterable[str]) -> dict[str, str]:
    """The versions of python and of these packages."""
    return {"python": platform.python_version()} | {name: version(name) for name in packages}


def describe_machine(precision: Precision) -> dict[str, str]:
    """What of a machine decides bits, and the precision that is meant by `precision` there."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return {
        "processor": platform.machine(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "fast bf16": choose_precision(Precision.AUTO).value,
        "gpu": gpu,
        "precision": choose_precision(precision).value,
    }
