"""Every benchmark starts, and says what it measures."""

import ast
import subprocess
import sys

import pytest

from tests.house.closure import ROOT

_HELPERS = {"__init__", "__main__", "measurement", "settings", "training_sides"}
NAMES = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if path.stem not in _HELPERS)


@pytest.mark.long
@pytest.mark.parametrize("module", ["benchmarks", *(f"benchmarks.{name}" for name in NAMES)])
def test_it_starts_and_says_what_it_measures(module: str) -> None:
    command = [sys.executable, "-m", module, "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    path = ROOT.joinpath(*module.split("."))
    source = path / "__main__.py" if path.is_dir() else path.with_suffix(".py")
    first = ast.get_docstring(ast.parse(source.read_text())).splitlines()[0]
    # argparse may wrap it.
    assert first in " ".join(done.stdout.split())
