"""What predicting many volumes costs on a cluster, where the time goes, and what is saturated first.

    python -m benchmarks.cluster_costs [--volumes 30]

Measured on this machine: a core's seconds for reading and preparing a volume (197 x 233 x 189 voxels, int16,
gzip) and for a slice by the shipped ResNet18; what a volume costs the driver's processor, with a shared
folder and without: what `predict` takes on two nodes of one core for four times as many volumes less what it
takes for so many. The table is a model from those, not a measurement: nodes of 16 cores like this machine's,
as many as stand in its head, which wait neither for disks nor for the network.
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
    }


def measure_driver(folder: Path, volumes: int) -> dict[str, float]:
    """A driver's seconds for joining, and its processor's for a volume that nodes find or that it sends."""
    counts = volumes, 4 * volumes
    for count in counts:
        (folder / str(count)).mkdir()
        make_volumes(folder / str(count), count)
    costs = {}
    with start_cluster({}, {}):
        for task in ("predict", "predict sent"):
            few, many = (measure(folder / str(count), task, NODES) for count in counts)
            costs[task] = (many["driver_seconds"] - few["driver_seconds"]) / (counts[1] - counts[0])
    return {
        "join_seconds": many["joined"],
        "driver_shared_seconds": costs["predict"],
        "driver_sent_seconds": costs["predict sent"],
    }


def model_hours(costs: dict[str, float], volumes: int, nodes: int, *, sent: bool) -> dict[str, float]:
    """Hours that each part has to work: the longest is what the run takes, since they work side by side."""
    node = costs["volume_seconds"] + costs["slices"] * costs["slice_seconds"]
    driver = costs["driver_sent_seconds" if sent else "driver_shared_seconds"]
    return {"nodes": volumes * node / (nodes * _CORES) / 3600, "driver": volumes * driver / 3600}


def tabulate(costs: dict[str, float]) -> str:
    """A line for each number of volumes."""
    lines = [
        f"| volumes | files | {' | '.join(f'{nodes} nodes' for nodes in _NODES)} |",
        f"| ---: | --- | {' | '.join('---:' for _ in _NODES)} |",
    ]
    for volumes in _VOLUMES:
        for sent in (False, True):
            cells = []
            for nodes in _NODES:
                hours = model_hours(costs, volumes, nodes, sent=sent)
                longest = max(hours, key=hours.__getitem__)
                cells.append(f"{hours[longest]:.2g} h ({longest})")
            files = "sent by the driver" if sent else "in a shared folder"
            lines.append(f"| {volumes:,} | {files} | {' | '.join(cells)} |")
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
