"""What many volumes cost on a cluster, where the time goes, and what is saturated first.

    python -m benchmarks.cluster_costs [--volumes 30] [--patients 640] [--parts volumes slices]

Measured on this machine: a core's seconds for reading and preparing a volume (197 x 233 x 189 voxels,
int16, gzip) and for a slice by the shipped ResNet18; what a volume costs the driver's processor, by
`predict` with a shared folder and without, and by the stage `prepare`: what these take on two nodes of one
core for four times as many volumes less what they take for so many. A core's seconds for an image of
`audit`, and for each that it is compared with, from sets that differ in size, of phantoms shifted, mirrored
and with noise; the driver's for an image, of the stage on 8,000 of these less that on 2,000. A core's
seconds for a slice that ResNet18 learns from, by the default recipe: what 15 epochs of a unit take less
what 5 do. The table is a model from those, not a measurement: nodes of 16 cores like this machine's, as
many as stand in its head, which don't wait for disks. Where the driver sends files, each crosses its
network, of 1 Gb/s, once; what an audit searches goes to all nodes, from the driver to one at least. All
parts work side by side, so that a run takes as long as the longest of them; in an audit they take turns. A
comparison is of 200 units (eight arms, five folds, five seeds), all like that one. Of parts that are not
asked for, earlier results stay.
"""

import argparse
import hashlib
import math
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.cluster import (
    MODEL,
    NODES,
    ONE_CORE,
    change_params,
    keep_unit,
    make_volumes,
    make_workspace,
    measure,
    start_cluster,
    write_volume,
)
from benchmarks.measurement import describe_commit, describe_machine, read_results, write_results
from benchmarks.settings import SETTINGS
from brainmri.confinement import Limits
from brainmri.dataset.candidates import find_candidates
from brainmri.dataset.duplicates import find_near_twins
from brainmri.dataset.prepared import (
    IMAGES,
    MASKS,
    RAW_FACTS,
    SLICES,
    RawFactRow,
    SliceRow,
    read_prepared,
    read_raw_facts,
)
from brainmri.dataset.scan_preparation import prepare_scan
from brainmri.dataset.thumbnails import SIZE_PX, shrink_images
from brainmri.isolation import isolate_within
from brainmri.params import PARAMS_PATH
from brainmri.scans.folder import list_unknown
from brainmri.scans.series import gather_scans
from brainmri.serving.judging import Predictor
from brainmri.serving.limits import find_limits
from brainmri.serving.model import read_model
from brainmri.serving.runtimes import Runtime
from brainmri.tables import write_rows

_PARTS: Final = ("volumes", "slices")
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
# What the table has beside: the search for near-duplicates among all slices, and a comparison.
_AUDIT: Final = "audit"
_COMPARISON: Final = "comparison, 200 units"
_UNITS: Final = 200
_EPOCHS: Final = (5, 15)
# The share of all slices that a unit learns from: three of five folds.
_LEARNT: Final = 0.6
# Of a slice: its small copy, to be described and again to be compared in detail, and what is searched.
_SEARCHED_BYTES: Final = 2 * SIZE_PX**2 + 6 * 100 * 4
# Slices of the sets that a driver audits: more than those of which all are looked at for what is usual.
_AUDITED: Final = (2000, 8000)
# Images of the search for near-duplicates: enough for the part that grows with the square.
_IMAGES: Final = (4096, 16384)


def _time(work: Callable[[], Any], repeats: int = _REPEATS) -> float:
    """Seconds, the median after one that is thrown away (of several)."""
    seconds = []
    for _ in range(repeats + (repeats > 1)):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return median(seconds[repeats > 1 :])


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


def measure_slices(folder: Path, patients: int) -> dict[str, float]:
    """What a slice costs that is looked for elsewhere, and that is learnt from."""
    (own := folder / "own").mkdir()
    make_workspace(own, patients, _EPOCHS[0])
    made = [grow(own, folder / str(count), count) for count in _AUDITED]
    with start_cluster({}, {}):
        costs = measure_audit(made)
    return costs | measure_search(own) | measure_training(own, patients)


def grow(source: Path, folder: Path, count: int) -> Path:
    """A workspace with a prepared set of so many other pictures, each made of one of the source's."""
    prepared, made = source / "data" / "prepared", folder / "data" / "prepared"
    shutil.copytree(prepared, made)
    shutil.copy(source / PARAMS_PATH, folder / PARAMS_PATH)
    data, facts = read_prepared(prepared), read_raw_facts(prepared)
    generator = np.random.default_rng(0)
    places = [number % len(data.slices) for number in range(count)]
    np.save(made / IMAGES, np.stack([_change(data.images[place], generator) for place in places]))
    if data.masks is not None:
        np.save(made / MASKS, data.masks[places])
    names = [f"{number:06d}.png" for number in range(count)]
    slices = [
        data.slices[place].model_copy(update={"slice_id": name, "scan": name, "patient": name})
        for name, place in zip(names, places, strict=True)
    ]
    write_rows(made / SLICES, slices, SliceRow)
    known = [
        facts[place].model_copy(
            update={"slice_id": name, "sha256": hashlib.sha256(name.encode()).hexdigest()}
        )
        for name, place in zip(names, places, strict=True)
    ]
    write_rows(made / RAW_FACTS, known, RawFactRow)
    return folder


