"""What many volumes cost on a cluster, where the time goes, and what is saturated first.

    python -m benchmarks.cluster_costs [--volumes 30]

Measured on this machine: a core's seconds for reading and preparing a volume (197 x 233 x 189 voxels, int16,
gzip) and for a slice by the shipped ResNet18; what a volume costs the driver's processor, by `predict` with a
shared folder and without, and by the stage `prepare`: what these take on two nodes of one core for four times
as many volumes less what they take for so many. The table is a model from those, not a measurement: nodes of
16 cores like this machine's, as many as stand in its head, which don't wait for disks. Where the driver sends
files, each crosses its network, of 1 Gb/s, once. All parts work side by side, so that a run takes as long as
the longest of them.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

from benchmarks.cluster import MODEL, NODES, make_volumes, measure, start_cluster, write_volume
from benchmarks.measurement import describe_commit, describe_machine, write_results
from brainmri.confinement import Limits
from brainmri.dataset.scan_preparation import prepare_scan
from brainmri.isolation import isolate_within
from brainmri.scans.folder import list_unknown
from brainmri.scans.series import gather_scans
from brainmri.serving.judging import Predictor
from brainmri.serving.limits import find_limits
from brainmri.serving.model import read_model
from brainmri.serving.runtimes import Runtime

_CORES: Final = 16
_VOLUMES: Final = (10_000, 100_000, 1_000_000)
_NODES: Final = (1, 10, 100)
_REPEATS: Final = 5
_BYTES_A_SECOND: Final = 1e9 / 8
# What is done with a volume, and by which of the benchmark's tasks its cost to the driver is measured.
_WAYS: Final = {
    "predict, in a shared folder": "predict",
    "predict, sent by the driver": "predict sent",
    "prepare, in a shared folder": "prepare",
}


def _time(work: Callable[[], Any]) -> float:
    """Seconds, the median after one that is thrown away."""
    seconds = []
    for _ in range(_REPEATS + 1):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return median(seconds[1:])


def measure_node(folder: Path) -> dict[str, float]:
    """A core's seconds for a volume and for a slice, and how many slices of one are looked at."""
    import torch  # noqa: PLC0415

    torch.set_num_threads(1)
    path = write_volume(folder / "volume.nii.gz")
    model = read_model(MODEL)
    rule = model.rule(find_limits(MODEL))
    limits = Limits(rule.max_memory_megabytes, rule.max_seconds)
    (scan,) = gather_scans(list_unknown(path), rule, isolate_within(limits)).scans
    prepared = prepare_scan(folder, rule, scan)
    images = np.stack([piece.image for piece in prepared.slices])
    network = Predictor(model, Runtime.TORCH).network
    many = np.concatenate([images] * 8)
    return {
        "volume_seconds": _time(lambda: prepare_scan(folder, rule, scan)),
        "slice_seconds": _time(lambda: network.judge(many)) / len(many),
        "slices": len(images),
        "volume_bytes": path.stat().st_size,
    }


def measure_driver(folder: Path, volumes: int) -> dict[str, float]:
    """A driver's seconds for joining, and its processor's for a volume, by task."""
    counts = volumes, 4 * volumes
    for count in counts:
        (folder / str(count)).mkdir()
        make_volumes(folder / str(count), count)
    costs = {}
    with start_cluster({}, {}):
        for task in _WAYS.values():
            few, many = (measure(folder / str(count), task, NODES) for count in counts)
            costs[f"driver: {task}"] = (many["driver_seconds"] - few["driver_seconds"]) / (
                counts[1] - counts[0]
            )
    return {"join_seconds": many["joined"]} | costs


def model_hours(costs: dict[str, float], volumes: int, task: str) -> dict[str, float]:
    """Hours that each part has to work: as many nodes, the driver's processor, its network."""
    judged = 0 if task == "prepare" else costs["slices"] * costs["slice_seconds"]
    node = (costs["volume_seconds"] + judged) / _CORES
    seconds = {f"{nodes} node{'s' * (nodes > 1)}": node / nodes for nodes in _NODES}
    seconds["driver"] = costs[f"driver: {task}"]
    seconds["network"] = costs["volume_bytes"] / _BYTES_A_SECOND if task == "predict sent" else 0.0
    return {part: volumes * own / 3600 for part, own in seconds.items()}


def tabulate(costs: dict[str, float]) -> str:
    """A line for each number of volumes and each way, in hours."""
    lines: list[str] = []
    for volumes in _VOLUMES:
        for way, task in _WAYS.items():
            hours = model_hours(costs, volumes, task)
            if not lines:
                lines.append(f"| volumes | what | {' | '.join(hours)} |")
                lines.append(f"| ---: | --- |{' ---: |' * len(hours)}")
            cells = (f"{own:.2g}" if own else "" for own in hours.values())
            lines.append(f"| {volumes:,} | {way} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Prints the costs and the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--volumes", type=int, default=30)
    volumes = parser.parse_args().volumes
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        costs = measure_node(folder) | measure_driver(folder, volumes)
    for title, value in costs.items():
        print(f"{title}: {value:.4g}")
    print(f"\n{tabulate(costs)}")
    content = {"costs": costs, "commit": describe_commit(), "machine": describe_machine(("ray", "torch"))}
    write_results("cluster_costs", content)


if __name__ == "__main__":
    main()
