"""How well copies are found, and how fast: the figures of docs/duplicates.md.

    python -m benchmarks.near_duplicates recall FOLDER
    python -m benchmarks.near_duplicates scale FOLDER N …

`recall FOLDER` plants copies into slices whose patients are known (a folder of `PATIENT/*.tif`, such as the
LGG segmentation set) and prints, for a sweep of the threshold, the share of the copies that are found, by
kind, and how many pairs of different patients are joined. `scale FOLDER N …` groups N generated images,
made of the same slices by warping and noise, a tenth of them with a copy.
"""

import argparse
import io
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.settings import SETTINGS
from brainmri.dataset.duplicates import find_near_twins
from brainmri.dataset.outliers import measure_outliers
from brainmri.dataset.preparation import ImageRule, prepare_image
from brainmri.dataset.thumbnails import shrink_images
from brainmri.errors import BadInput

Gray = NDArray[np.uint8]
"""(rows, columns)."""
Stack = NDArray[np.uint8]
"""(images, size, size)."""

RULE, AUDIT = SETTINGS.prepare, SETTINGS.audit
THRESHOLDS = (0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


def resize(image: Gray, scale: float) -> Gray:
    """Cubic, both ways."""
    size = round(image.shape[1] * scale), round(image.shape[0] * scale)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def stretch(image: Gray) -> Gray:
    """A tenth wider than it was."""
    size = round(image.shape[1] * 1.1), image.shape[0]
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def encode(image: Gray, quality: int) -> Gray:
    """Through JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def crop(image: Gray, top: float, bottom: float, left: float, right: float) -> Gray:
    """Without these shares of the sides."""
    rows, columns = image.shape
    return image[
        round(top * rows) : rows - round(bottom * rows),
        round(left * columns) : columns - round(right * columns),
    ]


def brighten(image: Gray, factor: float, offset: float, gamma: float) -> Gray:
    """Clipped to 8 bit."""
    return np.clip(255 * (image / 255) ** gamma * factor + offset, 0, 255).astype(np.uint8)


def combine(image: Gray) -> Gray:
    """Cropped, mirrored, smaller, brighter and through JPEG."""
    return encode(brighten(resize(crop(image, 0.025, 0.025, 0.025, 0.025)[:, ::-1], 0.8), 1.2, 0, 1), 60)


KINDS: Mapping[str, Callable[[Gray], Gray]] = {
    "resized to half": lambda image: resize(image, 0.5),
    "resized to 1.5": lambda image: resize(image, 1.5),
    "stretched by 10 %": stretch,
    "JPEG, quality 75": lambda image: encode(image, 75),
    "JPEG, quality 30": lambda image: encode(image, 30),
    "mirrored": lambda image: image[:, ::-1],
    "upside down": lambda image: image[::-1],
    "half a turn": lambda image: image[::-1, ::-1],
    "cropped by 5 % of each side": lambda image: crop(image, 0.05, 0.05, 0.05, 0.05),
    "cropped by 5 % of one side": lambda image: crop(image, 0, 0, 0.05, 0),
    "brighter by 40": lambda image: brighten(image, 1, 40, 1),
    "brighter by 30 %, clipped": lambda image: brighten(image, 1.3, 0, 1),
    "gamma 0.7": lambda image: brighten(image, 1, 0, 0.7),
    "cropped, mirrored, smaller, brighter, JPEG": combine,
}
# Cut off the head itself: from the prepared picture, which nothing finds the head in again.
TIGHT_KINDS: Mapping[str, Callable[[Gray], Gray]] = {
    "head cropped by 2.5 % of each side": lambda image: crop(image, 0.025, 0.025, 0.025, 0.025),
    "head cropped by 5 % of each side": lambda image: crop(image, 0.05, 0.05, 0.05, 0.05),
    "head cropped by 5 % of one side": lambda image: crop(image, 0, 0, 0.05, 0),
    "head cropped by 5 % at a corner": lambda image: crop(image, 0.05, 0, 0.05, 0),
}


@dataclass(frozen=True)
class Slices:
    """Raw gray slices, their prepared images, and a number for each one's patient."""

    raw: Sequence[Gray]
    prepared: Stack
    patients: NDArray[np.intp]


def read_slices(folder: Path, channel: int) -> Slices:
    """One channel of every TIFF that is no mask; what can't be prepared is left out."""
    raw, prepared, patients = [], [], []
    folders = sorted(path for path in folder.iterdir() if path.is_dir())
    for patient, place in enumerate(folders):
        for path in sorted(place.glob("*.tif")):
            if path.stem.endswith("_mask"):
                continue
            image = np.asarray(Image.open(path))[..., channel]
            try:
                prepared.append(_prepare(image, RULE))
            except BadInput:
                continue
            raw.append(image)
            patients.append(patient)
    return Slices(raw, np.stack(prepared), np.array(patients))


def plant(slices: Slices, kind: str) -> Stack:
    """A changed copy of every slice, prepared."""
    if kind in KINDS:
        return np.stack([_prepare(KINDS[kind](image), RULE) for image in slices.raw])
    whole = RULE.model_copy(update={"crop": False})
    return np.stack([_prepare(TIGHT_KINDS[kind](image), whole) for image in slices.prepared])


def measure_recall(slices: Slices, kind: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The correlation with which each copy is found (0: not at all), and those between patients."""
    count = len(slices.raw)
    images = np.concatenate([slices.prepared, plant(slices, kind)])
    ties = np.concatenate([2 * slices.patients, 2 * slices.patients + 1])
    twins = find_near_twins(images, ties, AUDIT.candidates, 0.3)
    patient = np.tile(slices.patients, 2)
    found = np.zeros(count)
    for twin in twins:
        if twin.first % count == twin.second % count:
            found[twin.first % count] = twin.correlation
    between = [twin.correlation for twin in twins if patient[twin.first] != patient[twin.second]]
    return found, np.array(between)


def print_recall(folder: Path, channel: int) -> None:
    """A Markdown table: recall by kind and threshold (without outliers), and false joins of patients."""
    slices = read_slices(folder, channel)
    outliers = measure_outliers(shrink_images(slices.prepared), 0)
    usual = outliers.filled >= AUDIT.least_filled
    if outliers.distance is not None:
        usual &= outliers.distance <= AUDIT.most_distance
    print(
        f"{len(slices.raw)} slices of {slices.patients.max() + 1} patients, "
        f"{usual.sum()} of them no outliers\n"
    )
    print("| copy | " + " | ".join(f"{value:g}" for value in THRESHOLDS) + " | highest between patients |")
    print("| --- |" + " ---: |" * (len(THRESHOLDS) + 1))
    totals = np.zeros(len(THRESHOLDS), np.int64)
    for kind in (*KINDS, *TIGHT_KINDS):
        found, between = measure_recall(slices, kind)
        cells = [
            f"{(found >= value).mean():.3f} ({(found >= value)[usual].mean():.3f})" for value in THRESHOLDS
        ]
        print(f"| {kind} | " + " | ".join(cells) + f" | {between.max(initial=0):.3f} |", flush=True)
        totals += [(between >= value).sum() for value in THRESHOLDS]
    print("| false joins, all kinds | " + " | ".join(str(total) for total in totals) + " | |")


def generate(slices: Slices, count: int, generator: np.random.Generator) -> Stack:
    """Slices smoothly warped and mixed in pairs; every tenth image is a cropped copy of the one before."""
    size = RULE.size
    grid = np.indices((size, size)).astype(np.float32)
    images = np.empty((count, size, size), np.uint8)
    for place in range(count):
        if place % 10 == 9:
            cut = crop(images[place - 1], 0.03, 0.03, 0.03, 0.03)
            images[place] = cv2.resize(cut, (size, size), interpolation=cv2.INTER_LINEAR)
            continue
        coarse = generator.normal(0, 6, (2, 5, 5)).astype(np.float32)
        down, across = (cv2.resize(part, (size, size), interpolation=cv2.INTER_CUBIC) for part in coarse)
        source = slices.prepared[generator.integers(len(slices.prepared), size=2)].astype(np.float32)
        share = generator.uniform(0.7, 1)
        mixed = share * source[0] + (1 - share) * source[1] + generator.normal(0, 6, (size, size))
        warped = cv2.remap(mixed.astype(np.float32), grid[1] + across, grid[0] + down, cv2.INTER_LINEAR)
        images[place] = np.clip(warped, 0, 255)
    return images


def print_scale(folder: Path, channel: int, counts: Sequence[int]) -> None:
    """Seconds by the clock and of all cores, the highest memory so far, and how many copies were found."""
    slices = read_slices(folder, channel)
    for count in counts:
        images = generate(slices, count, np.random.default_rng(0))
        start, start_cpu = time.perf_counter(), time.process_time()
        twins = find_near_twins(images, np.arange(count), AUDIT.candidates, AUDIT.twin_correlation)
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - start_cpu
        gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        planted = sum(twin.second % 10 == 9 and twin.first == twin.second - 1 for twin in twins)
        print(
            f"{count} images: {seconds:.1f} s, {cpu_seconds:.1f} CPU-s, {gigabytes:.2f} GB, "
            f"{planted} of {count // 10} copies, {len(twins)} pairs"
        )


def main() -> None:
    """Prints one of the two."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("recall", "scale"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("counts", type=int, nargs="*")
    parser.add_argument("--channel", type=int, default=1, help="of the TIFF files; 1 is FLAIR in the LGG set")
    arguments = parser.parse_args()
    if arguments.what == "recall":
        print_recall(arguments.folder, arguments.channel)
    else:
        print_scale(arguments.folder, arguments.channel, arguments.counts)


def _prepare(image: Gray, rule: ImageRule) -> Gray:
    return prepare_image(np.ascontiguousarray(image).astype(np.float32), None, rule).image


if __name__ == "__main__":
    main()
