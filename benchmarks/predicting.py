"""Predicting by PyTorch and by ONNX Runtime: seconds for one picture, images per second once started.

    python -m brainmri export && python -m benchmarks.predicting [--rounds 5]

The default model, on prepared images of this checkout, by turns.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.measurement import Side, alternate, describe_machine, summarize, write_results
from brainmri.dataset.prepared import read_prepared
from brainmri.serving.model import Network, read_model
from brainmri.serving.runtimes import Runtime, open_network

FOLDERS = {Runtime.TORCH: Path("models"), Runtime.ONNX: Path("exported")}
_COUNT = 128


def start_cold(runtime: Runtime, picture: Path) -> float:
    """Seconds of the whole command."""
    command = [sys.executable, "-m", "brainmri", "predict", str(picture), "--runtime", runtime.value]
    begin = time.perf_counter()
    subprocess.run([*command, "--model", str(FOLDERS[runtime])], capture_output=True, check=True)
    return time.perf_counter() - begin


def judge(network: Network, images: NDArray[np.uint8]) -> float:
    """Images per second."""
    begin = time.perf_counter()
    network.judge(images)
    return len(images) / (time.perf_counter() - begin)


def main() -> None:
    """Measures, prints tables, writes benchmarks/results/predicting.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    images = np.array(read_prepared(Path("data/prepared")).images[:_COUNT])
    picture = min(Path("data/phantom/images").iterdir())
    networks = {runtime: open_network(read_model(folder), runtime) for runtime, folder in FOLDERS.items()}
    work: dict[str, tuple[str, dict[Runtime, Callable[[], float]]]] = {
        "cold start": ("s", {runtime: partial(start_cold, runtime, picture) for runtime in Runtime}),
        "throughput": (
            "images/s",
            {runtime: partial(judge, networks[runtime], images) for runtime in Runtime},
        ),
    }
    results = {}
    for title, (unit, sides) in work.items():
        measured = alternate([Side(name.value, measure) for name, measure in sides.items()], rounds, unit)
        results[title] = summarize(measured, Runtime.TORCH.value)
        for name, own in results[title]["sides"].items():
            print(f"{title}, {name}: {own['median']:.2f} {unit}, {own['ratio']['median']:.2f} of torch's")
    write_results("predicting", {"machine": describe_machine(("torch", "onnxruntime")), "results": results})


if __name__ == "__main__":
    main()
