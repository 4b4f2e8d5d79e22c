"""Files made to eat memory, to hang or to crash their reader are rejected within its limits."""

import gzip
import os
import resource
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brainmri.confinement import Limits
from brainmri.isolation import isolate_within, map_isolated
from brainmri.scans.folder import RawFolder, Scan
from brainmri.scans.reading import open_scan
from brainmri.scans.series import gather_scans
from tests.rules import RULE
from tests.scans.bombs import deflated, nest, nifti_header
from tests.scans.samples import HEAD, LIMITS, dicom, reason, save_dicom, save_nifti


def test_a_volume_that_declares_too_much_is_refused_before_its_data(tmp_path: Path) -> None:
    (tmp_path / "x.nii.gz").write_bytes(gzip.compress(nifti_header((30000, 30000, 3000))))
    assert "expected at most 40 megapixels" in reason(tmp_path / "x.nii.gz", numbered=True)
    (tmp_path / "y.nii.gz").write_bytes(gzip.compress(nifti_header((1000, 1000, 600))))
    assert "expected at most 64 megabytes a volume" in reason(tmp_path / "y.nii.gz", numbered=True)


def test_a_gzip_bomb_behind_a_small_header_is_not_inflated(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "x.nii.gz", "wb", compresslevel=1) as file:
        file.write(nifti_header((32, 32, 2)))
        for _ in range(200):
            file.write(bytes(10**6))
    assert "stands out from the background" in reason(tmp_path / "x.nii.gz", numbered=True)


def test_data_that_is_not_there_is_missed(tmp_path: Path) -> None:
    (tmp_path / "x.nii").write_bytes(nifti_header((32, 32, 2)) + bytes(2047))
    assert "expected 2048 bytes of data as its header says, came 2047" == reason(tmp_path / "x.nii")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_volume_with_what_is_no_number_is_refused(tmp_path: Path, value: float) -> None:
    slices = np.stack([HEAD, HEAD]).astype(np.float32)
    slices[1, 2, 3] = value
    path = save_nifti(tmp_path / "x.nii", slices)
    expected = "expected numbers for voxels, came some that are none (NaN or infinite)"
    assert expected == reason(path, numbered=True)


def test_a_deflated_dicom_file_is_refused_without_inflating(tmp_path: Path) -> None:
    deflated(tmp_path / "x.dcm", 512)
    assert "came the deflated syntax" in reason(tmp_path / "x.dcm")
    found = RawFolder(tmp_path, [Scan("x.dcm", "a", None, None, None)], ())
    gathered = gather_scans(found, RULE, isolate_within(LIMITS))
    ((_, said),) = gathered.failures
    assert "came the deflated syntax" in said


def test_nested_sequences_are_refused(tmp_path: Path) -> None:
    path = save_dicom(tmp_path / "x.dcm", dicom(HEAD))
    path.write_bytes(path.read_bytes() + nest(500))
    assert "RecursionError" in reason(path)


def test_a_pipe_and_a_folder_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        assert "expected a file, came a folder, pipe or device" == reason(tmp_path / name)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert reason(tmp_path / "loop").startswith("can't be read")


def test_a_file_larger_than_a_volume_may_be_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "x.dcm").open("wb") as file:
        file.truncate(10**9)
    assert "expected at most 64 megabytes (prepare.max_volume_megabytes), came 1000" == reason(
        tmp_path / "x.dcm"
    )


def _bomb(folder: Path, name: str) -> Scan:
    """A row of the table of bombs, as a file."""
    match name:
        case "PNG 8000 x 8000" | "PNG 16000 x 16000":
            side = int(name.rsplit(maxsplit=1)[-1])
            Image.new("1", (side, side)).save(folder / "x.png")
            return Scan("x.png", None, None, None, None)
        case "NIfTI of zeros":
            zeros = gzip.compress(bytes(10**6))
            (folder / "x.nii.gz").write_bytes(gzip.compress(nifti_header((1000, 1000, 600))) + 600 * zeros)
            return Scan("x.nii.gz", None, None, None, None, numbered=True)
        case "NIfTI header":
            (folder / "x.nii.gz").write_bytes(gzip.compress(nifti_header((30000, 30000, 3000))))
            return Scan("x.nii.gz", None, None, None, None, numbered=True)
        case "DICOM deflated":
            deflated(folder / "x.dcm", 512)
        case "DICOM nested":
            path = save_dicom(folder / "x.dcm", dicom(HEAD))
            path.write_bytes(path.read_bytes() + nest(500))
    return Scan("x.dcm", None, None, None, None)


def _peak(root: Path, scan: Scan) -> tuple[bool, int]:
    """Whether a scan is refused, and the peak of this process's memory (bytes) after the try."""
    rule = RULE.model_copy(update={"max_volume_megabytes": 256})
    try:
        list(open_scan(root, scan, rule).slices())
        refused = False
    except MemoryError:
        raise
    except Exception:  # whatever a decoder raises
        refused = True
    kilobyte = 1 if sys.platform == "darwin" else 1024
    return refused, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * kilobyte


@pytest.mark.parametrize(
    "name",
    [
        "PNG 8000 x 8000",
        "PNG 16000 x 16000",
        "NIfTI of zeros",
        "NIfTI header",
        "DICOM deflated",
        "DICOM nested",
    ],
)
def test_a_bomb_is_refused_in_less_than_a_gigabyte_by_its_reader_not_by_a_limit(
    tmp_path: Path, name: str
) -> None:
    generous = Limits(megabytes=8000, seconds=RULE.max_seconds)
    scan = _bomb(tmp_path, name)
    ((refused, peak_bytes),) = map_isolated(partial(_peak, tmp_path), [scan], generous, "bomb")
    assert refused
    assert peak_bytes < 10**9
