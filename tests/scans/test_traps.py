"""Files made to eat memory, to hang or to crash their reader are rejected within its limits."""

import gzip
import os
import struct
import zlib
from pathlib import Path

import nibabel
import numpy as np
import pytest

from brainmri.scans.folder import RawFolder, Scan
from brainmri.scans.series import gather_scans
from tests.rules import RULE
from tests.scans.samples import HEAD, LIMITS, dicom, reason, save_dicom, save_nifti


def _zeros(path: Path, count: int) -> None:
    """A gzip file of so many zeros, written in pieces."""
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(count // 10**6):
            file.write(bytes(10**6))


def _header(shape: tuple[int, ...], dtype: type = np.uint8) -> bytes:
    header = nibabel.Nifti1Header()
    header.set_data_dtype(dtype)
    header.set_data_shape(shape)
    header["magic"], header["vox_offset"] = b"n+1", 352
    return bytes(header.binaryblock) + bytes(4)


def test_a_volume_that_declares_too_much_is_refused_before_its_data(tmp_path: Path) -> None:
    (tmp_path / "x.nii.gz").write_bytes(gzip.compress(_header((30000, 30000, 3000))))
    assert "expected at most 40 megapixels" in reason(tmp_path / "x.nii.gz", numbered=True)
    (tmp_path / "y.nii.gz").write_bytes(gzip.compress(_header((1000, 1000, 600))))
    assert "expected at most 64 megabytes a volume" in reason(tmp_path / "y.nii.gz", numbered=True)


def test_a_gzip_bomb_behind_a_small_header_is_not_inflated(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "x.nii.gz", "wb", compresslevel=1) as file:
        file.write(_header((32, 32, 2)))
        for _ in range(200):
            file.write(bytes(10**6))
    assert "stands out from the background" in reason(tmp_path / "x.nii.gz", numbered=True)


def test_data_that_is_not_there_is_missed(tmp_path: Path) -> None:
    (tmp_path / "x.nii").write_bytes(_header((32, 32, 2)) + bytes(2047))
    assert "expected 2048 bytes of data as its header says, came 2047" == reason(tmp_path / "x.nii")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_volume_with_what_is_no_number_is_refused(tmp_path: Path, value: float) -> None:
    slices = np.stack([HEAD, HEAD]).astype(np.float32)
    slices[1, 2, 3] = value
    path = save_nifti(tmp_path / "x.nii", slices)
    expected = "expected numbers for voxels, came some that are none (NaN or infinite)"
    assert expected == reason(path, numbered=True)


def _deflated(path: Path, count: int) -> None:
    """A DICOM file in the deflated syntax: a valid meta group, then zeros, deflated."""
    plain = dicom(HEAD)
    plain.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    save_dicom(path, plain)
    meta_bytes = 132 + 12 + struct.unpack("<I", path.read_bytes()[140:144])[0]
    packer = zlib.compressobj(wbits=-15)
    body = b"".join(packer.compress(bytes(10**6)) for _ in range(count // 10**6))
    path.write_bytes(path.read_bytes()[:meta_bytes] + body + packer.flush())


def test_a_deflated_dicom_file_is_refused_without_inflating(tmp_path: Path) -> None:
    _deflated(tmp_path / "x.dcm", 512 * 10**6)
    assert "came the deflated syntax" in reason(tmp_path / "x.dcm")
    gathered = gather_scans(RawFolder(tmp_path, [Scan("x.dcm", "a", None, None, None)], ()), RULE, LIMITS)
    ((_, said),) = gathered.failures
    assert "came the deflated syntax" in said


def test_nested_sequences_are_refused(tmp_path: Path) -> None:
    path = save_dicom(tmp_path / "x.dcm", dicom(HEAD))
    # RequestAttributesSequence of undefined length, an item of undefined length, and so on inwards.
    opened = b"\x40\x00\x75\x02SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    closed = b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"
    path.write_bytes(path.read_bytes() + 500 * opened + 500 * closed)
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
