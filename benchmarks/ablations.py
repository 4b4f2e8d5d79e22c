"""What each part of the phantoms and of what is learnt from them contributes: docs/pretraining.md.

    python -m benchmarks.ablations RAW --name lgg [--positive tumor] [--channel 1] [--arch resnet18]
        [--pictures 40000] [--batch 64] [--size 96] [--seeds 1] [--only no_maps]

Each network is pretrained as pretrain/dvc.yaml does it, but for the part that its name says it lacks, with
few pictures in small batches, and asked about RAW, a folder as `raw` of params.yaml takes it, and about
unseen phantoms, which lack nothing. Temperature and threshold are chosen on other unseen phantoms. All are
paired with the one that lacks nothing. Others see a quarter, half or twice as many pictures. One is trained
at one size alone and so looks once: `one_look` is the one that lacks nothing, looking once. With --size all
are trained and asked at that size alone, which lets a budget go further, and these two are left out. The same
command goes on where it was stopped; as many networks are trained at once as there are cores, on a GPU one.
With --only some are trained and shown, and no results written.
"""

import argparse
import contextlib
import io
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.measurement import describe_commit, describe_machine, end_in_a_line, write_results
from benchmarks.pretraining import PACKAGES, ROOT
from benchmarks.settings import SETTINGS, parse_set
from benchmarks.transfer import Grouped, Params, Sets, compare, list_rows
from benchmarks.zero_shot import prepare, show_area
from brainmri.compute import available_cores, map_unordered
from brainmri.dataset.groups import GroupRow
from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.dataset.prepare import PrepareParams
from brainmri.dataset.prepared import PreparedSet, read_prepared
from brainmri.dataset.units import ScoredRow
from brainmri.errors import BadInput
from brainmri.learning.batches import Normalization
from brainmri.learning.cards import Look
from brainmri.learning.catalogue import Architecture
from brainmri.learning.checkpoint import CheckpointStore, open_store
from brainmri.learning.prediction import ask_network
from brainmri.learning.pretraining.course import pretrain
from brainmri.learning.pretraining.drawing import draw_phantoms
from brainmri.learning.pretraining.identity import identify_pretraining
from brainmri.learning.pretraining.settings import PretrainParams, PretrainSection, name_architecture
from brainmri.learning.pretraining.unseen import write_unseen
from brainmri.params import PARAMS_PATH, check_section, load_yaml, read_params

FIRST, ONE_LOOK, ONE_SIZE = "all", "one_look", "one_size"


def _at(size: int) -> dict[str, Any]:
    """Settings to learn from pictures of one size alone, and to look once."""
    return {"sizes": [{"size": size, "share": 1.0}], "second_size": "none"}


# What each network's settings have in place of those of params.yaml's `pretrain`.
VARIANTS: dict[str, dict[str, Any]] = {
    FIRST: {},
    "no_maps": {"map_weight": 0.0},
    "no_lookalikes": {"generator": {"lookalikes": 0.0}},
    "axial_alone": {"generator": {"coronal": 0.0, "sagittal": 0.0}},
    "no_marks": {"generator": {"marks": 0.0}},
    "no_degradation": {"generator": {"degradation": 0.0}},
    ONE_SIZE: _at(160),
    "quarter": {},
    "half": {},
    "double": {},
}
# Of the pictures of the others.
BUDGETS = {"quarter": 0.25, "half": 0.5, "double": 2.0}
# Phantoms that no network learns from; none are needed to tell what is familiar.
UNSEEN = {"familiar": 2, "valid": 500, "test": 2000}
# Pretraining's own watching is of no use here; the statistics of batch normalization are of fewer pictures.
SMALLER = {"watch": {"pictures": 2, "times": 1}, "statistics": 2000}


@dataclass(frozen=True)
class Asked:
    """The set of real scans and the unseen phantoms; temperature and threshold are of others in both."""

    real: Sets
    phantoms: Sets


@dataclass(frozen=True)
class Job:
    """One pretraining, and how its network is asked, by the name of what is said."""

    name: str
    arch: Architecture
    params: PretrainParams
    looks: Mapping[str, Sequence[Look]]


Logits = NDArray[np.float64]  # (images,)
Answers = dict[str, dict[str, list[ScoredRow]]]
"""By the name of what is said, what is said of the `real` scans and of the `phantoms`."""


def read_section(given: argparse.Namespace, name: str, seed: int) -> PretrainSection:
    """The section `pretrain` for a small budget, with a variant's changes."""
    section = load_yaml((ROOT / PARAMS_PATH).read_text(encoding="utf-8"))["pretrain"]
    changes = {"batch_size": given.batch, "threads": 1, "seed": seed, "unseen": UNSEEN}
    if given.size is not None:
        changes |= _at(given.size) | {"rule": {"size": given.size}}
    for key, value in (changes | SMALLER | VARIANTS[name]).items():
        section[key] = section[key] | value if isinstance(value, Mapping) else value
    section["budget"] = {given.arch: round(given.pictures * BUDGETS.get(name, 1))}
    return check_section(PretrainSection, section, "pretrain")


