"""What counts as a scan, and what is known of it."""

import shutil
from pathlib import Path

import pytest

from brainmri.confinement import Failure
from brainmri.errors import BadInput
from brainmri.scans.folder import Scan, list_scans
from tests.scans.samples import read


def _touch(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(path.encode())


def test_class_folders_may_be_nested_and_names_may_have_spaces(tmp_path: Path) -> None:
    _touch(tmp_path, "yes/a b.JPG", "yes/deep/er/c.png", "no/1 no.jpeg")
    scans = list_scans(tmp_path).scans
    assert [(scan.path, scan.label) for scan in scans] == [
        ("no/1 no.jpeg", "no"),
        ("yes/a b.JPG", "yes"),
        ("yes/deep/er/c.png", "yes"),
    ]


def test_hidden_files_are_no_scans_and_others_all_are(tmp_path: Path) -> None:
    _touch(tmp_path, "yes/.DS_Store", ".git/x", "yes/notes.txt", "no/1.png", "README.md")
    found = list_scans(tmp_path)
    assert ["no/1.png", "yes/notes.txt"] == [scan.path for scan in found.scans]
    assert [f"1 files lie in no class folder of {tmp_path} and are left out"] == found.notices


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    _touch(tmp_path, "no/1.png")
    try:
        (tmp_path / "no" / b"\xe9.png".decode("utf-8", "surrogateescape")).touch()
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    with pytest.raises(BadInput, match="expected file names in UTF-8"):
        list_scans(tmp_path)


@pytest.mark.parametrize("space", ["\u202f", "\u00a0", "\u3000"])
def test_a_name_with_a_space_of_another_kind_is_a_name(tmp_path: Path, space: str) -> None:
    name = f"Screenshot 10.00{space}AM.png"
    _touch(tmp_path, f"no/{name}")
    assert [f"no/{name}"] == [scan.path for scan in list_scans(tmp_path).scans]
    (tmp_path / "scans.csv").write_text(f"path\nno/{name}\n", encoding="utf-8")
    assert [f"no/{name}"] == [scan.path for scan in list_scans(tmp_path).scans]


@pytest.mark.parametrize("path", ["no/a\nb.png", "n\x1bo/1.png"])
def test_a_name_with_a_control_character_is_refused_for_that(tmp_path: Path, path: str) -> None:
    _touch(tmp_path, path)
    with pytest.raises(BadInput, match="expected file names without control characters") as caught:
        list_scans(tmp_path)
    assert str(caught.value).isprintable()


def test_a_folder_of_other_files_with_the_same_names_and_sizes_is_a_class(tmp_path: Path) -> None:
    _touch(tmp_path, "yes/1.png", "no/2.png")
    _touch(tmp_path, "more/yes/1.png")
    (tmp_path / "more" / "yes" / "1.png").write_bytes(b"no!/1.png")
    assert {"more", "no", "yes"} == {scan.label for scan in list_scans(tmp_path).scans}


def test_a_dangling_link_that_stands_twice_is_no_repeat(tmp_path: Path) -> None:
    for folder in ("yes", "more/yes"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "1.png").symlink_to(tmp_path / "gone.png")
    assert ["more/yes/1.png", "yes/1.png"] == [scan.path for scan in list_scans(tmp_path).scans]


def test_an_empty_folder_in_the_table_is_a_scan_to_be_rejected(tmp_path: Path) -> None:
    _touch(tmp_path, "a.png")
    (tmp_path / "empty").mkdir()
    (tmp_path / "scans.csv").write_text("path\na.png\nempty\n")
    found = list_scans(tmp_path)
    assert ["a.png", "empty"] == [scan.path for scan in found.scans]
    (outcome,) = read(tmp_path, found.scans[1:])
    assert Failure("expected a file, came a folder, pipe or device") == outcome


def test_a_folder_that_repeats_the_classes_is_left_out_and_said(tmp_path: Path) -> None:
    _touch(tmp_path, "yes/1.png", "no/2.png", "no/3.png")
    shutil.copytree(tmp_path / "yes", tmp_path / "brain_tumor_dataset" / "yes")
    shutil.copytree(tmp_path / "no", tmp_path / "brain_tumor_dataset" / "no")
    found = list_scans(tmp_path)
    assert [scan.path for scan in found.scans] == ["no/2.png", "no/3.png", "yes/1.png"]
    assert len(found.notices) == 1
    assert "brain_tumor_dataset repeats the classes beside it; its 3 files" in found.notices[0]


def test_a_folder_with_something_of_its_own_is_a_class(tmp_path: Path) -> None:
    _touch(tmp_path, "yes/1.png", "no/2.png", "other/yes/1.png", "other/new.png")
    assert {"no", "other", "yes"} == {scan.label for scan in list_scans(tmp_path).scans}


def test_a_table_says_label_patient_mask_and_subset(tmp_path: Path) -> None:
    (tmp_path / "scans.csv").write_text("path,label,patient,mask\nb.png,yes,P1,m/b.png\na.png,no,,\n")
    assert [
        Scan("a.png", "no", None, None, None),
        Scan("b.png", "yes", "P1", "m/b.png", None),
    ] == list_scans(tmp_path).scans


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("label\nyes\n", "expected a column path"),
        ("path,labels\na.png,yes\n", "unexpected column labels"),
        ("path\n../a.png\n", "line 2: expected a path below"),
        ("path\n/etc/a.png\n", "line 2: expected a path below"),
        ("path,mask\na.png,../m.png\n", "line 2: expected a path below"),
        ("path\na.png\na.png\n", "line 3: a.png stands there twice"),
        ("path\na.png\n./a.png\n", "line 3: a.png stands there twice"),
        ("path\nlink/a.png\n", "line 2: expected a path below"),
        ('path\n"a\nb.png"\n', "line 2: expected file names without control characters"),
    ],
)
def test_a_wrong_table_is_refused_with_its_line(tmp_path: Path, table: str, said: str) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "link").symlink_to(tmp_path)
    (tmp_path / "raw" / "scans.csv").write_text(table)
    with pytest.raises(BadInput, match=said):
        list_scans(tmp_path / "raw")


