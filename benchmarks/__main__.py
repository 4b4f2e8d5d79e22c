"""All speed benchmarks, one after the other; hours on a small machine.

    python -m benchmarks [--kaggle FOLDER --positive yes] [--dicom FOLDER]

Runs on the default data set, which `make repro` makes, and besides on FOLDER: one of pictures in class
folders, one of single DICOM slices. Results land below benchmarks/results/, with the machine they are of.
"""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Each benchmark in a process of its own; ends with the first that fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kaggle", type=Path)
    parser.add_argument("--positive", default="yes")
    parser.add_argument("--dicom", type=Path)
    arguments = parser.parse_args()
    if arguments.dicom is not None and arguments.kaggle is None:
        parser.error("--dicom: expected --kaggle beside it, as `preparing` measures both; name it too")
    pictures = [] if arguments.kaggle is None else [str(arguments.kaggle.absolute())]
    dicom = [] if arguments.dicom is None else [str(arguments.dicom.absolute())]
    commands = [
        ["bookkeeping"],
        ["training"],
        ["quality"],
        ["segmenters"],
        ["phantoms"],
        ["variants", "settings", "default", "train.precision=fp32", "train.progressive.share=0"],
    ]
    if pictures:
        named = ["--raw", *pictures, "--positive", arguments.positive, "--name", arguments.kaggle.name]
        commands += [["preparing", *pictures, *dicom], ["training", *named], ["quality", *named]]
    for name, *options in commands:
        print(f"\n# {name} {' '.join(options)}", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