def list_jobs(given: argparse.Namespace) -> list[Job]:
    """The longest first. Raises `BadInput` for settings that nothing can be trained with."""
    arch = name_architecture(given.arch)
    unknown = [name for name in given.only if name not in VARIANTS]
    if unknown:
        raise BadInput(
            f"--only: expected some of {', '.join(VARIANTS)}, came {unknown[0]}; name one of those"
        )
    jobs = []
    known = [name for name in VARIANTS if given.size is None or name != ONE_SIZE]
    for name in [name for name in known if not given.only or name in {FIRST, *given.only}]:
        for seed in given.seeds:
            params = read_section(given, name, seed).of(arch)
            looks = {name: (once := [Look(params.rule.size)])}
            if params.second_size != "none":
                looks[name] = [*once, Look(params.second_size)]
                looks |= {ONE_LOOK: once} if name == FIRST else {}
            jobs.append(Job(name, arch, params, looks))
    return sorted(jobs, key=lambda job: -job.params.budget)


def read_real(raw: Path, params: PretrainSection, choices: Mapping[str, Any], folder: Path) -> Grouped:
    """The scans as the detector's rule prepares them."""
    own = SETTINGS.prepare.model_dump(mode="json") | params.rule.model_dump(mode="json") | dict(choices)
    return Grouped(*prepare(raw, PrepareParams.model_validate(own), folder))


def draw_unseen(params: PretrainSection, folder: Path) -> tuple[PreparedSet, list[ManifestRow], Grouped]:
    """Phantoms that lack nothing: all, their manifest, and those to test."""
    manifest = write_unseen(folder, params, draw_phantoms(params)).manifest
    drawn = read_prepared(folder)
    tested = [place for place, row in enumerate(manifest) if row.subset is Subset.TEST]
    images = np.array(drawn.images[tested])
    chosen = replace(drawn, images=images, slices=[drawn.slices[place] for place in tested])
    groups = [GroupRow(slice_id=row.slice_id, group=row.slice_id) for row in chosen.slices]
    return drawn, manifest, Grouped(chosen, groups)


def train(asked: Asked, job: Job) -> Answers:
    """What the job's network says."""
    place = Path("benchmarks") / f"{job.arch} {job.name}, seed {job.params.seed}"
    with (
        open_store(identify_pretraining(job.arch, job.params), place) as store,
        contextlib.redirect_stdout(io.StringIO()),
    ):
        return _ask(job, asked, store)


def _ask(job: Job, asked: Asked, store: CheckpointStore) -> Answers:
    network = pretrain(job.arch, job.params, draw_phantoms(job.params), store).classifier
    images = {where: np.array(sets.test.prepared.images) for where, sets in vars(asked).items()}
    images["watched"] = asked.phantoms.train.images[asked.phantoms.watched]
    # One look at a time: what is said of several is the mean.
    said = {
        look: {
            where: ask_network(network, own, Normalization((), ()), [look]) for where, own in images.items()
        }
        for look in {look for looks in job.looks.values() for look in looks}
    }
    return {
        name: {
            where: _list_rows(sets, where, [said[look] for look in looks], job)
            for where, sets in vars(asked).items()
        }
        for name, looks in job.looks.items()
    }


def _list_rows(sets: Sets, where: str, said: Sequence[Mapping[str, Logits]], job: Job) -> list[ScoredRow]:
    means = [np.mean([own[name] for own in said], axis=0) for name in ("watched", where)]
    return list_rows(sets, means, job.params.seed)


def compare_all(asked: Asked, jobs: Sequence[Job]) -> dict[str, Any]:
    """Trains them, then figures of all by what was asked about, against the one that lacks nothing."""
    at_once = 1 if torch.cuda.is_available() else available_cores()
    rows: dict[str, dict[str, list[ScoredRow]]] = {where: {} for where in vars(asked)}
    for answers in map_unordered(partial(train, asked), jobs, at_once):
        for name, by_place in answers.items():
            for where, own in by_place.items():
                rows[where].setdefault(name, []).extend(own)
        print(f"{', '.join(answers)}: done")
    params = read_params(Params, ROOT / PARAMS_PATH)
    names = [name for name in (FIRST, ONE_LOOK, *VARIANTS) if name in rows["real"]]
    return {
        where: compare({name: own[name] for name in names}, getattr(asked, where), params)
        for where, own in rows.items()
    }


def main() -> None:
    """A line a variant."""
    parser = parse_set(__doc__, "resnet18")
    parser.add_argument("--pictures", type=int, default=40000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--size", type=int)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--only", nargs="*", default=[])
    given = parser.parse_args()
    jobs, section = list_jobs(given), read_section(given, FIRST, given.seeds[0])
    choices = {"positive": given.positive, "channel": given.channel}
    with tempfile.TemporaryDirectory() as folder:
        real = read_real(given.raw, section, choices, Path(folder) / "real")
        drawn, manifest, tested = draw_unseen(section, Path(folder) / "unseen")
        asked = Asked(Sets(drawn, manifest, real), Sets(drawn, manifest, tested))
        found = compare_all(asked, jobs)
        counts = {where: len(sets.test.groups) for where, sets in vars(asked).items()}
    for name, figures in found["real"].items():
        phantoms = show_area(found["phantoms"][name]["auroc_within_folds"])
        print(f"{name}: AUROC {show_area(figures['auroc_within_folds'])}, of unseen phantoms {phantoms}")
    content = found | {"arch": given.arch, "pictures": given.pictures, "batch": given.batch, "slices": counts}
    content |= {
        "seeds": given.seeds,
        "size": given.size,
        "commit": describe_commit(),
        "machine": describe_machine(PACKAGES),
    }
    if not given.only:
        write_results(f"ablations_{given.name}_{given.arch}", content)


if __name__ == "__main__":
    end_in_a_line(main)