def test_a_folder_in_the_table_stands_for_its_files(tmp_path: Path) -> None:
    _touch(tmp_path, "s/2.dcm", "s/1.dcm", "t/1.dcm")
    (tmp_path / "scans.csv").write_text("path,label\ns,yes\nt/1.dcm,no\n")
    scans = list_scans(tmp_path).scans
    assert [("s/1.dcm", "yes"), ("s/2.dcm", "yes"), ("t/1.dcm", "no")] == [
        (scan.path, scan.label) for scan in scans
    ]


def test_a_loop_of_links_is_listed_once_as_no_file(tmp_path: Path) -> None:
    _touch(tmp_path, "no/1.png", "yes/1.png")
    (tmp_path / "no" / "loop").symlink_to(tmp_path)
    (tmp_path / "no" / "self").symlink_to(tmp_path / "no" / "self")
    paths = [scan.path for scan in list_scans(tmp_path).scans]
    assert ["no/1.png", "no/loop", "no/self", "yes/1.png"] == paths


def test_links_from_each_folder_to_each_other_are_followed_once(tmp_path: Path) -> None:
    names = [f"d{number}" for number in range(12)]
    _touch(tmp_path, *(f"yes/{name}/1.png" for name in names))
    for name in names:
        for other in names:
            (tmp_path / "yes" / name / f"to_{other}").symlink_to(tmp_path / "yes" / other)
    paths = [scan.path for scan in list_scans(tmp_path).scans]
    assert 12 == sum(path.endswith("/1.png") for path in paths)
    assert len(paths) <= 12 + 12 * 13


def test_a_missing_folder_and_an_empty_one_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not a folder here"):
        list_scans(tmp_path / "gone")
    with pytest.raises(BadInput, match="came no scan"):
        list_scans(tmp_path)
