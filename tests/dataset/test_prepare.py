"""A raw folder becomes a prepared set; nothing disappears silently; what can't go on says so in one line."""

import shutil
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brainmri.dataset import prepare
from brainmri.dataset.preparation import Box
from brainmri.dataset.prepare import PrepareParams, prepare_folder
from brainmri.dataset.prepared import REJECTED, Classes, RejectedRow, read_prepared, read_raw_facts
from brainmri.dataset.scan_preparation import PreparedScan, PreparedSlice
from brainmri.errors import BadInput
from brainmri.figures import gallery
from brainmri.scans.folder import Scan
from brainmri.tables import read_rows
from tests.dataset.rows import make_facts
from tests.pictures import draw_head, write_class_folders
from tests.rules import IMAGE_RULE, RULE

PARAMS = PrepareParams(**dict(RULE) | dict(IMAGE_RULE), positive="yes", max_rejected=0.2)


def test_class_folders_become_arrays_and_tables_in_one_order(tmp_path: Path) -> None:
    write_class_folders(tmp_path / "raw", 6)
    count = prepare_folder(tmp_path / "raw", PARAMS, tmp_path / "out")
    data = read_prepared(tmp_path / "out")
    assert (count.found, count.slices, count.rejected) == (12, 12, 0)
    assert (data.images.shape, data.masks) == ((12, 32, 32), None)
    assert [row.slice_id for row in data.slices] == sorted(row.slice_id for row in data.slices)
    assert data.is_positive().tolist() == [False] * 6 + [True] * 6
    assert [row.slice_id for row in data.slices] == [row.slice_id for row in read_raw_facts(data.folder)]


def test_two_runs_and_any_number_of_processes_give_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_class_folders(tmp_path / "raw", 20)
    prepare_folder(tmp_path / "raw", PARAMS, tmp_path / "one")
    monkeypatch.setattr("brainmri.compute.available_cores", lambda: 1)
    prepare_folder(tmp_path / "raw", PARAMS, tmp_path / "two")
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_memory_grows_with_the_scans_alone_and_the_sheet_is_of_all_slices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(gallery, "save", lambda *_: None)
    monkeypatch.setattr(gallery, "draw_sheet", lambda *given: shown.append(given[2]))
    write_class_folders(tmp_path / "raw", 100)

    def measure(slices: int) -> int:
        def give(raw: Path, rule: object, scans: Sequence[Scan], *_: object) -> Iterator[PreparedScan]:
            for scan in scans:
                yield PreparedScan([_make_slice(f"{scan.path}#{n:04d}", n) for n in range(slices)], ())

        monkeypatch.setattr(prepare, "prepare_scans", give)
        tracemalloc.start()
        prepare_folder(tmp_path / "raw", PARAMS, tmp_path / "out")
        gallery.show_prepared(tmp_path / "out", tmp_path / "sheet.png")
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    measure(10)  # what is made once
    before = measure(10)
    assert measure(30) - before < 4000 * 100  # bytes, of 4,000 slices more
    assert ["24 of 2000 prepared slices, data set raw"] * 2 == shown[:2]
    assert "24 of 6000 prepared slices, data set raw" == shown[2]


def _make_slice(slice_id: str, number: int) -> PreparedSlice:
    facts = make_facts(number, "0" * 64).model_copy(update={"slice_id": slice_id})
    image = np.zeros((32, 32), np.uint8)
    return PreparedSlice(
        number, image, None, has_tumor=None, spacing_mm=1.0, box=Box(0, 0, 1, 1), facts=facts
    )


def test_a_set_of_which_nothing_can_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "raw" / "yes").mkdir(parents=True)
    (tmp_path / "raw" / "yes" / "empty.png").touch()
    with pytest.raises(BadInput, match="expected scans that can be read, came none"):
        prepare_folder(tmp_path / "raw", PARAMS.model_copy(update={"max_rejected": 1.0}), tmp_path / "out")


def test_a_bad_scan_is_listed_with_its_reason_and_the_rest_goes_on(tmp_path: Path) -> None:
    write_class_folders(tmp_path / "raw", 6)
    (tmp_path / "raw" / "yes" / "notes.png").write_text("no picture")
    (tmp_path / "raw" / "no" / "empty.jpg").touch()
    count = prepare_folder(tmp_path / "raw", PARAMS, tmp_path / "out")
    rejected = read_rows(tmp_path / "out" / REJECTED, RejectedRow)
    assert count.found == count.slices + count.rejected == 14
    assert [row.scan for row in rejected] == ["no/empty.jpg", "yes/notes.png"]
    assert rejected[0].reason == "the file has no bytes"


