"""The files of a series are one scan, in the order in which the slices lie in the patient."""

import struct
from pathlib import Path

import numpy as np
import pytest
from pydicom.tag import Tag

from brainmri.confinement import describe
from brainmri.isolation import isolate_within
from brainmri.scans.dicom_header import read_identity
from brainmri.scans.folder import list_scans
from brainmri.scans.series import Gathered, gather_scans
from tests.rules import RULE
from tests.scans.samples import HEAD, LIMITS, dicom, read, save_dicom

TILTED = ["1", "0", "0", "0", "0.8", "-0.6"]  # its normal: (0, 0.6, 0.8)


def _gather(root: Path) -> Gathered:
    return gather_scans(list_scans(root), RULE, isolate_within(LIMITS))


def test_position_along_the_normal_orders_a_series_whatever_the_names(tmp_path: Path) -> None:
    for number, height in enumerate([3, -1, 2, 0.5]):
        place = [str(7 * number), f"{0.6 * height:.4f}", f"{0.8 * height:.4f}"]
        header = dicom(HEAD + number, ImageOrientationPatient=TILTED, ImagePositionPatient=place)
        save_dicom(tmp_path / "no" / f"{number}.dcm", header)
    (scan,) = _gather(tmp_path).scans
    assert ("no/1.dcm", "no/3.dcm", "no/2.dcm", "no/0.dcm") == scan.files
    assert ("no/0.dcm", True, "MRN-1") == (scan.path, scan.numbered, scan.patient)
    (slices,) = read(tmp_path, [scan])
    assert [0, 1, 2, 3] == [item.number for item in slices]  # type: ignore[union-attr]


def test_without_positions_the_instance_number_orders_and_else_the_name(tmp_path: Path) -> None:
    for number, instance in enumerate([12, 3, 100]):
        save_dicom(tmp_path / "no" / f"{number}.dcm", dicom(HEAD, InstanceNumber=str(instance)))
        save_dicom(tmp_path / "yes" / f"{number}.dcm", dicom(HEAD))
    first, second = _gather(tmp_path).scans
    assert ("no/1.dcm", "no/0.dcm", "no/2.dcm") == first.files
    assert ("yes/0.dcm", "yes/1.dcm", "yes/2.dcm") == second.files


def test_two_series_of_a_folder_and_one_series_in_two_folders_are_two_scans(tmp_path: Path) -> None:
    for name, series in (("a/1", "1.1"), ("a/2", "1.2"), ("b/1", "1.1"), ("a/3", "1.1")):
        save_dicom(tmp_path / "no" / f"{name}.dcm", dicom(HEAD, SeriesInstanceUID=series))
    files = [scan.files for scan in _gather(tmp_path).scans]
    assert [("no/a/1.dcm", "no/a/3.dcm"), ("no/a/2.dcm",), ("no/b/1.dcm",)] == sorted(files)


def test_a_patient_without_id_is_known_by_the_study(tmp_path: Path) -> None:
    save_dicom(tmp_path / "no" / "1.dcm", dicom(HEAD, PatientID="", StudyInstanceUID="1.9"))
    assert ["1.9"] == [scan.patient for scan in _gather(tmp_path).scans]


def test_scans_stand_in_the_order_of_the_ids_of_their_slices(tmp_path: Path) -> None:
    (tmp_path / "no").mkdir()
    save_dicom(tmp_path / "no" / "vol", dicom(np.stack([HEAD] * 2)))
    save_dicom(tmp_path / "no" / "vol 2", dicom(HEAD, SeriesInstanceUID="1.5"))
    assert ["no/vol 2", "no/vol#"] == [scan.slice_prefix for scan in _gather(tmp_path).scans]


def test_a_header_that_can_not_be_read_rejects_its_file_only(tmp_path: Path) -> None:
    save_dicom(tmp_path / "no" / "1.dcm", dicom(HEAD))
    save_dicom(tmp_path / "no" / "2.dcm", dicom(HEAD, NumberOfFrames="0"))
    gathered = _gather(tmp_path)
    assert ["no/1.dcm"] == [scan.path for scan in gathered.scans]
    assert ["no/2.dcm"] == [scan.path for scan, _ in gathered.failures]


def _retyped(path: Path, keyword: str, vr: str) -> Path:
    """A file whose element declares another type of value than its text, a patient's name, has."""
    header = dicom(HEAD)
    header.add_new(keyword, "LO", "SMITH^JOHNSON1")
    place = struct.pack("<HH", Tag(keyword).group, Tag(keyword).element)
    content = save_dicom(path, header).read_bytes()
    path.write_bytes(content.replace(place + b"LO", place + vr.encode()))
    return path


@pytest.mark.parametrize(
    ("keyword", "vr"),
    [
        *(("PatientID", vr) for vr in ("UL", "FD", "FL")),
        *(("InstanceNumber", vr) for vr in ("UL", "FD", "FL", "DS", "IS")),
    ],
)
@pytest.mark.filterwarnings("ignore:The value length")
def test_a_reason_never_quotes_a_header(tmp_path: Path, keyword: str, vr: str) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever pydicom raises
        read_identity(_retyped(tmp_path / "1.dcm", keyword, vr), RULE.max_volume_megabytes)
    assert "SMITH" not in describe(caught.value)


def test_the_reason_of_a_rejected_header_is_the_kind_of_error(tmp_path: Path) -> None:
    _retyped(tmp_path / "no" / "1.dcm", "PatientID", "UL")
    assert ["can't be decoded (BytesLengthException)"] == [said for _, said in _gather(tmp_path).failures]
