"""Seconds that are not the work itself: imports of each stage, DVC with nothing to do, sets of many slices.

    python -m benchmarks.bookkeeping [--rounds 5] [--counts 500 5000 50000]

The first table is of this checkout, after `make repro`: `python -m stages.NAME --help`, and commands of DVC.
The others are of clones of the last commit whose `raw` holds so many small pictures, as far as `prepare`.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.measurement import Side, alternate, describe_machine, spread, write_results

ROOT = Path(__file__).parents[1]
PACKAGES = ("dvc", "numpy", "pydantic", "torch", "fastai")
ENVIRONMENT = os.environ | {
    "DVC_NO_ANALYTICS": "1",
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
}
DVC_START = ("dvc", "root")


def time_command(command: Sequence[str], folder: Path) -> float:
    """Seconds by the clock; fails if it fails."""
    begin = time.perf_counter()
    subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, check=True)
    return time.perf_counter() - begin


def time_by_turns(commands: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, dict[str, float]]:
    """Median, lowest and highest of each command's seconds."""
    measured = alternate([Side(name, measure) for name, measure in commands.items()], rounds, "s")
    return {name: spread(figures) for name, figures in measured.rounds.items()}


def time_here(rounds: int) -> dict[str, dict[str, float]]:
    """The start of every stage, and DVC where nothing is to be done."""
    if subprocess.run(("dvc", "status", "-q"), cwd=ROOT, env=ENVIRONMENT, check=False).returncode:
        sys.exit("bookkeeping: expected a checkout where nothing is left to run; run `make repro` first")
    stages = sorted(path.stem for path in (ROOT / "stages").glob("*.py") if path.stem != "__init__")
    commands = {
        f"start of {name}": partial(time_command, (sys.executable, "-m", f"stages.{name}", "--help"), ROOT)
        for name in stages
    }
    for command in (DVC_START, ("dvc", "repro"), ("dvc", "status")):
        commands[" ".join(command)] = partial(time_command, command, ROOT)
    return time_by_turns(commands, rounds)


def time_many(count: int, rounds: int) -> dict[str, dict[str, float]]:
    """DVC in a clone with `count` pictures, prepared."""
    with tempfile.TemporaryDirectory() as place:
        clone = Path(place) / "clone"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        _draw_pictures(clone / "data" / "mine", count)
        change = ["-S", "raw=data/mine", "-S", "prepare.positive=yes", "-S", "prepare.size=32"]
        time_command(("dvc", "add", "-q", "data/mine"), clone)
        time_command(("dvc", "exp", "run", *change, "prepare"), clone)
        commands: dict[str, Callable[[], float]] = {
            " ".join(DVC_START): partial(time_command, DVC_START, clone),
            "dvc repro prepare": partial(time_command, ("dvc", "repro", "prepare"), clone),
            "dvc status prepare": partial(time_command, ("dvc", "status", "prepare"), clone),
            "dvc checkout of the prepared set": partial(_check_out, clone, "data/prepared", "prepare"),
        }
        return time_by_turns(commands, rounds)


def main() -> None:
    """Measures, prints tables, writes benchmarks/results/bookkeeping.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--counts", nargs="*", type=int, default=[500, 5000, 50_000])
    arguments = parser.parse_args()
    results: dict[str, Any] = {"this checkout": time_here(arguments.rounds)}
    _print("this checkout", results["this checkout"])
    for count in arguments.counts:
        name = f"{count} slices"
        results[name] = time_many(count, arguments.rounds)
        _print(name, results[name])
    write_results("bookkeeping", {"machine": describe_machine(PACKAGES), "results": results})


def _draw_pictures(folder: Path, count: int) -> None:
    """Small pictures of noise around a disk, half of them in each class."""
    generator = np.random.default_rng(0)
    down, across = np.indices((32, 32)) - 15.5
    disk = 120 * (np.hypot(down, across) < 12)
    for number in range(count):
        path = folder / ("no", "yes")[number % 2] / f"{number:06d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = disk + generator.integers(0, 100, (32, 32))
        Image.fromarray(pixels.astype(np.uint8)).save(path, compress_level=1)


def _check_out(clone: Path, output: str, stage: str) -> float:
    shutil.rmtree(clone / output)
    return time_command(("dvc", "checkout", stage), clone)


def _print(title: str, found: dict[str, dict[str, float]]) -> None:
    print(f"\n{title}\n\n| what | n | median, s | range, s |\n| --- | ---: | ---: | ---: |")
    for name, figures in found.items():
        print(
            f"| {name} | {figures['n']} | {figures['median']:.2f} | "
            f"{figures['lowest']:.2f} to {figures['highest']:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