def test_too_many_bad_scans_end_the_run_and_keep_earlier_output(tmp_path: Path) -> None:
    write_class_folders(tmp_path / "raw", 4)
    prepare_folder(tmp_path / "raw", PARAMS, tmp_path / "out")
    before = (tmp_path / "out" / "images.npy").read_bytes()
    for number in range(4):
        (tmp_path / "raw" / "yes" / f"bad{number}.png").touch()
    with pytest.raises(BadInput, match=r"at most 20% of 12 scans .* came 4; the first is yes/bad0.png"):
        prepare_folder(tmp_path / "raw", PARAMS, tmp_path / "out")
    assert before == (tmp_path / "out" / "images.npy").read_bytes()


LABELS = ("no", "yes", "no", "yes")


def _write_table(root: Path, lines: list[str]) -> None:
    for number in range(4):
        tumor = number % 2 == 1
        image = draw_head(number, tumor=tumor)
        Image.fromarray(image).save(root / f"{number}.png")
        Image.fromarray(((image > 230) * 255).astype(np.uint8)).save(root / f"m{number}.png")
    (root / "scans.csv").write_text("\n".join(lines) + "\n")


def test_masks_label_what_has_no_label(tmp_path: Path) -> None:
    _write_table(tmp_path, ["path,patient,mask", *[f"{n}.png,P{n},m{n}.png" for n in range(4)]])
    prepare_folder(tmp_path, PARAMS, tmp_path / "out")
    data = read_prepared(tmp_path / "out")
    assert data.masks is not None
    assert [row.label for row in data.slices] == ["no yes", "yes", "no yes", "yes"]
    assert [int(mask.sum()) for mask in data.masks] == [row.tumor_area for row in data.slices]
    assert [row.patient for row in data.slices] == ["P0001", "P0002", "P0003", "P0004"]


def test_a_tumor_too_small_for_the_prepared_mask_still_labels(tmp_path: Path) -> None:
    _write_table(tmp_path, ["path,mask", *[f"{n}.png,m{n}.png" for n in range(4)]])
    small = np.zeros((64, 64), np.uint8)
    small[32, 32] = 255
    Image.fromarray(small).save(tmp_path / "m1.png")
    prepare_folder(tmp_path, PARAMS.model_copy(update={"crop": False}), tmp_path / "out")
    assert ["no yes", "yes", "no yes", "yes"] == [row.label for row in read_prepared(tmp_path / "out").slices]
    assert read_prepared(tmp_path / "out").slices[1].tumor_area == 0


def test_a_mask_of_another_size_rejects_its_scan_by_name(tmp_path: Path) -> None:
    _write_table(tmp_path, ["path,label,mask", *[f"{n}.png,{LABELS[n]},m{n}.png" for n in range(4)]])
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "m0.png")
    prepare_folder(tmp_path, PARAMS.model_copy(update={"max_rejected": 0.5}), tmp_path / "out")
    (rejected,) = read_rows(tmp_path / "out" / REJECTED, RejectedRow)
    assert rejected.scan == "0.png"
    assert "expected a mask of 64x64 pixels like its image, came 9x9" in rejected.reason


def test_a_third_class_and_a_wrong_positive_are_refused(tmp_path: Path) -> None:
    write_class_folders(tmp_path, 3)
    with pytest.raises(BadInput, match=r"prepare.positive: expected one of no, yes, came 'tumor'"):
        prepare_folder(tmp_path, PARAMS.model_copy(update={"positive": "tumor"}), tmp_path / "out")
    shutil.copytree(tmp_path / "yes", tmp_path / "maybe")
    (tmp_path / "maybe" / "own.png").write_bytes((tmp_path / "no" / "no000.png").read_bytes())
    with pytest.raises(BadInput, match="expected two classes, came maybe, no, yes"):
        prepare_folder(tmp_path, PARAMS, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("positive", "other"), [("yes", "no yes"), ("tumor", "yes")])
def test_one_class_alone_is_prepared_to_be_audited(tmp_path: Path, positive: str, other: str) -> None:
    write_class_folders(tmp_path / "raw", 3)
    shutil.rmtree(tmp_path / "raw" / "no")
    prepare_folder(tmp_path / "raw", PARAMS.model_copy(update={"positive": positive}), tmp_path / "out")
    data = read_prepared(tmp_path / "out")
    assert ({"yes"}, Classes(positive, other)) == ({row.label for row in data.slices}, data.classes)


def test_a_patient_s_own_id_appears_in_no_file(tmp_path: Path) -> None:
    _write_table(tmp_path, ["path,label,patient", *[f"{n}.png,{LABELS[n]},MRN-77{n}" for n in range(4)]])
    prepare_folder(tmp_path, PARAMS, tmp_path / "out")
    assert not any(b"MRN-77" in path.read_bytes() for path in (tmp_path / "out").iterdir())
