"""A model folder -> one that ONNX Runtime runs, checked against PyTorch on images."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brainmri.errors import BadInput
from brainmri.learning.cards import MODEL
from brainmri.learning.model_folder import WEIGHTS
from brainmri.learning.portable import write_onnx
from brainmri.learning.prediction import check_size, fit_size, read_classifier
from brainmri.scans.settings import ReadingLimits
from brainmri.scoring.novelty import measure_novelty
from brainmri.serving.limits import LIMITS
from brainmri.serving.model import CARDS, CLASSIFIER, NOVELTY, OPERATING_POINT, Model, read_model
from brainmri.serving.runtimes import ONNX_FILE, ONNX_WEIGHTS, Runtime, open_network
from brainmri.serving.web.settings import SERVE_LIMITS, ServeLimits
from brainmri.tables import write_mapping

# A larger difference of a probability, or of a distance in thresholds, than rounding makes ends the export.
_MOST_DIFFERENCE: Final = 1e-3
# So many images, spread evenly over the set, are compared.
COMPARED: Final = 256


@dataclass(frozen=True)
class Exported:
    """The graph, and its largest difference of a probability from PyTorch over so many images."""

    path: Path
    images: int
    largest_difference: float


def export_model(
    model: Model, out: Path, images: NDArray[np.uint8], limits: ReadingLimits, serve: ServeLimits
) -> Exported:
    """Writes a model folder to `out`, with what a stranger's file and request may take.

    Prepared `images` (n, size, size) or (n, 3, size, size) are what it is compared on. Raises `BadInput` for
    a folder of another model, for images of another size, and where PyTorch says otherwise.
    """
    check_place(out, model)
    classifier = read_classifier(model.folder / CLASSIFIER, WEIGHTS)
    chosen = _choose(images, model)
    (out / CLASSIFIER).mkdir(parents=True, exist_ok=True)
    shutil.copyfile(model.folder / CLASSIFIER / MODEL, out / CLASSIFIER / MODEL)
    shutil.copyfile(model.folder / OPERATING_POINT, out / OPERATING_POINT)
    shutil.copytree(model.folder / NOVELTY, out / NOVELTY, dirs_exist_ok=True)
    for name in CARDS:
        if (model.folder / name).is_file():
            # With what a license asks to stand beside every copy.
            shutil.copyfile(model.folder / name, out / name)
    metadata = {ONNX_WEIGHTS: model.weights_sha256}
    write_onnx(out / CLASSIFIER / ONNX_FILE, classifier, model.point.temperature, metadata)
    expected = open_network(model, Runtime.TORCH).judge(chosen)
    found = open_network(read_model(out), Runtime.ONNX).judge(chosen)
    largest = float(np.abs(expected.probability - found.probability).max())
    novelty = [measure_novelty(opinion.features, model.familiar) for opinion in (expected, found)]
    farthest = float(np.abs(novelty[0] - novelty[1]).max())
    if not max(largest, farthest) <= _MOST_DIFFERENCE:
        (out / CLASSIFIER / ONNX_FILE).unlink()
        raise BadInput(
            f"{out}: expected probabilities and novelty within {_MOST_DIFFERENCE:g} of PyTorch's, came "
            f"{largest:.2g} and {farthest:.2g} away"
        )
    differences = {"largest_difference": largest, "largest_difference_of_novelty": farthest}
    facts = {name: float(f"{value:.2g}") for name, value in differences.items()}
    write_mapping(out / "export.json", facts | {"images": len(chosen)})
    write_mapping(out / LIMITS, limits.model_dump())
    write_mapping(out / SERVE_LIMITS, serve.model_dump())
    return Exported(out / CLASSIFIER / ONNX_FILE, len(chosen), largest)


def _choose(images: NDArray[np.uint8], model: Model) -> NDArray[np.uint8]:
    """Some of the images, at the model's size: a detector of ours need not have been prepared for them."""
    places = np.unique(np.linspace(0, len(images) - 1, min(COMPARED, len(images))).astype(int))
    chosen: NDArray[np.uint8] = images[places]
    if model.zero_shot and chosen.ndim == 3:
        chosen = fit_size(chosen, model.card)
    check_size(chosen, model.card)
    return chosen


def check_place(out: Path, model: Model) -> None:
    """Raises `BadInput` for a folder whose parts would mix with those of another model."""
    if out.resolve().is_relative_to(model.folder.resolve()) or (out / CLASSIFIER / WEIGHTS).exists():
        raise BadInput(f"--out {out}: expected a folder of its own, came that of a model; name another")
    if out.exists() and not out.is_dir():
        raise BadInput(f"--out {out}: expected a folder, came a file; name another")
