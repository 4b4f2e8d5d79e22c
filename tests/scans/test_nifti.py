"""Whatever the axes of a volume, its slices are axial, the patient's front up, the right side at the left."""

from itertools import permutations, product
from pathlib import Path

import nibabel
import numpy as np
import pytest
from nibabel.affines import from_matvec
from nibabel.eulerangles import euler2mat
from nibabel.orientations import apply_orientation, inv_ornt_aff
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from brainmri.scans.nifti import Volume
from tests.rules import RULE
from tests.scans.samples import SHOWN_TO_RAS, reason, save_nifti

SLICES = np.random.default_rng(0).integers(0, 2000, (4, 20, 30)).astype(np.int16)
TURNS = [
    np.column_stack([order, flips])
    for order in permutations(range(3))
    for flips in product((-1, 1), repeat=3)
]


def _shown(path: Path, *, is_mask: bool = False) -> NDArray[np.float32]:
    volume = Volume(path, RULE, is_mask=is_mask)
    return np.stack([volume.load(index).pixels for index in range(volume.count)])


@pytest.mark.parametrize("turn", TURNS, ids=lambda turn: "".join(map(str, turn.ravel())))
def test_all_48_orders_of_axes_show_the_same_slices(tmp_path: Path, turn: NDArray[np.int_]) -> None:
    data = SLICES.transpose(2, 1, 0)
    affine = SHOWN_TO_RAS @ inv_ornt_aff(turn, data.shape)
    nibabel.save(nibabel.Nifti1Image(apply_orientation(data, turn), affine), tmp_path / "x.nii.gz")
    np.testing.assert_array_equal(SLICES.astype(np.float32), _shown(tmp_path / "x.nii.gz"))


def test_a_tilted_volume_is_resampled_to_the_scanner_s_axes(tmp_path: Path) -> None:
    straight = gaussian_filter(np.random.default_rng(0).normal(size=(40, 40, 40)), 4) * 1000 + 500
    turn = from_matvec(euler2mat(0.3, 0.1, 0.05), [3.0, -4.0, 5.0])
    save_nifti(tmp_path / "x.nii", straight.astype(np.float32), turn @ SHOWN_TO_RAS)
    volume = Volume(tmp_path / "x.nii", RULE, is_mask=False)
    place = np.linalg.inv(volume.grid.to_ras) @ turn @ SHOWN_TO_RAS @ [20, 20, 20, 1]
    column, row, number, _ = np.rint(place).astype(int)
    assert volume.grid.oblique
    assert abs(volume.load(number).pixels[row, column] - straight[20, 20, 20]) < 25


def test_voxels_longer_than_wide_become_square(tmp_path: Path) -> None:
    save_nifti(tmp_path / "x.nii", SLICES, SHOWN_TO_RAS @ np.diag([1.0, 0.5, 4.0, 1.0]))
    raw = Volume(tmp_path / "x.nii", RULE, is_mask=False).load(0)
    assert ((20, 60), 0.5) == (raw.pixels.shape, raw.spacing_mm)
    assert (30, 20) == (raw.header.width, raw.header.height)


def test_of_four_axes_the_first_volume_is_read_and_that_is_said(tmp_path: Path) -> None:
    data = np.stack([SLICES.transpose(2, 1, 0), np.zeros((30, 20, 4), np.int16)], axis=3)
    nibabel.save(nibabel.Nifti1Image(data, SHOWN_TO_RAS), tmp_path / "x.nii.gz")
    np.testing.assert_array_equal(SLICES.astype(np.float32), _shown(tmp_path / "x.nii.gz"))
    notices = Volume(tmp_path / "x.nii.gz", RULE, is_mask=False).notices
    assert ("more than three axes: its first volume is read",) == notices


@pytest.mark.parametrize("dtype", [np.uint8, ">i2", "<u4", np.float32, ">f8"])
def test_every_type_of_number_is_read_with_the_header_s_scale(tmp_path: Path, dtype: str) -> None:
    image = nibabel.Nifti1Image((SLICES % 200).transpose(2, 1, 0).astype(dtype), SHOWN_TO_RAS)
    image.header.set_data_dtype(dtype)
    image.header.set_slope_inter(2, 3)
    image.to_filename(tmp_path / "x.nii")
    stored = nibabel.load(tmp_path / "x.nii").get_fdata().transpose(2, 1, 0)
    np.testing.assert_allclose(stored, _shown(tmp_path / "x.nii"))


def test_several_labels_of_a_mask_become_tumor_or_not(tmp_path: Path) -> None:
    labels = (SLICES % 4).astype(np.uint8)
    save_nifti(tmp_path / "x.nii", labels)
    np.testing.assert_array_equal((labels > 0).astype(np.float32), _shown(tmp_path / "x.nii", is_mask=True))


@pytest.mark.parametrize(
    ("affine", "said"),
    [
        (np.diag([1.0, 1.0, 0.0, 1.0]), "three independent axes"),
        (np.full((4, 4), np.nan), "three independent axes"),
        (np.diag([1000.0, 1.0, 1.0, 1.0]), "expected voxels of 0.01 to 100 mm, came 1e+03 x 1 x 1"),
        (np.diag([90.0, 1.0, 1.0, 1.0]), "at most 20 times as long as wide"),
    ],
)
def test_an_impossible_orientation_is_refused(tmp_path: Path, affine: NDArray[np.float64], said: str) -> None:
    image = nibabel.Nifti1Image(SLICES, None)
    image.header.set_sform(affine, code=1)
    image.header["srow_x"], image.header["srow_y"], image.header["srow_z"] = affine[:3]
    image.header["sform_code"] = 1
    content = bytearray(image.header.binaryblock) + bytes(4) + SLICES.tobytes()
    (tmp_path / "x.nii").write_bytes(content)
    assert said in reason(tmp_path / "x.nii", numbered=True)
