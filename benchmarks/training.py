"""Images per second of training: our train stage, a bare loop, the script that readers write, other loaders.

    python -m benchmarks.training [--raw RAW] [--positive NAME] [--name NAME] [--archs resnet34 resnet50]
        [--sizes 128 224] [--rounds 3] [--threads 2] [--batch 16]

Runs on the default data set (`make repro` makes it) or on RAW, on a GPU if there is one. Sides, by turns in
one run:

- ours: the steps of an epoch of the stage `train`, all of the network and every image once; `ours, whole
  epoch` adds validation and the average's batch-normalization statistics to the time, not to the images (in
  small sets, of which the stage shows each image several times an epoch, they weigh less);
- roofline: a bare PyTorch loop on one synthetic batch in memory, with torchvision's network (ours has
  fastai's head), the same batch and threads, torch's fused AdamW, in the fastest of its variants (which are
  measured first);
- script: ImageDataLoaders on the raw files, Resize, aug_transforms and fine_tune's unfrozen epoch, as written
  from fastai's tutorial, with 0, with 2 and with fastai's own number of workers (a core each, 16 at most),
  which fastai starts anew for each epoch;
- torchvision v2 and MONAI: the roofline's loop, fed from the raw files by their transforms and loaders.

All sides but the script keep freed memory between steps (`allocation.py`); the script runs in
processes of its own. Progressive resizing is off: every epoch is one at full size.
"""

import argparse
import itertools
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measurement import Measured, alternate, describe_machine, summarize, tabulate, write_results
from benchmarks.settings import SETTINGS
from benchmarks.training_sides import Bench, Source, make_bench, make_sides

PACKAGES = ("torch", "torchvision", "fastai", "monai", "numpy", "pillow")


def measure(bench: Bench, rounds: int) -> dict[str, Any]:
    """All sides of one network and size."""
    speeds, sides = make_sides(bench)
    measured = alternate(sides, rounds, "images/s")
    whole = Measured(measured.unit, {**measured.rounds, "ours, whole epoch": bench.whole_epochs[1:]})
    return {"batch_size": bench.batch_size, "roofline_variants": speeds, **summarize(whole, "roofline")}


def main() -> None:
    """Measures, prints tables, writes benchmarks/results/training_NAME.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--archs", nargs="+", default=["resnet34", "resnet50"])
    parser.add_argument("--sizes", nargs="+", type=int, default=[128, 224])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, help="images of a step; without it, train.batch_size")
    parser.add_argument("--raw", type=Path, default=Path("data/phantom"))
    parser.add_argument("--positive", default=SETTINGS.prepare.positive)
    parser.add_argument("--name", default="phantom")
    arguments = parser.parse_args()
    source = Source(arguments.raw, arguments.positive, arguments.threads, arguments.batch)
    results = {}
    for arch, size in itertools.product(arguments.archs, arguments.sizes):
        with tempfile.TemporaryDirectory() as folder:
            bench = make_bench(arch, size, source, Path(folder))
            try:
                found = measure(bench, arguments.rounds)
            finally:
                bench.close()
        results[f"{arch}, {size} px"] = found
        ways = ", ".join(f"{name} {speed:.0f}" for name, speed in found["roofline_variants"].items())
        title = f"{arch}, {size} px, batches of {found['batch_size']}; roofline: {ways}"
        print("\n" + tabulate(title, found), flush=True)
    machine = describe_machine(PACKAGES) | {"threads": arguments.threads}
    write_results(f"training_{arguments.name}", {"machine": machine, "results": results})


if __name__ == "__main__":
    main()
