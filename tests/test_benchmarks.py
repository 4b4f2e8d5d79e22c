"""Every benchmark starts, and says what it measures; what one of them does with two sets."""

import ast
import subprocess
import sys
from argparse import Namespace
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import ablations, pretraining, transfer
from brainmri.dataset.groups import GroupRow
from brainmri.dataset.manifest import Subset
from brainmri.dataset.prepared import Classes
from brainmri.errors import BadInput
from tests.house.closure import ROOT
from tests.learning.samples import make_set

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


def test_one_set_is_learnt_from_and_all_of_another_is_tested_by_its_own_groups() -> None:
    first, second = make_set(16)[0], make_set(6)[0]
    names = {"tumor": "yes", "no tumor": "no"}
    slices = [row.model_copy(update={"label": names[row.label]}) for row in second.slices]
    second = replace(second, slices=slices, classes=Classes("yes", "no"))
    groups = [GroupRow(slice_id=row.slice_id, group=f"H{n // 2}") for n, row in enumerate(second.slices)]
    own = transfer.Grouped(
        first, [GroupRow(slice_id=row.slice_id, group=row.slice_id) for row in first.slices]
    )
    sets = transfer.Sets(first, transfer.divide(own), transfer.Grouped(second, groups))
    assert {Subset.TRAIN, Subset.VALID} == {row.subset for row in sets.manifest}
    watched = len(sets.watched)
    rows = transfer.list_rows(sets, [np.arange(watched), -np.arange(6.0)], 3)
    assert [Subset.VALID] * watched + [Subset.TEST] * 6 == [row.subset for row in rows]
    assert [row.group for row in groups] == [row.group for row in rows[watched:]]
    # By the names that the first set has for its classes.
    expected = ["tumor" if positive else "no tumor" for positive in second.is_positive()]
    assert expected == [row.label for row in rows[watched:]]
    assert [0, -1, -2, -3, -4, -5] == [row.logit for row in rows[watched:]]
    assert {3} == {row.seed for row in rows}


def test_u_nets_are_compared_with_each_other_alone() -> None:
    arms = pretraining.name_arms("resnet18", [0.25], masks=True)
    assert ["unet_scratch", "unet_phantom"] == [name for name, arm in arms.items() if "task" in arm][1:]
    assert arms["unet_phantom"] == {"arch": "resnet18", "weights": "phantom", "task": "segmentation"}
    assert arms["phantom_25"] == {"arch": "resnet18", "weights": "phantom", "share": 0.25}


def test_an_ablation_lacks_what_its_name_says_and_nothing_else() -> None:
    given = Namespace(arch="resnet18", pictures=1000, batch=50, seeds=[1, 2], only=[])
    jobs = ablations.list_jobs(given, None)
    assert len(jobs) == 2 * (len(ablations.VARIANTS) + len(ablations.BUDGETS))
    assert [2000, 2000, 1000] == [job.params.budget for job in jobs[:3]]
    by_name = {job.name: job.params.model_dump() for job in jobs if job.params.seed == 1}
    whole = by_name.pop("all")
    for name, params in by_name.items():
        changed = {key for key in whole if params[key] != whole[key]}
        assert changed == ({"budget"} if name in ablations.BUDGETS else set(ablations.VARIANTS[name]))
    with pytest.raises(BadInput, match="--only"):
        ablations.check_names(["maps"])
