"""What preparing leaves of shortcuts: planted ones, and those of a folder of scans.

    OMP_NUM_THREADS=1 python -m benchmarks.neutralization [RAW --positive yes]

The planted set: phantom slices without any tumor, labelled at random by patient. One class is saved
large, wide, as JPEG and with a bright frame, the other small, tall and as PNG. Every baseline on the
raw files must tell them apart, and none on the prepared images. A small network and a forest on the
spectrum (how sharp an image is) try the prepared images too. With a folder, the same table for it, under
each way of preparing.
"""

import argparse
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from benchmarks.settings import SETTINGS
from brainmri.compute import map_each
from brainmri.dataset.audit import audit_set
from brainmri.dataset.baselines import Baseline
from brainmri.dataset.manifest import ManifestRow
from brainmri.dataset.prepare import prepare_folder
from brainmri.dataset.prepared import PreparedSet, read_prepared, read_raw_facts
from brainmri.dataset.protocols import Protocol
from brainmri.dataset.shortcuts import ForestParams, score_shortcuts, tabulate_prepared, tabulate_raw
from brainmri.dataset.split import assign_subsets
from brainmri.phantom.patients.dataset import name_patient, render_patient
from brainmri.phantom.patients.settings import PhantomParams
from brainmri.scoring.areas import estimate_area
from brainmri.scoring.cases import Cases
from brainmri.scoring.estimates import Estimate
from brainmri.scoring.resampling import IntervalParams
from brainmri.tables import Row, write_rows

Image = NDArray[np.uint8]  # (rows, columns)
Areas = dict[str, Estimate]

SPLIT = SETTINGS.split.model_copy(update={"protocol": Protocol.GROUPED})
INTERVALS = IntervalParams(confidence=0.95, draws=2000, seed=0)
HEALTHY = PhantomParams(
    patients=120,
    slices_per_patient=2,
    tumor_fraction=0.0,
    size_px=192,
    seed=7,
    tumor_radius_min_mm=12.0,
    tumor_radius_max_mm=40.0,
    tumor_area_min_mm2=30.0,
    tumor_contrast_min=0.8,
    tumor_contrast_max=1.5,
    lookalikes_with_tumor=0.0,
    lookalikes_without_tumor=0.0,
    noise_max=0.03,
)


@dataclass(frozen=True)
class Variant:
    """What is changed of the default rule; `flatten` also gives every prepared image one histogram."""

    rule: Mapping[str, Any]
    flatten: bool = False


VARIANTS = {
    "default": Variant({}),
    "no crop": Variant({"crop": False}),
    "CLAHE": Variant({"equalize": True}),
    "percentiles 0 and 100": Variant({"low_percentile": 0.0, "high_percentile": 100.0}),
    "percentiles 5 and 95": Variant({"low_percentile": 5.0, "high_percentile": 95.0}),
    "size 64": Variant({"size": 64}),
    "one histogram": Variant({}, flatten=True),
}


class PlantedRow(Row):
    """A line of the planted set's scans.csv."""

    path: str
    label: str
    patient: str


@dataclass(frozen=True)
class Disguise:
    """How the pictures of one class are saved: `head_px` a side, in a canvas, with a frame of `frame_px`."""

    head_px: int
    width_px: int
    height_px: int
    frame_px: int
    suffix: str


LARGE = Disguise(head_px=300, width_px=480, height_px=330, frame_px=4, suffix=".jpg")
SMALL = Disguise(head_px=150, width_px=165, height_px=240, frame_px=0, suffix=".png")


def plant_shortcuts(folder: Path, params: PhantomParams) -> None:
    """Writes slices without tumor and a scans.csv whose labels say nothing but how a picture was saved."""
    folder.mkdir(parents=True, exist_ok=True)
    wears_large = np.random.default_rng(params.seed).permutation(params.patients) % 2 == 0
    rendered = list(
        map_each(lambda number: render_patient(params, number), range(params.patients), "phantom")
    )
    rows = []
    for number, pictures in enumerate(rendered):
        disguise, label = (LARGE, "yes") if wears_large[number] else (SMALL, "no")
        for index, picture in enumerate(pictures):
            path = f"{name_patient(number)}_{index}{disguise.suffix}"
            content = cv2.imencode(disguise.suffix, _disguise(picture.image, disguise))[1]
            (folder / path).write_bytes(content.tobytes())
            rows.append(PlantedRow(path=path, label=label, patient=name_patient(number)))
    write_rows(folder / "scans.csv", rows, PlantedRow)


def _disguise(image: Image, how: Disguise) -> Image:
    smaller = how.head_px < len(image)
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    head = cv2.resize(image, (how.head_px, how.head_px), interpolation=method)
    canvas = np.full((how.height_px, how.width_px), np.uint8(np.median(head[:4])), np.uint8)
    top, left = (how.height_px - how.head_px) // 2, (how.width_px - how.head_px) // 2
    canvas[top : top + how.head_px, left : left + how.head_px] = head
    if how.frame_px:
        inner = canvas[how.frame_px : -how.frame_px, how.frame_px : -how.frame_px].copy()
        canvas[:] = 255
        canvas[how.frame_px : -how.frame_px, how.frame_px : -how.frame_px] = inner
    return canvas


