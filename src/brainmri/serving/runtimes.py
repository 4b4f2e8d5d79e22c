"""What runs a model's network: PyTorch, or ONNX Runtime where a model was exported."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from brainmri.errors import BadInput
from brainmri.serving.intake import Watch
from brainmri.serving.model import CLASSIFIER, SEGMENTER, WEIGHTS, Model, Network

ONNX_FILE: Final = "classifier.onnx"
# Of the graph's metadata: the hash of the weights that it was made of.
ONNX_WEIGHTS: Final = "weights_sha256"
Outline = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
"""Prepared slices (n, size, size) or (n, channels, size, size) -> masks (n, size, size), 0 or 1."""


@dataclass(frozen=True)
class HeatMap:
    """What of a slice speaks for tumor: (size, size), at most 1, below 0 against; the hottest row, column."""

    values: NDArray[np.float32]
    hottest: tuple[int, int]


Heat = Callable[[NDArray[np.uint8]], Iterator[HeatMap]]
"""Prepared slices -> a map for each, in order."""


class Runtime(StrEnum):
    """What runs a network."""

    TORCH = "torch"
    ONNX = "onnx"


# Each module has `open_network(model)`; the other's libraries are not loaded, and need not be there.
_MODULES: Final = {
    Runtime.TORCH: "brainmri.serving.torch_runtime",
    Runtime.ONNX: "brainmri.serving.onnx_runtime",
}
_FILES: Final = {Runtime.TORCH: WEIGHTS, Runtime.ONNX: ONNX_FILE}


def choose_runtime(model: Model, wanted: Runtime | None) -> Runtime:
    """The one that is wanted, else the first whose file is there. Raises `BadInput` where that is missing."""
    there = [runtime for runtime, file in _FILES.items() if (model.folder / CLASSIFIER / file).is_file()]
    if wanted is None and there:
        return there[0]
    if wanted in there:
        return wanted
    wanted = wanted or Runtime.TORCH
    missing = model.folder / CLASSIFIER / _FILES[wanted]
    make = "python -m brainmri export" if wanted is Runtime.ONNX else "dvc repro train"
    raise BadInput(f"{missing}: no such file; run `{make}`, or choose another --runtime or --model")


def open_network(model: Model, runtime: Runtime) -> Network:
    """The network of `model`, ready. Raises `BadInput` for a wrong file or a missing library."""
    network: Network = _load(_MODULES[runtime], f"--runtime {runtime}").open_network(model)
    return network


def open_outliner(model: Model, option: str) -> Outline | None:
    """What outlines tumors; None where the model has no segmenter. Raises `BadInput` without PyTorch."""
    if not (model.folder / SEGMENTER).is_dir():
        return None
    outline: Outline = _load("brainmri.serving.outlining", option).Outliner(model).outline
    return outline


def open_heat(model: Model, option: str) -> Heat | None:
    """What draws heat maps; None where the model has no weights for it. Raises `BadInput` without PyTorch."""
    if not (model.folder / CLASSIFIER / _FILES[Runtime.TORCH]).is_file():
        return None
    heat: Heat = _load("brainmri.serving.explanation", option).open_heat(model)
    return heat


def check_place(folder: Path, option: str) -> None:
    """Raises `BadInput` where `option` can't write to `folder`, which has anything in it."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{option} {folder}: expected a new or empty folder, came another; name one")


def open_explainer(model: Model, folder: Path) -> Watch:
    """What draws heat maps to `folder`, which is new or empty.

    Raises `BadInput` for another, without PyTorch, or without weights for it.
    """
    check_place(folder, "--explain")  # at once: PyTorch takes seconds
    explainer = _load("brainmri.serving.explanation", "--explain").Explainer(model, folder)
    watch: Watch = explainer.explain
    return watch


def open_dicom_writer(model: Model, folder: Path, max_megabytes: int) -> Watch:
    """What writes DICOM objects of answers to `folder`. Raises `BadInput` as `open_explainer` does."""
    option = "--dicom-out"
    check_place(folder, option)
    outline = open_outliner(model, option)
    output = _load("brainmri.serving.dicom_output", option)
    watch: Watch = output.open_writer(model, folder, outline, max_megabytes).write
    return watch


def _load(module: str, option: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise BadInput(
            f"{option}: expected the package {error.name}, which is not installed; install it, or do without"
        ) from None
