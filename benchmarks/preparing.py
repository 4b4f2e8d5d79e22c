"""Images per second of `prepare`, against a Pillow loop and MONAI's transforms, and its memory by set size.

    python -m benchmarks.preparing KAGGLE DICOM [--rounds 5] [--counts 250 1000 4000]

KAGGLE is a folder of pictures in class folders, DICOM one of single DICOM slices. The loop opens, converts to
gray, resizes and saves, as a first script would (DICOM by pydicom); MONAI loads, resizes, rescales, rotates
nothing and saves nothing. `prepare` reads each file in a process with limits, finds the head, crops, clips
percentiles, hashes, describes and writes, on all cores, where the others use one. Memory is the highest
resident size of the main process, in sets of links to the same pictures; what a worker takes is limited by
`prepare.max_memory_megabytes`.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import monai.transforms
import numpy as np
import pydicom
from PIL import Image

from benchmarks.measurement import Side, alternate, describe_machine, summarize, tabulate, write_results
from benchmarks.settings import SETTINGS
from brainmri.dataset.prepare import PrepareParams, prepare_folder

PACKAGES = ("pillow", "pydicom", "opencv-python-headless", "monai", "numpy", "pebble")
ROOT = Path(__file__).parents[1]
SIZE = SETTINGS.prepare.size


def list_files(folder: Path) -> list[Path]:
    """Every file below `folder`, in order."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def make_params(folder: Path) -> PrepareParams:
    """The committed settings; the class that comes last means tumor (`yes` of `no` and `yes`)."""
    last = sorted(path.name for path in folder.iterdir() if path.is_dir())[-1]
    return SETTINGS.prepare.model_copy(update={"positive": last})


def measure_ours(folder: Path, params: PrepareParams) -> float:
    """The whole stage but its contact sheet."""
    with tempfile.TemporaryDirectory() as target:
        begin = time.perf_counter()
        count = prepare_folder(folder, params, Path(target) / "prepared")
        return count.slices / (time.perf_counter() - begin)


def measure_loop(files: list[Path], open_gray: Callable[[Path], Image.Image]) -> float:
    """Open, convert, resize, save, one after the other."""
    with tempfile.TemporaryDirectory() as target:
        begin = time.perf_counter()
        for number, path in enumerate(files):
            open_gray(path).resize((SIZE, SIZE), Image.Resampling.BILINEAR).save(f"{target}/{number}.png")
        return len(files) / (time.perf_counter() - begin)


def open_picture(path: Path) -> Image.Image:
    """As gray."""
    return Image.open(path).convert("L")


def open_dicom(path: Path) -> Image.Image:
    """As gray, from darkest to brightest."""
    pixels = pydicom.dcmread(path).pixel_array.astype(np.float32)
    scaled = 255 * (pixels - pixels.min()) / np.ptp(pixels)
    return Image.fromarray(scaled.astype(np.uint8))


def measure_monai(files: list[Path], reader: str) -> float:
    """Load, resize, rescale."""
    steps = monai.transforms.Compose(
        [
            monai.transforms.LoadImage(reader, image_only=True, ensure_channel_first=True),
            monai.transforms.Resize((SIZE, SIZE)) if reader == "PILReader" else _Flat((SIZE, SIZE)),
            monai.transforms.ScaleIntensity(),
        ]
    )
    begin = time.perf_counter()
    for path in files:
        steps(path)
    return len(files) / (time.perf_counter() - begin)


class _Flat:
    """Resizes a DICOM slice, which MONAI reads as a volume of one."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.resize = monai.transforms.Resize(size)

    def __call__(self, image: Any) -> Any:
        return self.resize(image[..., 0] if image.ndim == 4 else image)


def measure_memory(folder: Path, count: int) -> dict[str, float]:
    """Seconds and megabytes of preparing `count` links to the pictures of `folder`, in a fresh process."""
    with tempfile.TemporaryDirectory() as place:
        raw = Path(place) / "raw"
        files = list_files(folder)
        for number in range(count):
            source = files[number % len(files)].resolve()
            link = raw / source.parent.name / f"{number:06d}{source.suffix}"
            link.parent.mkdir(parents=True, exist_ok=True)
            link.hardlink_to(source) if _same_device(source, raw) else link.write_bytes(source.read_bytes())
        command = [sys.executable, "-m", "benchmarks.preparing", "--alone", str(raw)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
        found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return found


def prepare_alone(raw: Path) -> None:
    """Prints what one run took."""
    rate = measure_ours(raw, make_params(raw))
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(json.dumps({"images_per_s": rate, "megabytes": own}))


def main() -> None:
    """Measures, prints tables, writes benchmarks/results/preparing.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("kaggle", type=Path)
    parser.add_argument("dicom", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--counts", nargs="*", type=int, default=[250, 1000, 4000])
    parser.add_argument("--alone", action="store_true", help="prepare the folder once and say what it took")
    arguments = parser.parse_args()
    if arguments.alone:
        prepare_alone(arguments.kaggle)
        return
    results = {"pictures": _compare("pictures", arguments.kaggle, open_picture, "PILReader", arguments)}
    if arguments.dicom is not None:
        with tempfile.TemporaryDirectory() as place:
            raw = _repeat_dicom(arguments.dicom, Path(place))
            results["DICOM"] = _compare("DICOM slices", raw, open_dicom, "PydicomReader", arguments)
    memory = {str(count): measure_memory(arguments.kaggle, count) for count in arguments.counts}
    print("\n| images | images/s | MB |\n| ---: | ---: | ---: |")
    for number, found in memory.items():
        print(f"| {number} | {found['images_per_s']:.0f} | {found['megabytes']:.0f} |")
    machine = describe_machine(PACKAGES)
    write_results("preparing", {"machine": machine, "results": results, "memory_by_images": memory})


def _compare(
    title: str, folder: Path, open_gray: Callable[[Path], Image.Image], reader: str, arguments: Any
) -> dict[str, Any]:
    files, params = list_files(folder), make_params(folder)
    sides = [
        Side("Pillow loop", partial(measure_loop, files, open_gray)),
        Side("prepare", partial(measure_ours, folder, params)),
        Side("MONAI", partial(measure_monai, files, reader)),
    ]
    summary = summarize(alternate(sides, arguments.rounds, "images/s"), "Pillow loop")
    print("\n" + tabulate(f"{title}, {len(files)} files", summary), flush=True)
    return summary


def _repeat_dicom(folder: Path, place: Path) -> Path:
    """A hospital's folder: every slice of `folder` ten times, each as an image of its own, in two classes."""
    raw = place / "raw"
    for number, path in enumerate(list_files(folder) * 10):
        slice_ = pydicom.dcmread(path)
        slice_.SeriesInstanceUID = slice_.SOPInstanceUID = pydicom.uid.generate_uid(
            entropy_srcs=[str(number)]
        )
        slice_.file_meta.MediaStorageSOPInstanceUID = slice_.SOPInstanceUID
        target = raw / ("no", "yes")[number % 2] / f"{number:04d}.dcm"
        target.parent.mkdir(parents=True, exist_ok=True)
        slice_.save_as(target)
    return raw


def _same_device(source: Path, target: Path) -> bool:
    return source.stat().st_dev == target.parent.stat().st_dev


if __name__ == "__main__":
    main()
