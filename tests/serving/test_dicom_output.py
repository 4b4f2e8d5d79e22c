"""DICOM in, DICOM out: pictures and masks that file beside their scan, and say what they are not for."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import EnhancedMRImageStorage, MRImageStorage

from brainmri.errors import BadInput
from brainmri.serving import dicom_output
from brainmri.serving.answers import ZERO_SHOT
from brainmri.serving.dicom_capture import make_capture
from brainmri.serving.dicom_origin import Maker
from brainmri.serving.dicom_output import DicomWriter, Segmenter
from brainmri.serving.dicom_sources import read_sources
from brainmri.serving.intake import take_scans
from brainmri.serving.judging import Predictor
from brainmri.serving.model import read_model
from brainmri.serving.predict import answer_scans
from brainmri.serving.runtimes import Runtime
from tests.commands import main, run_here
from tests.pictures import draw_head
from tests.scans.samples import dicom, save_dicom
from tests.serving.conftest import LIMITS, Trained

MAKER = Maker("segmenter", "U-Net on resnet34", 64 * "a")
FULL = {
    "PatientName": "Roe^Jane",
    "PatientID": "MRN-SECRET",
    "PatientBirthDate": "19700102",
    "PatientSex": "F",
    "StudyInstanceUID": "1.2.3",
    "StudyID": "7",
    "StudyDate": "20240102",
    "StudyTime": "101112",
    "AccessionNumber": "A1",
    "ReferringPhysicianName": "Who^Doctor",
    "SeriesInstanceUID": "1.2.3.4",
    "SeriesNumber": 3,
    "Modality": "MR",
    "FrameOfReferenceUID": "1.2.3.5",
    "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
    "PixelSpacing": [1.0, 0.8],
    "SliceThickness": 5,
}
SECRETS = ("Roe", "Jane", "SECRET", "1970", "Who")
COUNT = 6
# Brighter than air, in a head as it is drawn and as it is prepared.
BRIGHT = 30

Change = Callable[[Dataset], None]


def _draw(number: int) -> NDArray[np.uint16]:
    return draw_head(number, tumor=number > 2).astype(np.uint16)[:, 4:60]


def _write_series(folder: Path, change: Change = lambda _: None, count: int = COUNT) -> Path:
    for number in range(count):
        header = dicom(_draw(number), **FULL)
        header.SOPInstanceUID = f"1.2.3.4.{number + 1}"
        header.InstanceNumber = number + 1
        header.ImagePositionPatient = [-30, -40, 6.5 * number]
        change(header)
        save_dicom(folder / f"{number}.dcm", header)
    return folder


def _read_here(function: Callable[[Any], Any], items: Sequence[Any], *_: object) -> Iterator[Any]:
    """As `Isolate`, in this process: the files are the test's own."""
    return map(function, items)


