"""Pictures per second of the phantoms of pretraining, by their size, on one core and on two.

    python -m benchmarks.phantoms [--rounds 5] [--pictures 512]

Processes of one thread each, with the committed settings. A round is also counted by the processor's time,
which other work on the machine changes less: pictures per second that a process computes, added up.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from benchmarks.measurement import (
    Side,
    alternate,
    describe_commit,
    describe_machine,
    spread,
    summarize,
    tabulate,
    write_results,
)
from brainmri.allocation import keep_freed_memory
from brainmri.params import PARAMS_PATH, load_yaml
from brainmri.phantom.wide.generator import PhantomGenerator
from brainmri.phantom.wide.settings import WideParams

ROOT = Path(__file__).parents[1]
PACKAGES = ("torch", "numpy", "opencv-python-headless", "nilearn")
SIZES = (96, 128, 224)
CORES = (1, 2)
Busy = dict[str, list[float]]


@cache
def load_generator() -> PhantomGenerator:
    """Of this process, which computes with one thread from here on."""
    keep_freed_memory()
    torch.set_num_threads(1)
    section = load_yaml((ROOT / PARAMS_PATH).read_text())["pretrain"]["generator"]
    return PhantomGenerator(WideParams.model_validate(section), torch.device("cpu"))


def render(size: int, pictures: int, index: int) -> float:
    """Seconds of the processor that a batch takes."""
    generator = load_generator()
    begin = time.process_time()
    generator.render(0, index, pictures, size)
    return time.process_time() - begin


def measure(pools: Sequence[ProcessPoolExecutor], size: int, pictures: int, busy: list[float]) -> float:
    """Pictures per second of all pools at once; notes the same by the processor's time."""
    begin = time.perf_counter()
    jobs = [pool.submit(render, size, pictures, index) for index, pool in enumerate(pools)]
    seconds = [job.result() for job in jobs]
    busy.append(sum(pictures / own for own in seconds))
    return pictures * len(pools) / (time.perf_counter() - begin)


def main() -> None:
    """Measures, prints tables, writes benchmarks/results/phantoms.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pictures", type=int, default=512, help="that a process renders in a round")
    arguments = parser.parse_args()
    # A pool a process: each has its own work.
    pools = [ProcessPoolExecutor(1, get_context("spawn")) for _ in range(max(CORES))]
    results = {f"{size} px": _measure_size(pools, size, arguments) for size in SIZES}
    for pool in pools:
        pool.shutdown()
    machine = describe_machine(PACKAGES)
    write_results("phantoms", {"commit": describe_commit(), "machine": machine, "results": results})


def _measure_size(pools: Sequence[ProcessPoolExecutor], size: int, arguments: Any) -> dict[str, Any]:
    busy: Busy = defaultdict(list)
    sides = []
    for cores in CORES:
        name = f"cores: {cores}"
        work = partial(measure, pools[:cores], size, arguments.pictures, busy[name])
        sides.append(Side(name, work))
    summary = summarize(alternate(sides, arguments.rounds, "pictures/s"), sides[0].name)
    # As of the rounds, the first is thrown away.
    for name, figures in busy.items():
        summary["sides"][name]["by processor time"] = spread(figures[1:])
    print("\n" + tabulate(f"{size} px", summary), flush=True)
    for name, side in summary["sides"].items():
        print(f"{name}, by processor time: {side['by processor time']['median']:.0f}")
    return summary


if __name__ == "__main__":
    main()
