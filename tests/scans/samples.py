"""Small synthetic files of every format, and the reader as the pipeline runs it."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage

from brainmri.confinement import Failure, Limits
from brainmri.isolation import map_isolated
from brainmri.scans.folder import Scan
from brainmri.scans.reading import ReadSlice, open_scan
from brainmri.scans.settings import ReadingRule
from tests.pictures import draw_head
from tests.rules import RULE

HEAD = draw_head(1, tumor=True)
LIMITS = Limits(megabytes=RULE.max_memory_megabytes, seconds=RULE.max_seconds)
# Columns of an axial picture run from the patient's right to the left, rows from front to back.
SHOWN_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def dicom(pixels: NDArray[np.integer], **elements: object) -> Dataset:
    """A minimal MR image of `pixels`, (rows, columns) or (frames, rows, columns)."""
    header = Dataset()
    header.SOPClassUID, header.SOPInstanceUID = MRImageStorage, UID("1.2.3.4")
    header.PatientID, header.SeriesInstanceUID = "MRN-1", UID("1.2.3")
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.Rows, header.Columns = pixels.shape[-2:]
    if pixels.ndim == 3:
        header.NumberOfFrames = len(pixels)
    bits = 8 * pixels.itemsize
    header.BitsAllocated, header.BitsStored, header.HighBit = bits, bits, bits - 1
    header.PixelRepresentation = int(pixels.dtype.kind == "i")
    header.PixelData = pixels.tobytes()
    header["PixelData"].VR = "OW" if bits > 8 else "OB"
    for keyword, value in elements.items():
        setattr(header, keyword, value)
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return header


def save_dicom(path: Path, header: Dataset) -> Path:
    """Writes the file with its preamble."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header.save_as(path, enforce_file_format=True)
    return path


def save_nifti(path: Path, slices: NDArray[np.generic], to_ras: NDArray[np.float64] = SHOWN_TO_RAS) -> Path:
    """Axial pictures (slices, rows, columns) as a volume whose indices are (column, row, slice)."""
    nibabel.save(nibabel.Nifti1Image(slices.transpose(2, 1, 0), to_ras), path)
    return path


def read(root: Path, scans: Sequence[Scan], rule: ReadingRule = RULE) -> list[list[ReadSlice] | Failure]:
    """What the pipeline gets of the scans: their slices, or the reason why not."""
    return list(map_isolated(partial(_read, root, rule), scans, LIMITS, "test"))


def read_one(path: Path, rule: ReadingRule = RULE, *, numbered: bool = False) -> list[ReadSlice] | Failure:
    """The slices of one file."""
    scan = Scan(path.name, None, None, None, None, numbered=numbered)
    return read(path.parent, [scan], rule)[0]


def reason(path: Path, rule: ReadingRule = RULE, *, numbered: bool = False) -> str:
    """Why a file is rejected, in one line."""
    outcome = read_one(path, rule, numbered=numbered)
    if not isinstance(outcome, Failure):
        raise AssertionError(f"{path} was read")
    if not outcome.reason.isprintable():
        raise AssertionError(f"not one line: {outcome.reason!r}")
    return outcome.reason


def _read(root: Path, rule: ReadingRule, scan: Scan) -> list[ReadSlice]:
    return list(open_scan(root, scan, rule).slices())
