"""The LGG set becomes a raw folder whose table says patient and mask, and nothing else."""

from pathlib import Path

import pytest

from brainmri.errors import BadInput
from brainmri.scans.folder import list_scans
from brainmri.scans.lgg import collect_lgg


def _source(folder: Path) -> Path:
    for name in ("P1/P1_1", "P1/P1_1_mask", "P1/P1_2", "P2/P2_1", "P2/P2_1_mask"):
        path = folder / "source" / f"{name}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder / "source"


def test_slices_with_a_mask_are_copied_and_listed_with_their_patient(tmp_path: Path) -> None:
    collect_lgg(_source(tmp_path), tmp_path / "raw")
    scans = list_scans(tmp_path / "raw").scans
    expected = [("P1/P1_1.tif", "P1", "P1/P1_1_mask.tif"), ("P2/P2_1.tif", "P2", "P2/P2_1_mask.tif")]
    assert expected == [(scan.path, scan.patient, scan.mask) for scan in scans]
    assert {(None, None)} == {(scan.label, scan.subset) for scan in scans}
    assert "P2/P2_1_mask" == (tmp_path / "raw" / "P2" / "P2_1_mask.tif").read_text()


def test_a_folder_in_use_and_one_without_slices_are_refused(tmp_path: Path) -> None:
    source = _source(tmp_path)
    with pytest.raises(BadInput, match="expected a new folder"):
        collect_lgg(source, source)
    with pytest.raises(BadInput, match="expected a new folder, came a file"):
        collect_lgg(source, source / "P1" / "P1_1.tif")
    with pytest.raises(BadInput, match="came none"):
        collect_lgg(tmp_path / "gone", tmp_path / "raw")
    assert not (tmp_path / "raw").exists()
