"""A model as a folder that runs without PyTorch: ONNX, and what belongs to it."""

import argparse
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brainmri.dataset.prepared import read_prepared
from brainmri.learning.pretraining.drawing import draw_heads
from brainmri.learning.pretraining.settings import PretrainSection
from brainmri.params import Section, read_params
from brainmri.serving.choice import add_model_argument, choose_folder
from brainmri.serving.export import COMPARED, check_place, export_model
from brainmri.serving.limits import find_limits
from brainmri.serving.model import Model, read_model
from brainmri.serving.web.settings import find_serve_limits

_PREPARED: Final = Path("data/prepared")


class Params(Section):
    """The keys of params.yaml by which heads are drawn."""

    pretrain: PretrainSection


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    add_model_argument(parser)
    parser.add_argument("--out", type=Path, default=Path("exported"), metavar="DIR", help="default: exported")
    parser.add_argument(
        "--images",
        type=Path,
        metavar="DIR",
        help=f"a prepared set on which both are compared; default: {_PREPARED}, or, for a zero-shot detector "
        "where there is none, drawn heads",
    )


def run(given: argparse.Namespace) -> int:
    """Writes the folder and says how far it is from PyTorch."""
    folder = choose_folder(given.model)
    limits = find_limits(folder), find_serve_limits(folder)
    model = read_model(folder)
    check_place(given.out, model)
    images, kind = _find_images(given.images, model)
    done = export_model(model, given.out, images, *limits)
    print(
        f"export: {done.path}; on {done.images} {kind} its probabilities differ from PyTorch's by "
        f"at most {done.largest_difference:.1e}\nuse it: python -m brainmri predict --model {given.out} PATH"
    )
    return 0


def _find_images(given: Path | None, model: Model) -> tuple[NDArray[np.uint8], str]:
    """What both are compared on, and what that is: a detector of ours is there before any set is."""
    if given is None and model.zero_shot and not _PREPARED.exists():
        size = model.card.rule.size
        return draw_heads(read_params(Params).pretrain, COMPARED, size), "drawn heads"
    return read_prepared(given or _PREPARED).images, "prepared images"