def measure_areas(raw: Path, positive: str, variant: Variant, trees: int) -> Areas:
    """The AUROC of every baseline, and of a small network, on a folder as it is and prepared by `variant`."""
    with tempfile.TemporaryDirectory() as folder:
        changed = {"positive": positive, "max_rejected": 0.0, **variant.rule}
        params = SETTINGS.prepare.model_copy(update=changed)
        prepare_folder(raw, params, Path(folder))
        data, facts = read_prepared(Path(folder)), read_raw_facts(Path(folder))
        if variant.flatten:
            data = replace(data, images=np.stack([cv2.equalizeHist(image) for image in data.images]))
        groups = audit_set(data, facts, [], SETTINGS.audit).groups
        manifest = assign_subsets(data.slices, groups, SPLIT)
        tables = {**tabulate_raw(facts), **tabulate_prepared(data.images)}
        forest = ForestParams(trees=trees, seed=0)
        rows = score_shortcuts(tables, manifest, positive, forest)
        scores = {
            baseline.value: np.array([row.score for row in rows if row.baseline is baseline])
            for baseline in dict.fromkeys(row.baseline for row in rows)
        }
        scores["small_network"] = score_network(data, manifest)
        scores["prepared_spectrum"] = score_spectrum(data, manifest, forest)
    return {name: _estimate(values, data, manifest) for name, values in scores.items()}


def score_network(data: PreparedSet, manifest: Sequence[ManifestRow]) -> NDArray[np.float64]:
    """Out-of-fold scores (slices,) of a perceptron of 32 hidden units on the prepared images in 32 px."""
    pixels = np.array([cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA) for image in data.images])
    flat = pixels.reshape(len(pixels), -1) / 255 - 0.5
    truth, folds = data.is_positive(), np.array([row.fold for row in manifest])
    scores = np.empty(len(truth))
    for fold in np.unique(folds):
        here = folds == fold
        network = MLPClassifier((32,), alpha=1.0, learning_rate_init=3e-4, max_iter=60, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # stopped early on purpose
            network.fit(flat[~here], truth[~here])
        scores[here] = network.predict_proba(flat[here])[:, 1]
    return scores


def score_spectrum(
    data: PreparedSet, manifest: Sequence[ManifestRow], forest: ForestParams
) -> NDArray[np.float64]:
    """Out-of-fold scores (slices,) of a forest on the logarithm of the power in 16 rings of frequency."""
    size = data.images.shape[-1]
    window = np.outer(np.hanning(size), np.hanning(size))
    frequency = np.hypot(*np.meshgrid(*[np.fft.fftfreq(size)] * 2))
    ring = np.minimum((frequency * 32).astype(int), 15)
    power = [np.abs(np.fft.fft2(image / 255 * window)) ** 2 for image in data.images]
    table = np.log([np.bincount(ring.ravel(), one.ravel()) / np.bincount(ring.ravel()) for one in power])
    rows = score_shortcuts({Baseline.PREPARED_HISTOGRAM: table}, manifest, data.classes.positive, forest)
    return np.array([row.score for row in rows[: len(manifest)]])


def _estimate(scores: NDArray[np.float64], data: PreparedSet, manifest: Sequence[ManifestRow]) -> Estimate:
    group = np.unique([row.group for row in manifest], return_inverse=True)[1]
    folds = np.array([row.fold for row in manifest])
    area = estimate_area(Cases(data.is_positive(), scores, group), folds, INTERVALS)
    if area is None:
        raise ValueError("expected both classes in a fold")
    return area


def _print_table(title: str, columns: dict[str, Areas]) -> None:
    print(f"\n### {title}\n\n| sees | {' | '.join(columns)} |\n| --- |{' ---: |' * len(columns)}")
    for name in next(iter(columns.values())):
        cells = [_say(areas[name]) for areas in columns.values()]
        print(f"| {name.replace('_', ' ')} | {' | '.join(cells)} |")


def _say(area: Estimate) -> str:
    low, high = area.bounds or (float("nan"), float("nan"))
    return f"{area.value:.2f} ({low:.2f} to {high:.2f})"


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("raw", type=Path, nargs="?", help="a raw folder to measure as well")
    parser.add_argument("--positive", default="yes", help="its class that means tumor")
    parser.add_argument("--trees", type=int, default=200)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        plant_shortcuts(Path(folder), HEALTHY)
        planted = {
            name: measure_areas(Path(folder), "yes", VARIANTS[name], given.trees)
            for name in ("default", "no crop")
        }
        _print_table("Planted shortcuts", planted)
    if given.raw:
        columns = {
            name: measure_areas(given.raw, given.positive, variant, given.trees)
            for name, variant in VARIANTS.items()
        }
        _print_table(given.raw.name, columns)


if __name__ == "__main__":
    main()
