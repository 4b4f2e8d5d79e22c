"""What weights that have seen synthetic MRI alone are worth on a set of real scans: docs/pretraining.md.

    python -m benchmarks.pretraining RAW WORKSPACE --name kaggle253 [--positive yes] [--channel 1]
        [--shares 1 0.5 0.25 0.1] [--masks | --flips] [--seeds 0 1 2] [--epochs 15] [--size 128]

In WORKSPACE, a clone of this checkout's last commit, which is made where there is none, the comparison's own
pipeline runs on RAW, a folder as `raw` of params.yaml takes it: five grouped folds, and for each seed and
fold what the shipped detector says untrained, and for each of --shares of the training groups (1, all of
them, where none is given) one network from random weights and one from the shipped ones. The same command
goes on where it was stopped. Each share's arms are paired with each other, and all with the one from random
weights of the first share, and with the untrained detector. No classifier begins with smaller images
(`train.progressive`), as those that go on from the shipped detector never do: all of a share see as much in
an epoch, and starting from weights brings one epoch of the head alone. With --flips what is trained is asked
about mirror images too. With --masks these are U-Nets, trained for `segmentation.epochs` of params.yaml, and
nothing untrained is asked.
What is watched (early stopping, temperature, threshold) is the whole next fold, whatever the share, and for
the shipped detector too; that brings images to its own size. Runs that differ in anything but RAW need names
of their own: the results of an earlier one are replaced.
"""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from benchmarks.measurement import describe_commit, describe_machine, end_in_a_line, write_results
from benchmarks.settings import parse_set
from brainmri.dataset.baselines import ShortcutRow
from brainmri.dataset.prepared import read_prepared
from brainmri.dataset.protocols import Protocol
from brainmri.dataset.units import ScoredRow, SegmentedRow
from brainmri.errors import BadInput
from brainmri.learning.shipped import find_shipped
from brainmri.params import Section, load_yaml, read_params
from brainmri.scoring.calibration import CalibrateParams
from brainmri.scoring.comparison import ArmScores, ComparisonParams, compare_arms
from brainmri.scoring.evaluation import EvaluateParams
from brainmri.tables import read_mapping, read_rows

PACKAGES = ("torch", "torchvision", "fastai", "numpy")
# Of an arm, what a reader asks for.
FIGURES = (
    "auroc_within_folds",
    "auroc_within_folds_by_seed",
    "auroc",
    "accuracy",
    "sensitivity",
    "specificity",
    "against_first",
    "masks",
)
ROOT = Path(__file__).parents[1]
_DETECTOR = "zero_shot"


class Params(Section):
    """The keys of params.yaml that figures need."""

    calibrate: CalibrateParams
    evaluate: EvaluateParams


def name_arms(
    arch: str, shares: Sequence[float], *, masks: bool = False, flips: bool = False
) -> dict[str, dict[str, Any]]:
    """The arms by name; the first is what others are compared with. Raises `BadInput` for masks and flips."""
    if masks and flips:
        raise BadInput("--flips: expected classifiers, came --masks; leave it out, segmentation.flips is on")
    whole = {"progressive": {"share": 0.0}}
    own: dict[str, Any] = {"task": "segmentation"} if masks else {"train": whole | {"flips": flips}}
    trained = {"scratch": {"arch": arch} | own, "phantom": {"arch": arch, "weights": "phantom"} | own}
    arms: dict[str, dict[str, Any]] = {}
    for place, share in enumerate(shares):
        part = {} if share == 1 else {"share": share}
        arms |= {_name(name, share): arm | part for name, arm in trained.items()}
        if place == 0 and not masks:
            arms[_DETECTOR] = {"arch": arch, "task": "zero_shot"}
    return arms


def check_shares(shares: Sequence[float]) -> None:
    """Raises `BadInput` for shares that arms can't be named by."""
    if len({_name("", share) for share in shares}) < len(shares):
        raise BadInput(f"--shares: expected shares that differ by 1 % or more, came {list(shares)}")


def prepare_workspace(folder: Path, changes: Mapping[str, Any]) -> None:
    """Makes the clone if there is none; its params.yaml is its commit's, with changes."""
    if not folder.exists():
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    params = load_yaml(_git(folder, "show", "HEAD:params.yaml"))
    for key, value in changes.items():
        params[key] = params[key] | value if isinstance(value, Mapping) else value
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")


