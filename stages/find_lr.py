"""Training images -> the learning rate: the valley that lr_find sees, or the number in params.yaml.

A process of its own, so that the mock training leaves no trace in the real one. With a number it
does no work and imports no torch.
"""

from pathlib import Path

from brainmri.dataset.manifest import read_manifest
from brainmri.dataset.prepared import read_prepared
from brainmri.learning.recipe import Rate, Recipe
from brainmri.learning.records import RatePoint, write_rate
from brainmri.params import read_params
from brainmri.tables import write_rows
from stages import run


class Params(Recipe):
    """The keys of params.yaml that this stage reads."""

    lr: Rate


def main(prepared: Path, manifest: Path, metrics: Path, curve: Path) -> None:
    """Prepared folder and manifest in; rate and curve out."""
    params = read_params(Params)
    if params.lr == "auto":
        # A number needs no torch.
        from brainmri.learning.classification import select_classes  # noqa: PLC0415
        from brainmri.learning.rate import find_rate  # noqa: PLC0415

        found = find_rate(select_classes(read_prepared(prepared), read_manifest(manifest)), params)
        rate, points = found.learning_rate, found.curve
    else:
        rate, points = params.lr, []
    write_rate(metrics, rate, "valley" if points else "params.yaml")
    write_rows(curve, points, RatePoint)
    print(f"find_lr: {rate:.2e} -> {metrics}")


if __name__ == "__main__":
    run(main)
