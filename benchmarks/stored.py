"""How coarsely the shipped weights may be stored: docs/pretraining.md.

    python -m benchmarks.stored RAW --name lgg [--positive tumor] [--channel 1] [--arch resnet34]

The kernels lie in float16, with 11 bits of mantissa. What they were before is not kept, so their own rounding
can't be measured. Rounded once more, to 10 bits, they move by some twice as much, so that what this changes
is more than what float16 may have changed. In int8 (each output channel by a scale of its own) they would
take half the room, in int4 a quarter. All are asked about RAW and about unseen phantoms that lack nothing;
temperature and threshold of each are chosen on others of these.
"""

import copy
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.ablations import draw_unseen, read_real, read_section
from benchmarks.measurement import describe_commit, describe_machine, end_in_a_line, write_results
from benchmarks.pretraining import PACKAGES, ROOT
from benchmarks.settings import parse_set
from benchmarks.transfer import Params, Sets, compare, list_rows
from benchmarks.zero_shot import show_area
from brainmri.learning.model_folder import WEIGHTS
from brainmri.learning.prediction import Classifier, predict_logits, read_classifier
from brainmri.learning.shipped import find_shipped
from brainmri.params import PARAMS_PATH, read_params

STORED = "float16, as shipped"
# Bits of mantissa, with the first, which is always 1.
FLOATS = {"one bit less": 10, "three bits less, as in bfloat16": 8}
# Bits of a whole number of either sign.
WHOLES = {"int8 by channel": 8, "int4 by channel": 4}


def round_floats(kernel: torch.Tensor, bits: int) -> torch.Tensor:
    """The kernel to so many bits of mantissa, the nearest."""
    mantissa, exponent = torch.frexp(kernel)
    rounded: torch.Tensor = torch.ldexp(torch.round(mantissa * 2**bits) / 2**bits, exponent)
    return rounded


def round_wholes(kernel: torch.Tensor, bits: int) -> torch.Tensor:
    """The kernel in whole multiples of each output channel's own step."""
    most = 2 ** (bits - 1) - 1
    step = kernel.abs().amax(tuple(range(1, kernel.ndim)), keepdim=True).clamp_(min=1e-12) / most
    rounded: torch.Tensor = torch.round(kernel / step) * step
    return rounded


def store(network: nn.Module, name: str) -> nn.Module:
    """A copy of the network with kernels as coarse as the name says."""
    made = copy.deepcopy(network)
    with torch.no_grad():
        for value in made.parameters():
            if value.ndim > 1 and name in FLOATS:
                value.copy_(round_floats(value, FLOATS[name]))
            elif value.ndim > 1 and name in WHOLES:
                value.copy_(round_wholes(value, WHOLES[name]))
    return made


def main() -> None:
    """A line for each way to store them."""
    parser = parse_set(__doc__, "resnet34")
    parser.set_defaults(batch=2, size=None, pictures=2)  # of a pretraining, of which there is none here
    given = parser.parse_args()
    shipped = find_shipped(given.arch, "--arch")
    shipped.check()
    classifier = read_classifier(shipped.folder / "classifier", WEIGHTS)
    section = read_section(given, "all", 1)
    choices = {"positive": given.positive, "channel": given.channel}
    with tempfile.TemporaryDirectory() as folder:
        real = read_real(given.raw, section, choices, Path(folder) / "real")
        drawn, manifest, tested = draw_unseen(section, Path(folder) / "unseen")
        asked = {"real": Sets(drawn, manifest, real), "phantoms": Sets(drawn, manifest, tested)}
        said = {name: _ask(classifier, name, asked) for name in (STORED, *FLOATS, *WHOLES)}
    params = read_params(Params, ROOT / PARAMS_PATH)
    found: dict[str, Any] = {}
    for where, sets in asked.items():
        arms = {name: list_rows(sets, [own["watched"], own[where]], 0) for name, own in said.items()}
        found[where] = compare(arms, sets, params)
        for name, figures in found[where].items():
            moved = np.abs(said[name][where] - said[STORED][where])
            figures["log_odds_moved"] = {"median": float(np.median(moved)), "most": float(moved.max())}
            shown = show_area(figures["auroc_within_folds"])
            print(f"{where}, {name}: AUROC {shown}, log odds moved by at most {moved.max():.3f}")
    content = found | {"arch": given.arch, "weights_sha256": shipped.sha256, "commit": describe_commit()}
    write_results(f"stored_{given.name}_{given.arch}", content | {"machine": describe_machine(PACKAGES)})


def _ask(classifier: Classifier, name: str, asked: dict[str, Sets]) -> dict[str, Any]:
    own = Classifier(store(classifier.network, name), classifier.card)
    first = asked["phantoms"]
    images = {where: np.array(sets.test.prepared.images) for where, sets in asked.items()}
    images["watched"] = first.train.images[first.watched]
    return {where: predict_logits(own, shown) for where, shown in images.items()}


if __name__ == "__main__":
    end_in_a_line(main)