def measure_training(folder: Path, patients: int) -> dict[str, float]:
    """A core's seconds for a slice that a unit learns from; in a workspace of so many phantoms."""
    learnt = keep_unit(folder)
    seconds = []
    for epochs in _EPOCHS:
        change_params(folder, patients, epochs)
        seconds.append(measure(folder, "crossval", ONE_CORE)["seconds"])
    return {"train_seconds": (seconds[1] - seconds[0]) / (_EPOCHS[1] - _EPOCHS[0]) / learnt}


def measure_search(folder: Path) -> dict[str, float]:
    """A core's seconds for an image of the search for near-duplicates, and for each that it is compared with.

    Small copies are left out, which the driver makes.
    """
    heads = read_prepared(folder / "data" / "prepared").images
    generator = np.random.default_rng(0)
    made = np.stack([_change(heads[place % len(heads)], generator) for place in range(_IMAGES[1])])
    own = made[: _IMAGES[0]]
    most, least = SETTINGS.audit.candidates, SETTINGS.audit.twin_correlation
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        _time_search(own)  # the first is slower
        few, many = (_time_search(images) for images in (own, made))
        shrinking = _time(lambda: shrink_images(own))
        whole = _time(lambda: find_near_twins(own, np.arange(len(own)), most, least), 1)
    finally:
        os.sched_setaffinity(0, cores)
    times = len(made) // len(own)
    pair = (many - times * few) / (len(made) ** 2 - times * len(own) ** 2)
    image = (whole - shrinking) / len(own) - len(own) * pair
    return {"audit_image_seconds": image, "audit_pair_seconds": pair}


def _time_search(images: NDArray[np.uint8]) -> float:
    thumbnails, ties = shrink_images(images), np.arange(len(images))
    return _time(lambda: find_candidates(thumbnails, ties, SETTINGS.audit.candidates), 1)


def _change(image: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Another picture of the same size: shifted, mirrored perhaps, with a slope of brightness and noise."""
    moved = np.roll(image, generator.integers(-6, 7, 2), axis=(-2, -1))
    moved = moved[..., :: generator.choice([-1, 1])]
    first, last = generator.uniform(0.6, 1.4, 2)
    slope = np.linspace(first, last, image.shape[-1])
    return np.asarray(np.clip(moved * slope + generator.normal(0, 8, image.shape), 0, 255), np.uint8)


def measure_audit(folders: Sequence[Path]) -> dict[str, float]:
    """A driver's seconds, of its processor, for an image of the stage: what more of the second set take."""
    seconds = [
        median(measure(folder, _AUDIT, NODES)["driver_seconds"] for _ in range(3)) for folder in folders
    ]
    return {f"driver: {_AUDIT}": (seconds[1] - seconds[0]) / (_AUDITED[1] - _AUDITED[0])}


def model_hours(costs: dict[str, float], volumes: int, task: str) -> dict[str, float]:
    """Hours that each part has to work: as many nodes, the driver's processor, its network."""
    slices = volumes * costs["slices"]
    if task == _COMPARISON:  # each unit is on one core, and no more are busy than there are units
        unit = slices * _LEARNT * _EPOCHS[1] * costs["train_seconds"]
        rounds = {nodes: math.ceil(_UNITS / (nodes * _CORES)) for nodes in _NODES}
        seconds = {_name(nodes): unit * own for nodes, own in rounds.items()}
    else:
        node = slices * costs["audit_image_seconds"] + slices**2 * costs["audit_pair_seconds"]
        if task != _AUDIT:
            judged = 0 if task == "prepare" else slices * costs["slice_seconds"]
            node = volumes * costs["volume_seconds"] + judged
        seconds = {_name(nodes): node / _CORES / nodes for nodes in _NODES}
    each = slices if task == _AUDIT else volumes
    seconds["driver"] = each * costs.get(f"driver: {task}", 0.0)
    sent = {"predict sent": costs["volume_bytes"], _AUDIT: costs["slices"] * _SEARCHED_BYTES}
    seconds["network"] = volumes * sent.get(task, 0) / _BYTES_A_SECOND
    return {part: own / 3600 for part, own in seconds.items()}


def _name(nodes: int) -> str:
    return f"{nodes} node{'s' * (nodes > 1)}"


def tabulate(costs: dict[str, float]) -> str:
    """A line for each number of volumes and each way, in hours."""
    lines: list[str] = []
    for volumes in _VOLUMES:
        for way, task in (_WAYS | {own: own for own in (_AUDIT, _COMPARISON)}).items():
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
    parser.add_argument("--patients", type=int, default=640)
    parser.add_argument("--parts", nargs="+", choices=_PARTS, default=_PARTS)
    given = parser.parse_args()
    content = read_results("cluster_costs")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "volumes" in given.parts:
            content["volumes"] = measure_node(folder) | measure_driver(folder, given.volumes)
        if "slices" in given.parts:
            content["slices"] = measure_slices(folder, given.patients)
    for part in given.parts:
        told = {"commit": describe_commit(), "machine": describe_machine(("ray", "torch", "numpy"))}
        content[part] = {"costs": content[part]} | told
    costs = content["volumes"]["costs"] | content["slices"]["costs"]
    for title, value in costs.items():
        print(f"{title}: {value:.4g}")
    print(f"\n{tabulate(costs)}")
    write_results("cluster_costs", content)


if __name__ == "__main__":
    main()
