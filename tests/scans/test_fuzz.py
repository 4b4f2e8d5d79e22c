"""Broken files of every format give slices or a reason: no worker dies or hangs.

A file of `corpus/` once crashed its reader or ran into a limit, or (`trap`) was made to. `mutate(seed)` makes
the others again: those of corpus/seeds.txt come of files that libraries carry, and are not kept here.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from brainmri.confinement import Failure
from brainmri.isolation import map_isolated
from brainmri.scans.dicom_header import read_identity
from brainmri.scans.files import FileKind, detect_kind
from brainmri.scans.folder import Scan
from brainmri.scans.reading import open_scan
from tests.rules import RULE
from tests.scans.mutations import mutate, originals
from tests.scans.samples import LIMITS, read, read_one

FOLDER = Path(__file__).parent / "corpus"
SEEDS = [int(line) for line in (FOLDER / "seeds.txt").read_text().split()]
CORPUS = sorted(path for path in FOLDER.iterdir() if path.name != "seeds.txt")
# Files of 24 pixels a side must neither kill their reader nor run into its limits.
_NO_REJECTION = ("crashed", "not read after", "needs more than")
_NUMBERED = ("volume", "frames")


def _read_mutated(seed: int) -> list[tuple[str, int]]:
    """Type and number of axes of each slice that the pipeline would get."""
    name, content = mutate(seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        if detect_kind(path) is FileKind.DICOM:
            read_identity(path, RULE.max_volume_megabytes)
        scan = Scan(name, None, None, None, None, numbered=name.startswith(_NUMBERED))
        pixels = [item.raw.pixels for item in open_scan(path.parent, scan, RULE).slices()]
    return [(array.dtype.name, array.ndim) for array in pixels]


def _judge(seeds: Sequence[int]) -> tuple[int, dict[int, object]]:
    """How many were read, and what became of those that were neither read well nor rejected in time."""
    outcomes = list(map_isolated(_read_mutated, seeds, LIMITS, "fuzz"))
    bad = {seed: outcome for seed, outcome in zip(seeds, outcomes, strict=True) if not _is_right(outcome)}
    return sum(not isinstance(outcome, Failure) for outcome in outcomes), bad


def _is_right(outcome: object) -> bool:
    if isinstance(outcome, Failure):
        return outcome.reason.isprintable() and not any(said in outcome.reason for said in _NO_REJECTION)
    return isinstance(outcome, list) and len(outcome) > 0 and set(outcome) == {("float32", 2)}


@pytest.mark.parametrize(
    ("outcome", "right"),
    [
        ([("float32", 2)], True),
        (Failure("can't be decoded (ValueError)"), True),
        ([("float64", 2)], False),
        ([("float32", 2), ("float32", 3)], False),
        ([], False),
        (Failure("needs more than 500 megabytes of memory (prepare.max_memory_megabytes)"), False),
        (Failure("its decoder crashed (exit code -11)"), False),
    ],
)
def test_the_judge_tells_what_is_right(outcome: object, right: bool) -> None:
    assert right == _is_right(outcome)


@pytest.mark.parametrize("name", sorted(originals()))
def test_the_files_that_mutations_start_from_are_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(originals()[name])
    numbered = name.startswith(_NUMBERED)
    assert not isinstance(read_one(tmp_path / name, RULE, numbered=numbered), Failure)


def test_broken_files_are_read_or_rejected() -> None:
    read, bad = _judge(range(300))
    assert {} == bad
    assert 0 < read < 300


@pytest.mark.long
def test_ten_thousand_broken_files_are_read_or_rejected() -> None:
    _, bad = _judge(range(10_000))
    assert {} == bad


def test_what_once_failed_is_read_or_rejected() -> None:
    scans = [
        Scan(path.name, None, None, None, None, numbered=path.name.startswith(_NUMBERED)) for path in CORPUS
    ]
    outcomes = zip(CORPUS, read(CORPUS[0].parent, scans), strict=True)
    assert {} == {
        path.name: outcome
        for path, outcome in outcomes
        if isinstance(outcome, Failure) and not _is_right(outcome)
    }


def test_what_once_failed_of_the_libraries_own_files_is_read_or_rejected() -> None:
    assert {} == _judge(SEEDS)[1]


def test_there_is_something_that_once_failed_or_might() -> None:
    assert len(CORPUS) >= 10