def _outline(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """All of the head."""
    return (images > BRIGHT).astype(np.uint8)


def _run(trained: Trained, scans: Path, out: Path) -> tuple[list[Dataset], list[highdicom.seg.Segmentation]]:
    model = read_model(trained.model)
    writer = DicomWriter(model, out, Segmenter(_outline, MAKER), LIMITS.max_volume_megabytes)
    taken = take_scans([scans], model.rule(LIMITS), _read_here)
    answer_scans(taken, Predictor(model, Runtime.TORCH), [writer.write])
    captures = [pydicom.dcmread(path) for path in sorted(out.glob("*_SC.dcm"))]
    return captures, [highdicom.seg.segread(path) for path in sorted(out.glob("*_SEG.dcm"))]


def _check_valid(folder: Path) -> None:
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (dicom3tools) is not installed")
    for path in folder.iterdir():
        told = subprocess.run(["dciodvfy", path], capture_output=True, text=True, check=False)
        lines = (told.stdout + told.stderr).splitlines()
        assert [] == [line for line in lines if line.startswith("Error")]


def test_a_picture_of_the_slice_that_decided_files_beside_its_study(trained: Trained, tmp_path: Path) -> None:
    ((capture,), _) = _run(trained, _write_series(tmp_path / "in"), tmp_path / "out")
    identity = [keyword for keyword in FULL if keyword.startswith(("Patient", "Study", "Acc", "Ref"))]
    assert {keyword: FULL[keyword] for keyword in identity} == {
        keyword: capture[keyword].value for keyword in identity
    }
    (source,) = capture.SourceImageSequence
    assert source.ReferencedSOPInstanceUID in {f"1.2.3.4.{number + 1}" for number in range(COUNT)}
    assert FULL["SeriesInstanceUID"] != capture.SeriesInstanceUID
    assert ["L", "P"] == capture.PatientOrientation
    assert "NO" == capture.BurnedInAnnotation


def test_a_picture_says_what_it_is_not_for_in_its_header_and_in_its_pixels(
    trained: Trained, tmp_path: Path
) -> None:
    ((capture,), _) = _run(trained, _write_series(tmp_path / "in"), tmp_path / "out")
    for keyword in ("SeriesDescription", "ImageComments", "DerivationDescription"):
        assert "".join(capture[keyword].value).startswith("NOT FOR DIAGNOSIS - research only")
    assert "RESEARCH" == capture.ContentQualification
    pixels = capture.pixel_array
    assert (3, "RGB") == (pixels.shape[2], capture.PhotometricInterpretation)
    assert min(pixels.shape[:2]) > 600
    # Yellow letters on black.
    red, green, blue = pixels[:48].reshape(-1, 3).T.astype(int)
    yellow = (red > 150) & (green > 150) & (blue < 120)
    assert 0.01 < yellow.mean() < 0.3


def test_what_a_network_draws_that_has_seen_no_scan_of_a_person_says_so(tmp_path: Path) -> None:
    (path, *_) = sorted(_write_series(tmp_path / "in", count=1).iterdir())
    (source,) = read_sources([path], [0], LIMITS.max_volume_megabytes)
    makers = [Maker("classifier", "resnet18", 64 * "a", zero_shot=known) for known in (True, False)]
    captures = [
        pydicom.dcmread(BytesIO(make_capture(np.zeros((8, 8, 3), np.uint8), source, maker)))
        for maker in makers
    ]
    assert ["brainmri zero-shot classifier, resnet18", "brainmri classifier, resnet18"] == [
        capture.ManufacturerModelName for capture in captures
    ]
    assert [True, False] == [capture.ImageComments.endswith(ZERO_SHOT) for capture in captures]
    assert ["NOT FOR DIAGNOSIS - research only - zero-shot", "NOT FOR DIAGNOSIS - research only"] == [
        maker.warning for maker in makers
    ]


def test_masks_lie_on_the_pixels_of_the_slices_that_they_refer_to(trained: Trained, tmp_path: Path) -> None:
    folder = _write_series(tmp_path / "in")
    (_, (found,)) = _run(trained, folder, tmp_path / "out")
    files = {header.SOPInstanceUID: header for header in map(pydicom.dcmread, folder.iterdir())}
    masks = found.get_pixels_by_source_instance(sorted(files), combine_segments=True)
    assert (COUNT, 64, 56) == masks.shape
    for uid, mask in zip(sorted(files), masks > 0, strict=True):
        head = files[uid].pixel_array > BRIGHT
        assert (mask & head).sum() / (mask | head).sum() > 0.9
    for group in found.PerFrameFunctionalGroupsSequence:
        (source,) = group.DerivationImageSequence[0].SourceImageSequence
        place = group.PlanePositionSequence[0].ImagePositionPatient
        assert files[source.ReferencedSOPInstanceUID].ImagePositionPatient == place
    assert (FULL["StudyInstanceUID"], FULL["FrameOfReferenceUID"]) == (
        found.StudyInstanceUID,
        found.FrameOfReferenceUID,
    )


def test_masks_say_what_made_them_of_what(trained: Trained, tmp_path: Path) -> None:
    (_, (found,)) = _run(trained, _write_series(tmp_path / "in"), tmp_path / "out")
    segment = found.get_segment_description(1)
    assert "BINARY" == found.SegmentationType
    assert ("49755003", "108369006") == (
        segment.segmented_property_category.value,
        segment.segmented_property_type.value,
    )
    (algorithm,) = segment.SegmentationAlgorithmIdentificationSequence
    assert ("AUTOMATIC", MAKER.name, MAKER.sha256) == (
        segment.SegmentAlgorithmType,
        algorithm.AlgorithmName,
        algorithm.AlgorithmVersion,
    )
    for text in (found.SeriesDescription, found.ContentDescription, segment.segment_label):
        assert "NOT FOR DIAGNOSIS - research only" in text


def test_both_are_valid_by_the_standard(trained: Trained, tmp_path: Path) -> None:
    captures, found = _run(trained, _write_series(tmp_path / "in"), tmp_path / "out")
    assert 2 == len(captures) + len(found)
    _check_valid(tmp_path / "out")


def test_the_same_scan_and_model_give_the_same_bytes(trained: Trained, tmp_path: Path) -> None:
    for out in ("one", "two"):
        _run(trained, _write_series(tmp_path / "in"), tmp_path / out)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def _write_enhanced(path: Path, change: Change = lambda _: None) -> Path:
    """All slices in one file, places in functional groups."""
    names = ("ImageOrientationPatient", "PixelSpacing", "SliceThickness")
    elements = {keyword: value for keyword, value in FULL.items() if keyword not in names}
    header = dicom(np.stack([_draw(number) for number in range(COUNT)]), **elements)
    header.SOPClassUID = EnhancedMRImageStorage
    shared, measures, orientation = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = FULL["PixelSpacing"], FULL["SliceThickness"]
    orientation.ImageOrientationPatient = FULL["ImageOrientationPatient"]
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [orientation]
    header.SharedFunctionalGroupsSequence = [shared]
    header.PerFrameFunctionalGroupsSequence = []
    for number in range(COUNT):
        group, place = Dataset(), Dataset()
        place.ImagePositionPatient = [-30, -40, 6.5 * number]
        group.PlanePositionSequence = [place]
        header.PerFrameFunctionalGroupsSequence.append(group)
    change(header)
    return save_dicom(path, header)


def test_frames_of_one_file_are_referred_to_by_number(trained: Trained, tmp_path: Path) -> None:
    path = _write_enhanced(tmp_path / "in" / "all.dcm")
    ((capture,), (found,)) = _run(trained, path, tmp_path / "out")
    frames = found.pixel_array
    assert COUNT == len(frames)
    for frame, group in zip(frames, found.PerFrameFunctionalGroupsSequence, strict=True):
        (source,) = group.DerivationImageSequence[0].SourceImageSequence
        number = source.ReferencedFrameNumber
        head = _draw(number - 1) > BRIGHT
        assert ((frame > 0) & head).sum() / ((frame > 0) | head).sum() > 0.9
        assert 6.5 * (number - 1) == group.PlanePositionSequence[0].ImagePositionPatient[2]
    assert 1 <= capture.SourceImageSequence[0].ReferencedFrameNumber <= COUNT
    _check_valid(tmp_path / "out")


def _remove(*keywords: str) -> Change:
    def change(header: Dataset) -> None:
        for keyword in keywords:
            if keyword in header:
                delattr(header, keyword)

    return change


def _put(keyword: str, value: object) -> Change:
    """Whatever the value, as a stranger's file may have it."""

    def change(header: Dataset) -> None:
        with pydicom.config.disable_value_validation():
            setattr(header, keyword, value)

    return change


LACKING = {
    "StudyInstanceUID": _remove("StudyInstanceUID"),
    "FrameOfReferenceUID": _remove("FrameOfReferenceUID"),
    "ImagePositionPatient": _remove("ImagePositionPatient"),
    "ImageOrientationPatient": _remove("ImageOrientationPatient"),
    "PixelSpacing": _remove("PixelSpacing"),
    "SliceThickness": _remove("SliceThickness"),
    "SliceThickness in": _put("SliceThickness", 0),
    "SOPInstanceUID": _put("SOPInstanceUID", "1.2.not.a.uid"),
    "each slice at a place": _put("ImagePositionPatient", [1, 2, 3]),
    "DICOM's rules hold": _put("SOPClassUID", "1.2.3.4.5.6.7"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("missing", LACKING)
def test_without_a_place_there_are_no_masks_but_a_picture(
    trained: Trained, tmp_path: Path, missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    captures, found = _run(trained, _write_series(tmp_path / "in", LACKING[missing]), tmp_path / "out")
    told = capsys.readouterr().err
    assert (1, 0, 1) == (len(captures), len(found), told.count("\n"))
    assert "no DICOM SEG is written: expected" in told
    assert missing in told
    assert pydicom.uid.UID(captures[0].StudyInstanceUID).is_valid
    assert not [word for word in SECRETS if word in told]
    _check_valid(tmp_path / "out")


def test_frames_without_places_of_their_own_give_a_picture_only(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def plain(header: Dataset) -> None:
        header.SOPClassUID = MRImageStorage
        del header.PerFrameFunctionalGroupsSequence
        del header.SharedFunctionalGroupsSequence

    captures, found = _run(trained, _write_enhanced(tmp_path / "in" / "all.dcm", plain), tmp_path / "out")
    assert (1, 0) == (len(captures), len(found))
    assert "ImagePositionPatient" in capsys.readouterr().err
    _check_valid(tmp_path / "out")


def test_frames_at_one_place_are_not_told_apart(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def move(header: Dataset) -> None:
        header.PerFrameFunctionalGroupsSequence[1] = header.PerFrameFunctionalGroupsSequence[0]

    captures, found = _run(trained, _write_enhanced(tmp_path / "in" / "all.dcm", move), tmp_path / "out")
    assert (1, 0) == (len(captures), len(found))
    assert "expected each slice at a place of its own, came two at one" in capsys.readouterr().err


def test_slices_of_several_directions_are_no_stack(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def turn(header: Dataset) -> None:
        if header.InstanceNumber == 2:
            header.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]

    captures, found = _run(trained, _write_series(tmp_path / "in", turn), tmp_path / "out")
    assert (1, 0) == (len(captures), len(found))
    assert "expected slices of one size, spacing and direction, came several" in capsys.readouterr().err


WRONG = [
    ("PatientSex", "WOMAN-Jane"),
    ("PatientBirthDate", "1970-yesterday"),
    ("StudyDate", "20241399"),
    ("StudyTime", "noon"),
    ("PatientName", "Roe Jane"),
    ("PatientName", 90 * "Roe"),
    ("PatientID", "a\\b"),
    ("StudyID", 40 * "7"),
    ("SpecificCharacterSet", "ISO_IR 4711"),
    ("StudyInstanceUID", "Roe.Jane"),
    ("SeriesNumber", -5),
    ("SeriesNumber", 2**31 - 1),
    ("ContentDate", "20240102"),
    ("LossyImageCompression", "01"),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("keyword", "value"), WRONG)
def test_a_wrong_element_is_left_out_and_nobody_is_named(
    trained: Trained, tmp_path: Path, keyword: str, value: object, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = _write_series(tmp_path / "in", _put(keyword, value))
    capfd.readouterr()
    captures, found = _run(trained, folder, tmp_path / "out")
    told = capfd.readouterr().err
    assert (1, keyword != "StudyInstanceUID") == (len(captures), bool(found))
    assert len(found) == 1 - told.count("\n")
    assert not [word for word in SECRETS if word in told]
    _check_valid(tmp_path / "out")


def test_names_are_kept_in_any_letters(trained: Trained, tmp_path: Path) -> None:
    def change(header: Dataset) -> None:
        header.SpecificCharacterSet, header.PatientName = "ISO_IR 100", "Müller^Jürgen"

    ((capture,), (found,)) = _run(trained, _write_series(tmp_path / "in", change), tmp_path / "out")
    assert ("Müller^Jürgen", "Müller^Jürgen") == (str(capture.PatientName), str(found.PatientName))


def test_whatever_a_library_raises_is_one_line_that_quotes_nothing(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> bytes:
        raise ValueError("Roe^Jane is no name")

    monkeypatch.setattr(dicom_output, "make_capture", fail)
    monkeypatch.setattr(dicom_output, "make_segmentation", fail)
    assert ([], []) == _run(trained, _write_series(tmp_path / "in"), tmp_path / "out")
    told = capsys.readouterr().err.splitlines()
    assert ["SC", "SEG"] == [line.split(": no DICOM ")[1].split()[0] for line in told]
    assert all("(ValueError)" in line and "Roe" not in line for line in told)


def test_of_other_formats_nothing_is_written_and_numbers_are_those_of_all_scans(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _write_series(tmp_path / "in" / "series", count=1)
    for name in ("a.png", "b.png"):
        Image.fromarray(draw_head(1, tumor=True)).save(tmp_path / "in" / name)
    _run(trained, tmp_path / "in", tmp_path / "out")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert ["0003_0_dcm_SC.dcm", "0003_0_dcm_SEG.dcm"] == names
    told = capsys.readouterr().err
    assert 1 == told.count("\n")
    assert "a.png: nothing is written" in told


def test_a_folder_with_anything_in_it_is_refused(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "old.dcm").touch()
    with pytest.raises(BadInput, match=r"--dicom-out .*: expected a new or empty folder, came another"):
        DicomWriter(read_model(trained.model), tmp_path, None, LIMITS.max_volume_megabytes)


def test_the_command_writes_a_picture_where_a_model_has_no_segmenter(
    trained: Trained, tmp_path: Path
) -> None:
    _write_series(tmp_path / "in", count=2)
    (tmp_path / "model").mkdir()
    shutil.copytree(trained.model, tmp_path / "model", dirs_exist_ok=True)
    shutil.copy(trained.onnx / "limits.json", tmp_path / "model")
    given = ("predict", tmp_path / "in", "--model", tmp_path / "model", "--dicom-out", tmp_path / "out")
    assert 0 == run_here(main, tmp_path, *given).returncode
    assert ["0001_0_dcm_SC.dcm"] == [path.name for path in (tmp_path / "out").iterdir()]


def test_without_the_option_highdicom_is_not_loaded() -> None:
    code = "import brainmri.serving.predict_command, sys; sys.exit('highdicom' in sys.modules)"
    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode
