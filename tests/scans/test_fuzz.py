"""Broken files of every format give slices or a reason: no worker dies or hangs.

A file of `corpus/` once failed; `mutate(seed)` makes the others again.
"""

import tempfile
from pathlib import Path

import numpy as np
import pytest

from brainmri.isolation import Failure, map_isolated
from brainmri.scans.dicom_header import read_identity
from brainmri.scans.files import FileKind, detect_kind
from brainmri.scans.folder import Scan
from brainmri.scans.reading import open_scan
from tests.rules import RULE
from tests.scans.mutations import mutate, originals
from tests.scans.samples import LIMITS, read_one

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*"))
# Running into the limit of memory is a rejection: some headers declare lengths that no file has.
_NO_REJECTION = ("crashed", "not read after")


def _read_mutated(seed: int) -> int:
    """The number of slices that the pipeline would get of it."""
    name, content = mutate(seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        if detect_kind(path) is FileKind.DICOM:
            read_identity(path, RULE.max_volume_megabytes)
        numbered = path.name.startswith(("volume", "frames"))
        scan = Scan(name, None, None, None, None, numbered=numbered)
        slices = list(open_scan(path.parent, scan, RULE).slices())
    for item in slices:
        if not (item.raw.pixels.dtype == np.float32 and item.raw.pixels.ndim == 2):
            raise AssertionError(f"seed {seed}: {item.raw.pixels.dtype} {item.raw.pixels.shape}")
    return len(slices)


def _judge(seeds: range) -> tuple[int, dict[int, str]]:
    """How many were read, and what became of those that neither were nor were rejected in time."""
    outcomes = list(map_isolated(_read_mutated, seeds, LIMITS, "fuzz"))
    bad = {
        seed: outcome.reason
        for seed, outcome in zip(seeds, outcomes, strict=True)
        if isinstance(outcome, Failure) and any(said in outcome.reason for said in _NO_REJECTION)
    }
    return sum(not isinstance(outcome, Failure) for outcome in outcomes), bad


@pytest.mark.parametrize("name", sorted(originals()))
def test_the_files_that_mutations_start_from_are_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(originals()[name])
    numbered = name.startswith(("volume", "frames"))
    assert not isinstance(read_one(tmp_path / name, RULE, numbered=numbered), Failure)


def test_broken_files_are_read_or_rejected() -> None:
    read, bad = _judge(range(300))
    assert {} == bad
    assert 0 < read < 300


@pytest.mark.long
def test_ten_thousand_broken_files_are_read_or_rejected() -> None:
    _, bad = _judge(range(10_000))
    assert {} == bad


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_what_once_failed_is_read_or_rejected(path: Path) -> None:
    outcome = read_one(path, RULE, numbered=path.name.startswith(("volume", "frames")))
    assert not isinstance(outcome, Failure) or not any(said in outcome.reason for said in _NO_REJECTION)
