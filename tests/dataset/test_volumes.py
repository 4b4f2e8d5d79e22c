"""Volumes and series become slices of the prepared set like pictures, with the same pixels."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from brainmri.dataset.prepare import PrepareParams, prepare_folder
from brainmri.dataset.prepared import PreparedSet, read_prepared
from brainmri.scans.settings import SliceRule
from tests.pictures import draw_head
from tests.rules import IMAGE_RULE, RULE
from tests.scans.samples import dicom, save_dicom, save_nifti

SLICES = SliceRule(most=4, least_brain=0.1)
PARAMS = PrepareParams(
    **dict(RULE) | dict(IMAGE_RULE) | {"slices": SLICES}, positive="tumor", max_rejected=0.0
)


def _prepare(folder: Path, table: str) -> PreparedSet:
    (folder / "raw" / "scans.csv").write_text(table)
    prepare_folder(folder / "raw", PARAMS, folder / "out")
    return read_prepared(folder / "out")


def _spot(shape: tuple[int, ...], *places: int) -> NDArray[np.uint8]:
    mask = np.zeros(shape, np.uint8)
    for place in places:
        mask[place, 20:40, 20:40] = 2
    return mask


@pytest.fixture
def head(tmp_path: Path) -> NDArray[np.uint8]:
    """Eight slices of a head, the outer two empty; the folder `raw` is there."""
    (tmp_path / "raw").mkdir()
    slices = np.stack([draw_head(number, tumor=False) for number in range(8)])
    slices[[0, 7]] = 0
    return slices


def test_a_volume_gives_at_most_so_many_slices_labelled_by_its_mask(
    tmp_path: Path, head: NDArray[np.uint8]
) -> None:
    save_nifti(tmp_path / "raw" / "a.nii.gz", head)
    save_nifti(tmp_path / "raw" / "a_mask.nii.gz", _spot(head.shape, 1, 2, 3))
    data = _prepare(tmp_path, "path,mask,patient\na.nii.gz,a_mask.nii.gz,Ann\n")
    places = [row.slice for row in data.slices]
    assert 4 == len(places)
    assert set(places) <= set(range(1, 7))
    assert [f"a.nii.gz#{place:04d}" for place in places] == [row.slice_id for row in data.slices]
    expected = ["tumor" if place in (1, 2, 3) else "no tumor" for place in places]
    assert expected == [row.label for row in data.slices]
    assert {"P0001"} == {row.patient for row in data.slices}
    assert data.masks is not None
    assert [label == "tumor" for label in expected] == data.masks.any(axis=(1, 2)).tolist()


def test_the_mask_of_a_volume_counts_before_its_label_and_names_the_rest_by_the_other_label(
    tmp_path: Path, head: NDArray[np.uint8]
) -> None:
    save_nifti(tmp_path / "raw" / "a.nii", head)
    save_nifti(tmp_path / "raw" / "m.nii", _spot(head.shape, 1, 2, 3))
    save_nifti(tmp_path / "raw" / "b.nii", head[:, ::-1])
    data = _prepare(tmp_path, "path,label,mask\na.nii,tumor,m.nii\nb.nii,healthy,\n")
    labels = {scan: {row.label for row in data.slices if row.scan == scan} for scan in ("a.nii", "b.nii")}
    assert {"a.nii": {"tumor", "healthy"}, "b.nii": {"healthy"}} == labels


def test_one_picture_gives_the_same_prepared_pixels_through_every_format(
    tmp_path: Path, head: NDArray[np.uint8]
) -> None:
    raw = tmp_path / "raw"
    Image.fromarray(head[1]).save(raw / "picture.png")
    save_dicom(raw / "file.dcm", dicom(head[1].astype(np.uint16) * 16))
    save_nifti(raw / "volume.nii.gz", head[1:2])
    for number, image in enumerate(head[1:3]):
        series = {"SeriesInstanceUID": "1.2.9", "InstanceNumber": number + 1}
        save_dicom(raw / "series" / f"{number}.dcm", dicom(image, PatientID="MRN-1", **series))
    Image.fromarray(head[5]).save(raw / "other.png")
    table = "path,label\npicture.png,tumor\nfile.dcm,tumor\nvolume.nii.gz,tumor\nseries,tumor\nother.png,no\n"
    data = _prepare(tmp_path, table)
    images = dict(zip([row.slice_id for row in data.slices], data.images, strict=True))
    expected = images.pop("picture.png")
    for slice_id in ("file.dcm", "volume.nii.gz#0000", "series/0.dcm#0000"):
        assert np.array_equal(expected, images[slice_id]), slice_id
    assert not np.array_equal(expected, images["other.png"])
    # The header's id is the same in both, so they are one patient; the id itself is written nowhere.
    assert 1 == len({row.patient for row in data.slices if row.slice_id.split("#")[0].endswith(".dcm")})
    assert not any(b"MRN-1" in path.read_bytes() for path in data.folder.iterdir())
