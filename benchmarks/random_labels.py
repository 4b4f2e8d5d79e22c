"""Labels that mean nothing: by patient they can't be learned, by the paper's random split they can.

    OMP_NUM_THREADS=1 python -m benchmarks.random_labels FOLDER [--picture docs/random_labels.png]

FOLDER holds a folder of TIFF slices for each patient, as the LGG segmentation set does (files named
*_mask.tif are left out). Half of the patients, drawn at random, are called "tumor", 20 times. The
nearest neighbor among the prepared images of 32 px is scored by AUROC within the grouped folds, and on
the validation set of the paper's protocol. After Yagis et al. 2021, Scientific Reports 11:22544.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import t
from sklearn.metrics import pairwise_distances, roc_auc_score

from benchmarks.measurement import end_in_a_line
from benchmarks.settings import SETTINGS
from brainmri.dataset.groups import GroupRow
from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.dataset.preparation import prepare_image
from brainmri.dataset.prepared import SliceRow
from brainmri.dataset.protocols import Protocol, SplitParams
from brainmri.dataset.split import assign_subsets
from brainmri.errors import BadInput
from brainmri.figures import canvas
from brainmri.scans.pictures import Picture

Areas = NDArray[np.float64]  # (labellings,)
Distances = NDArray[np.float64]  # (slices, slices)

RULE = SETTINGS.prepare.model_copy(update={"size": 32})
LABELLINGS = 20
PROTOCOLS = {Protocol.GROUPED: "grouped by patient", Protocol.PAPER: "the paper's random split"}


@dataclass(frozen=True)
class Slices:
    """Distances of prepared slices from each to each; the patient of each (slices,), numbered from 0."""

    distances: Distances
    patient: NDArray[np.int64]


def read_slices(folder: Path) -> Slices:
    """Every slice below `folder` that can be prepared; the folder that a file is in names its patient."""
    paths = sorted(path for path in folder.glob("*/*.tif") if not path.stem.endswith("_mask"))
    kept = [(path.parent.name, image) for path in paths if (image := _prepare(path)) is not None]
    if not kept:
        raise BadInput(f"{folder}: expected a folder of TIFF slices a patient, came none; name another")
    pixels = np.array([image.ravel() / 255 for _, image in kept])
    patient = np.unique([name for name, _ in kept], return_inverse=True)[1]
    return Slices(pairwise_distances(pixels), patient)


def measure_labelling(slices: Slices, number: int, protocol: Protocol) -> float:
    """The AUROC of labelling `number` by one protocol; folds and split are drawn anew with it."""
    generator = np.random.default_rng(number)
    patients = int(slices.patient.max()) + 1
    truth = (generator.permutation(patients) < patients // 2)[slices.patient]
    params = SETTINGS.split.model_copy(update={"protocol": protocol, "seed": number})
    manifest = _assign(slices.patient, truth, params)
    if protocol is Protocol.PAPER:
        known = np.array([row.subset is Subset.TRAIN for row in manifest])
        return _score(slices.distances, truth, known)
    folds = np.array([row.fold for row in manifest])
    return float(np.mean([_score(slices.distances, truth, folds != fold) for fold in np.unique(folds)]))


def mean_interval(areas: Areas) -> tuple[float, float, float]:
    """The mean of independent labellings and its 95 % interval (Student's t)."""
    reach = t.ppf(0.975, len(areas) - 1) * areas.std(ddof=1) / np.sqrt(len(areas))
    return float(areas.mean()), float(areas.mean() - reach), float(areas.mean() + reach)


@canvas.house_style
def draw_labellings(areas: dict[Protocol, Areas], source: str) -> Figure:
    """A dot for each labelling, and the mean with its interval, of both protocols."""
    figure = canvas.new_figure((canvas.WIDTH_IN, 2.4), source)
    axes = canvas.place(figure, (1.75, 0.4), (canvas.WIDTH_IN - 2.0, 1.5))
    axes.set(title="Random labels: a nearest neighbor's AUROC", xlabel="AUROC (dashed: chance)")
    axes.set(xlim=(0.2, 1.02), ylim=(len(areas) - 0.4, -0.6))
    axes.axvline(0.5, color=canvas.GRAY, linewidth=1, linestyle="--", zorder=0)
    for row, (protocol, values) in enumerate(areas.items()):
        color = canvas.BLUE if protocol is Protocol.GROUPED else canvas.VERMILION
        heights = row + 0.22 + 0.02 * (np.arange(len(values)) % 5)
        axes.plot(values, heights, "o", color=color, markersize=4, markerfacecolor="none")
        mean, low, high = mean_interval(values)
        axes.hlines(row, low, high, color=color, linewidth=2.2)
        axes.plot(mean, row, "D", color=color, markersize=6, clip_on=False)
        said = f"mean {mean:.2f} ({low:.2f} to {high:.2f})"
        axes.text(high, row - 0.14, said, ha="right" if high > 0.75 else "left", va="bottom")
    axes.set_yticks(range(len(areas)), [PROTOCOLS[protocol] for protocol in areas])
    axes.tick_params(axis="y", length=0)
    return figure


def _prepare(path: Path) -> NDArray[np.uint8] | None:
    try:
        pixels = Picture(path, RULE, is_mask=False).load(0).pixels
        return prepare_image(pixels, None, RULE).image
    except BadInput:  # a slice without contrast
        return None


def _assign(
    patient: NDArray[np.int64], truth: NDArray[np.bool_], params: SplitParams
) -> Sequence[ManifestRow]:
    names = [f"{number:05d}" for number in range(len(patient))]
    rows = [
        SliceRow(
            slice_id=name,
            scan=name,
            slice=0,
            patient=None,
            label="tumor" if positive else "no tumor",
            has_mask=False,
            tumor_area=None,
            spacing_mm=None,
            given_subset=None,
        )
        for name, positive in zip(names, truth, strict=True)
    ]
    groups = [
        GroupRow(slice_id=name, group=f"G{number}") for name, number in zip(names, patient, strict=True)
    ]
    return assign_subsets(rows, groups, params)


def _score(distances: Distances, truth: NDArray[np.bool_], known: NDArray[np.bool_]) -> float:
    """How much nearer the nearest known positive is than the nearest known negative, as a ranking."""
    positive = distances[np.ix_(~known, known & truth)].min(axis=1)
    negative = distances[np.ix_(~known, known & ~truth)].min(axis=1)
    return float(roc_auc_score(truth[~known], negative - positive))


def main() -> None:
    """Prints the table and draws the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--picture", type=Path, default=Path("docs/random_labels.png"))
    given = parser.parse_args()
    slices = read_slices(given.folder)
    areas = {
        protocol: np.array([measure_labelling(slices, number, protocol) for number in range(LABELLINGS)])
        for protocol in PROTOCOLS
    }
    count = f"{len(slices.patient)} slices of {slices.patient.max() + 1} patients"
    source = f"{LABELLINGS} random labellings of {count}; nearest neighbor on prepared images of 32 px"
    canvas.save(draw_labellings(areas, source), given.picture)
    print(f"{source}\n\n| protocol | mean AUROC | 95 % interval | lowest | highest |\n| --- |{' ---: |' * 4}")
    for protocol, values in areas.items():
        mean, low, high = mean_interval(values)
        shown = f"{mean:.3f} | {low:.3f} to {high:.3f} | {values.min():.3f} | {values.max():.3f}"
        print(f"| {PROTOCOLS[protocol]} | {shown} |")


if __name__ == "__main__":
    end_in_a_line(main)
