"""The trained classifier as a folder that runs without PyTorch: ONNX, and what belongs to it."""

import argparse
from pathlib import Path

from brainmri.serving.choice import add_model_argument, choose_folder
from brainmri.serving.export import export_model
from brainmri.serving.limits import find_limits
from brainmri.serving.model import read_model
from brainmri.serving.web.settings import find_serve_limits


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    add_model_argument(parser)
    parser.add_argument("--out", type=Path, default=Path("exported"), metavar="DIR", help="default: exported")
    parser.add_argument(
        "--images",
        type=Path,
        default=Path("data/prepared"),
        metavar="DIR",
        help="a prepared set on which both are compared; default: data/prepared",
    )


def run(given: argparse.Namespace) -> int:
    """Writes the folder and says how far it is from PyTorch."""
    folder = choose_folder(given.model)
    limits = find_limits(folder), find_serve_limits(folder)
    done = export_model(read_model(folder), given.out, given.images, *limits)
    print(
        f"export: {done.path}; on {done.images} prepared images its probabilities differ from PyTorch's by "
        f"at most {done.largest_difference:.1e}\nuse it: python -m brainmri predict --model {given.out} PATH"
    )
    return 0
