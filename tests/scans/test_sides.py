"""Left and right are named where a file's geometry says so, and nowhere else."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from brainmri.scans.dicom_header import Vector
from brainmri.scans.folder import Scan
from brainmri.scans.reading import open_scan
from brainmri.scans.sides import Sides, name_sides
from tests.rules import RULE
from tests.scans.samples import HEAD, dicom, save_dicom


@pytest.mark.parametrize(
    ("along", "down", "expected"),
    [
        ((1, 0, 0), (0, 1, 0), "R L A P"),  # axial, as it is usually stored
        ((-1, 0, 0), (0, 1, 0), "L R A P"),  # seen from above
        ((0, 1, 0), (0, 0, -1), "A P H F"),  # sagittal
        ((1, 0, 0), (0, 0, -1), "R L H F"),  # coronal
        ((0.9, 0.4, 0.174), (-0.4, 0.9, 0), "R L A P"),  # a little off
    ],
)
def test_sides_are_where_the_axes_point(along: Vector, down: Vector, expected: str) -> None:
    assert Sides(*expected.split()) == name_sides(along, down)


def test_directions_that_are_askew_or_between_two_sides_name_nothing() -> None:
    assert name_sides((1, 0, 0), (0.7, 0.7, 0)) is None
    assert name_sides((0.707, 0.707, 0), (-0.707, 0.707, 0)) is None


def _sides(path: Path, *, numbered: bool = False) -> Sides | None:
    scan = Scan(path.name, None, None, None, None, numbered=numbered)
    stack = open_scan(path.parent, scan, RULE).stack
    stack.load(0)
    return stack.sides(0)


def test_a_picture_and_files_without_orientation_name_nothing(tmp_path: Path) -> None:
    Image.fromarray(HEAD).save(tmp_path / "head.png")
    assert _sides(tmp_path / "head.png") is None
    assert _sides(save_dicom(tmp_path / "plain.dcm", dicom(HEAD))) is None
    turned = dicom(HEAD, ImageOrientationPatient=[1, 0, 0, 1, 0, 0])
    assert _sides(save_dicom(tmp_path / "broken.dcm", turned)) is None
    bare = nibabel.Nifti1Image(np.stack([HEAD] * 3, axis=2), None)
    nibabel.save(bare, tmp_path / "bare.nii")
    assert _sides(tmp_path / "bare.nii", numbered=True) is None


def test_dicom_and_nifti_name_what_their_headers_say(tmp_path: Path) -> None:
    seen = dicom(HEAD, ImageOrientationPatient=[-1, 0, 0, 0, 1, 0])
    assert Sides("L", "R", "A", "P") == _sides(save_dicom(tmp_path / "seen.dcm", seen))
    # Stored from left to right; shown with the patient's right on the left all the same.
    volume = nibabel.Nifti1Image(np.stack([HEAD] * 3, axis=2), np.diag([1.0, 1, 1, 1]))
    nibabel.save(volume, tmp_path / "volume.nii")
    assert Sides("R", "L", "A", "P") == _sides(tmp_path / "volume.nii", numbered=True)
