"""A model folder -> one that ONNX Runtime runs, checked against PyTorch on real prepared images."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from brainmri.dataset.prepared import read_prepared
from brainmri.errors import BadInput
from brainmri.learning.cards import MODEL
from brainmri.learning.model_folder import WEIGHTS
from brainmri.learning.portable import write_onnx
from brainmri.learning.prediction import read_classifier
from brainmri.serving.backends import ONNX_FILE, Backend, open_network
from brainmri.serving.model import CLASSIFIER, NOVELTY, OPERATING_POINT, Model, read_model
from brainmri.tables import write_mapping

# A larger difference of a probability than rounding makes ends the export.
_MOST_DIFFERENCE: Final = 1e-3
# So many images, spread evenly over the set, are compared.
_COMPARED: Final = 256


@dataclass(frozen=True)
class Exported:
    """The graph, and its largest difference of a probability from PyTorch over so many images."""

    path: Path
    images: int
    largest_difference: float


def export_model(model: Model, out: Path, prepared: Path) -> Exported:
    """Writes a model folder to `out`. Raises `BadInput` where it would lie in `model`, or says otherwise."""
    if out.resolve() == model.folder.resolve():
        raise BadInput(f"--out {out}: expected another folder than the model's; name one")
    images = read_prepared(prepared).images
    classifier = read_classifier(model.folder / CLASSIFIER, WEIGHTS)
    (out / CLASSIFIER).mkdir(parents=True, exist_ok=True)
    shutil.copyfile(model.folder / CLASSIFIER / MODEL, out / CLASSIFIER / MODEL)
    shutil.copyfile(model.folder / OPERATING_POINT, out / OPERATING_POINT)
    shutil.copytree(model.folder / NOVELTY, out / NOVELTY, dirs_exist_ok=True)
    write_onnx(out / CLASSIFIER / ONNX_FILE, classifier, model.point.temperature)
    places = np.unique(np.linspace(0, len(images) - 1, min(_COMPARED, len(images))).astype(int))
    chosen = images[places]
    expected = open_network(model, Backend.TORCH).judge(chosen)
    found = open_network(read_model(out), Backend.ONNX).judge(chosen)
    largest = float(np.abs(expected.probability - found.probability).max())
    if not largest <= _MOST_DIFFERENCE:
        (out / CLASSIFIER / ONNX_FILE).unlink()
        raise BadInput(
            f"{out}: expected probabilities within {_MOST_DIFFERENCE:g} of PyTorch's, came {largest:.2g}"
        )
    write_mapping(out / "export.json", {"images": len(chosen), "largest_difference": float(f"{largest:.2g}")})
    return Exported(out / CLASSIFIER / ONNX_FILE, len(chosen), largest)