def run_comparison(folder: Path) -> None:
    """All stages that the comparison needs; what an earlier run finished is not done again.

    The networks of all arms are trained together first: no core waits for the last ones of each arm.
    """
    commands = (
        ("dvc", "repro", "comparison/dvc.yaml:plan"),
        (sys.executable, "-m", "stages.train_arms"),
        ("dvc", "repro", "comparison/dvc.yaml"),
    )
    for command in commands:
        code = subprocess.run(command, cwd=folder, check=False).returncode
        if code:
            sys.exit(code)


def summarize(folder: Path, arms: Mapping[str, Any], shares: Sequence[float]) -> dict[str, Any]:
    """The figures of all arms against the first, and of each share's two against each other.

    Those that start from the shipped weights also against the untrained detector, where it was asked.
    """
    scored = {name: _read_arm(folder / "data" / "comparison", name) for name in arms}
    pairs = {f"{share:g}": [_name(name, share) for name in ("scratch", "phantom")] for share in shares}
    found: dict[str, Any] = {"all": _compare(folder, scored), "by_share": {}}
    for share, names in pairs.items():
        found["by_share"][share] = _compare(folder, {name: scored[name] for name in names})
    if _DETECTOR in scored:
        started = [_DETECTOR, *(name for name in arms if name.startswith("phantom"))]
        found["against_detector"] = _compare(folder, {name: scored[name] for name in started})
    return found


def pick_figures(report: Mapping[str, Any]) -> dict[str, Any]:
    """Of `compare_arms`, what a reader asks for, by arm."""
    return {
        name: {key: figures[key] for key in FIGURES if key in figures}
        for name, figures in report["arms"].items()
    }


def _git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def _tell_arms(folder: Path, *, masks: bool, flips: bool) -> dict[str, Any]:
    """How long the trained arms learn, and whether they are asked about mirror images."""
    params = load_yaml((folder / "params.yaml").read_text(encoding="utf-8"))
    own = params["segmentation"] if masks else {"epochs": params["epochs"], "flips": flips}
    return {"masks": masks, "epochs": own["epochs"], "flips": own["flips"]}


def _compare(folder: Path, arms: Mapping[str, ArmScores]) -> dict[str, Any]:
    params, data = read_params(Params, folder / "params.yaml"), read_prepared(folder / "data" / "prepared")
    shortcuts = read_rows(folder / "data" / "shortcuts.csv", ShortcutRow)
    choices = ComparisonParams(params.calibrate, params.evaluate)
    return pick_figures(compare_arms(arms, shortcuts, data.classes, choices))


def _read_arm(folder: Path, name: str) -> ArmScores:
    facts = read_mapping(folder / f"{name}.json")
    rows = read_rows(folder / f"{name}.csv", SegmentedRow if "task" in facts else ScoredRow)
    return ArmScores(rows, Protocol(facts["protocol"]), facts["network"])


def _name(name: str, share: float) -> str:
    return name if share == 1 else f"{name}_{round(100 * share)}"


def main() -> None:
    """Prints nothing of its own: the stages do."""
    parser = parse_set(__doc__, "resnet34")
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--shares", type=float, nargs="+", default=[1.0])
    parser.add_argument("--masks", action="store_true")
    parser.add_argument("--flips", action="store_true")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--size", type=int)
    given = parser.parse_args()
    check_shares(given.shares)
    arms = name_arms(given.arch, given.shares, masks=given.masks, flips=given.flips)
    prepare_workspace(
        given.workspace,
        {
            "raw": str(given.raw.resolve()),
            "prepare": {"positive": given.positive, "channel": given.channel}
            | ({} if given.size is None else {"size": given.size}),
            "comparison": {"arms": arms, "seeds": given.seeds},
            "epochs": given.epochs,
        },
    )
    run_comparison(given.workspace)
    content = summarize(given.workspace, arms, given.shares)
    data = read_prepared(given.workspace / "data" / "prepared")
    content["settings"] = {
        "arch": given.arch,
        "seeds": given.seeds,
        "shares": given.shares,
        **_tell_arms(given.workspace, masks=given.masks, flips=given.flips),
        "size": data.images.shape[-1],
        "slices": len(data.slices),
        "commit": describe_commit(given.workspace),
        "weights_sha256": find_shipped(given.arch, "--arch").sha256,
    }
    write_results(f"pretraining_{given.name}", content | {"machine": describe_machine(PACKAGES)})


if __name__ == "__main__":
    end_in_a_line(main)
