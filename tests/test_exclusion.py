"""A lock is held by one process, names it, and ends with it."""

import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from brainmri.exclusion import hold_alone, hold_if_free
from tests.house.closure import ROOT

HOLD = """
import pathlib, sys
from brainmri.exclusion import hold_alone
with hold_alone(pathlib.Path(sys.argv[1]), "work"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def _start(path: Path) -> "subprocess.Popen[str]":
    """Holds the lock until it is told a line, or nothing more."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _read_line(process: "subprocess.Popen[str]") -> str:
    return next(iter(process.stdout or ())).strip()


def test_the_second_process_waits_for_the_first_and_names_it(tmp_path: Path) -> None:
    first = _start(tmp_path / "lock")
    assert "held" == _read_line(first)
    second = _start(tmp_path / "lock")
    assert (
        f"work: process {first.pid} on {platform.node()} is at it already; waiting for its end"
        == _read_line(second)
    )
    first.communicate("\n", 60)
    assert "held" == _read_line(second)
    second.communicate("\n", 60)
    assert (0, 0) == (first.returncode, second.returncode)
    assert ["lock"] == [path.name for path in tmp_path.iterdir()]


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    first = _start(tmp_path / "lock")
    assert "held" == _read_line(first)
    with hold_if_free(tmp_path / "lock") as held:
        assert not held
    first.send_signal(signal.SIGKILL)
    first.wait(10)
    with hold_if_free(tmp_path / "lock") as held:
        assert held
    with hold_alone(tmp_path / "lock", "work"):
        assert f"{os.getpid()} on {platform.node()}\n" == (tmp_path / "lock.pid").read_text()


def test_an_error_leaves_no_owner_behind(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="work"), hold_alone(tmp_path / "lock", "work"):
        raise ValueError("work")
    assert ["lock"] == [path.name for path in tmp_path.iterdir()]
