"""One picture is the same whatever file it comes in, and a mask shows the same places as its scan."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from brainmri.confinement import Failure
from brainmri.errors import BadInput
from brainmri.scans.folder import Scan
from brainmri.scans.reading import ReadSlice, open_scan
from brainmri.scans.settings import SliceRule
from tests.pictures import draw_head
from tests.rules import RULE
from tests.scans.samples import SHOWN_TO_RAS, dicom, read, read_one, save_dicom, save_nifti

HEADS = np.stack([draw_head(number, tumor=True) for number in range(4)])
ALL = RULE.model_copy(update={"slices": SliceRule(most=99, least_brain=0.0)})


def _masked(root: Path, scan: str, mask: str) -> list[ReadSlice] | Failure:
    return read(root, [Scan(scan, None, None, mask, None, numbered=True)], ALL)[0]


@pytest.mark.parametrize("scale", [1, 257])
def test_one_picture_gives_the_same_pixels_through_every_format(tmp_path: Path, scale: int) -> None:
    picture = HEADS[0] if scale == 1 else HEADS[0].astype(np.uint16) * scale
    Image.fromarray(picture).save(tmp_path / "x.png")
    Image.fromarray(picture).save(tmp_path / "x.tif")
    save_dicom(tmp_path / "x.dcm", dicom(picture))
    save_nifti(tmp_path / "x.nii.gz", picture[None])
    for path in sorted(tmp_path.iterdir()):
        outcome = read_one(path, ALL, numbered=path.suffix == ".gz")
        assert not isinstance(outcome, Failure), outcome
        np.testing.assert_array_equal(picture.astype(np.float32), outcome[0].raw.pixels, err_msg=path.name)


def test_a_mask_of_a_volume_goes_with_its_slices(tmp_path: Path) -> None:
    save_nifti(tmp_path / "x.nii", HEADS)
    save_nifti(tmp_path / "m.nii", (HEADS > 230).astype(np.uint8) * 4)
    slices = _masked(tmp_path, "x.nii", "m.nii")
    assert not isinstance(slices, Failure), slices
    for item in slices:
        np.testing.assert_array_equal((HEADS[item.number] > 230).astype(np.uint8), item.mask)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("fewer", "mask m.nii: expected 4 slices as its scan has, came 3"),
        ("moved", "mask m.nii: expected the shape and orientation of its scan, came others"),
        ("gone", "mask m.nii: can't be read"),
        ("kind", "mask m.nii: expected a NIFTI file like its scan, came a DICOM one"),
    ],
)
def test_a_mask_of_other_places_rejects_its_scan(tmp_path: Path, spoil: str, said: str) -> None:
    save_nifti(tmp_path / "x.nii", HEADS)
    mask = (HEADS > 230).astype(np.uint8)
    match spoil:
        case "fewer":
            save_nifti(tmp_path / "m.nii", mask[:3])
        case "moved":
            moved = SHOWN_TO_RAS.copy()
            moved[0, 3] = 9
            save_nifti(tmp_path / "m.nii", mask, moved)
        case "kind":
            save_dicom(tmp_path / "m.nii", dicom(mask))
    outcome = _masked(tmp_path, "x.nii", "m.nii")
    assert isinstance(outcome, Failure)
    assert outcome.reason.startswith(said)


def test_slices_of_one_file_have_their_own_digests_and_a_share_of_its_bytes(tmp_path: Path) -> None:
    save_nifti(tmp_path / "x.nii", HEADS)
    save_dicom(tmp_path / "x.dcm", dicom(HEADS))
    for name in ("x.nii", "x.dcm"):
        slices = read_one(tmp_path / name, ALL, numbered=True)
        assert not isinstance(slices, Failure), slices
        assert 4 == len({item.raw.header.sha256 for item in slices})
        assert {(tmp_path / name).stat().st_size // 4} == {item.raw.header.bytes for item in slices}


def test_a_mask_of_gray_values_is_named(tmp_path: Path) -> None:
    save_nifti(tmp_path / "x.nii", HEADS)
    save_nifti(tmp_path / "m.nii", HEADS)
    with pytest.raises(BadInput, match=r"^mask m\.nii: expected a mask of at most 16 labels, came \d+ gray"):
        list(open_scan(tmp_path, Scan("x.nii", None, None, "m.nii", None, numbered=True), ALL).slices())


def test_a_mask_with_lossy_compression_is_named(tmp_path: Path) -> None:
    Image.fromarray(HEADS[0]).save(tmp_path / "x.png")
    Image.fromarray(((HEADS[0] > 230) * 255).astype(np.uint8)).save(tmp_path / "m.jpg")
    opened = open_scan(tmp_path, Scan("x.png", None, None, "m.jpg", None), ALL)
    with pytest.raises(BadInput, match=r"^mask m\.jpg: expected a mask without lossy compression, came JPEG"):
        list(opened.slices())


def test_a_mask_that_can_not_be_decoded_is_named(tmp_path: Path) -> None:
    Image.fromarray(HEADS[0]).save(tmp_path / "x.png")
    Image.fromarray(HEADS[0]).save(tmp_path / "m.png")
    (tmp_path / "m.png").write_bytes((tmp_path / "m.png").read_bytes()[:500])
    opened = open_scan(tmp_path, Scan("x.png", None, None, "m.png", None), ALL)
    with pytest.raises(BadInput, match=r"^mask m\.png: can't be decoded \(\w+\)$"):
        list(opened.slices())


def _frames(heights: Sequence[float] | None, orientation: Sequence[int] = (1, 0, 0, 0, 1, 0)) -> Dataset:
    """A file of several frames, each with its place (mm) where there are heights."""
    header = dicom((HEADS > 230).astype(np.uint8))
    if heights is not None:
        directions, shared = Dataset(), Dataset()
        directions.ImageOrientationPatient = list(orientation)
        shared.PlaneOrientationSequence = DicomSequence([directions])
        header.SharedFunctionalGroupsSequence = DicomSequence([shared])
        header.PerFrameFunctionalGroupsSequence = DicomSequence([_group(height) for height in heights])
    return header


def _group(height: float) -> Dataset:
    place, group = Dataset(), Dataset()
    place.ImagePositionPatient = [0, 0, height]
    group.PlanePositionSequence = DicomSequence([place])
    return group


def _series(root: Path) -> Scan:
    """Four files, 5 mm apart."""
    for number, head in enumerate(HEADS):
        place = {"ImagePositionPatient": [3, 4, 5 * number], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
        save_dicom(root / f"{number}.dcm", dicom(head, **place))
    files = tuple(f"{number}.dcm" for number in range(4))
    return Scan("0.dcm", None, None, "m.dcm", None, series=files, numbered=True)


def test_a_dicom_mask_at_the_positions_of_its_scan_goes_with_it(tmp_path: Path) -> None:
    scan = _series(tmp_path)
    save_dicom(tmp_path / "m.dcm", _frames([0, 5, 10, 15]))
    save_dicom(tmp_path / "frames.dcm", _frames([0.1, 5, 9.9, 15]))
    for asked in (scan, Scan("frames.dcm", None, None, "m.dcm", None, numbered=True)):
        assert 4 == len(list(open_scan(tmp_path, asked, ALL).slices()))


@pytest.mark.parametrize(
    "mask",
    [
        _frames(None),
        _frames([15, 10, 5, 0]),
        _frames([0, 5, 10, 18]),
        _frames([0, 5, 10]),
        _frames([0, 5, 10, 15], (1, 0, 0, 0, 0, 1)),
    ],
    ids=["missing", "reversed", "one off", "one missing", "other axes"],
)
def test_a_dicom_mask_at_other_positions_rejects_its_scan(tmp_path: Path, mask: Dataset) -> None:
    scan = _series(tmp_path)
    save_dicom(tmp_path / "m.dcm", mask)
    with pytest.raises(
        BadInput, match=r"mask m\.dcm: expected the positions of its scan, came others or none"
    ):
        open_scan(tmp_path, scan, ALL)
