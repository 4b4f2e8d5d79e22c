"""What each part of the phantoms and of what is learnt from them contributes: docs/pretraining.md.

    python -m benchmarks.ablations RAW --name lgg [--positive tumor] [--channel 1] [--arch resnet18]
        [--pictures 40000] [--seeds 1] [--only all no_maps]

Each network is pretrained as pretrain/dvc.yaml does it, but for the part that its name says it lacks, with
few pictures, and asked about RAW, a folder as `raw` of params.yaml takes it, and about unseen phantoms, which
lack nothing. Temperature and threshold are chosen on other unseen phantoms. All are paired with the one that
lacks nothing. Others see a quarter, half or twice as many pictures. The same command goes on where it was
stopped. On a CPU batches are small (--batch), and as many networks are trained at once as there are cores.
"""

import argparse
import contextlib
import hashlib
import io
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.measurement import describe_machine, end_in_a_line, write_results
from benchmarks.pretraining import ROOT
from benchmarks.settings import SETTINGS
from benchmarks.transfer import Grouped, Params, Sets, compare, list_rows
from benchmarks.zero_shot import prepare
from brainmri.compute import available_cores, map_unordered
from brainmri.dataset.groups import GroupRow
from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.dataset.prepare import PrepareParams
from brainmri.dataset.prepared import PreparedSet, read_prepared
from brainmri.dataset.units import ScoredRow
from brainmri.errors import BadInput
from brainmri.learning.batches import Normalization
from brainmri.learning.catalogue import Architecture
from brainmri.learning.checkpoint import CheckpointStore, open_store
from brainmri.learning.prediction import ask_network
from brainmri.learning.pretraining.course import pretrain
from brainmri.learning.pretraining.drawing import draw_phantoms
from brainmri.learning.pretraining.identity import identify_pretraining
from brainmri.learning.pretraining.settings import PretrainParams, PretrainSection, name_architecture
from brainmri.learning.pretraining.unseen import write_unseen
from brainmri.params import PARAMS_PATH, load_yaml, read_params
from brainmri.tables import DIGITS

PACKAGES = ("torch", "torchvision", "fastai", "numpy")
FIRST = "all"
# What each network's settings have in place of those of params.yaml's `pretrain`.
VARIANTS: dict[str, dict[str, Any]] = {
    FIRST: {},
    "no_maps": {"map_weight": 0.0},
    "no_lookalikes": {"generator": {"lookalikes": 0.0}},
    "axial_alone": {"generator": {"coronal": 0.0, "sagittal": 0.0}},
    "no_marks": {"generator": {"marks": 0.0}},
    "no_degradation": {"generator": {"degradation": 0.0}},
    "one_size": {"sizes": [{"size": 160, "share": 1.0}], "second_size": "none"},
}
# Of the pictures of the others.
BUDGETS = {"quarter": 0.25, "half": 0.5, "double": 2.0}
# A small set: each network is asked about all of it, at two sizes.
UNSEEN = {"familiar": 2, "valid": 1000, "test": 3000}
# What is watched is not used.
WATCH, STATISTICS = {"pictures": 2, "times": 1}, 2000


@dataclass(frozen=True)
class Asked:
    """The set of real scans and the unseen phantoms, with the phantoms that are watched in both."""

    real: Sets
    phantoms: Sets


@dataclass(frozen=True)
class Job:
    """One pretraining, and what the network is asked about."""

    name: str
    arch: Architecture
    params: PretrainParams
    asked: Asked

    @property
    def key(self) -> str:
        """Of all that decides the answers."""
        facts = [identify_pretraining(self.arch, self.params), *map(str, list_looks(self.params))]
        digest = hashlib.sha256(" ".join(facts).encode())
        for images in (self.asked.phantoms.train.images, self.asked.real.test.prepared.images):
            digest.update(np.ascontiguousarray(images).data)
        return digest.hexdigest()


def read_section(given: argparse.Namespace, changes: Mapping[str, Any], seed: int) -> PretrainSection:
    """The section `pretrain` for a small budget, with a variant's changes."""
    section = load_yaml((ROOT / PARAMS_PATH).read_text(encoding="utf-8"))["pretrain"]
    small = {"batch_size": given.batch, "threads": 1, "seed": seed, "statistics": STATISTICS}
    for name, value in (small | {"unseen": UNSEEN, "watch": WATCH} | dict(changes)).items():
        section[name] = section[name] | value if isinstance(value, Mapping) else value
    section["budget"] = {given.arch: given.pictures}
    return PretrainSection.model_validate(section)


def list_looks(params: PretrainParams) -> list[int]:
    """The sides in pixels at which a network looks at a picture, as the shipped ones do."""
    return [params.rule.size] + ([] if params.second_size == "none" else [params.second_size])


def read_real(raw: Path, params: PretrainSection, choices: Mapping[str, Any], folder: Path) -> Grouped:
    """The scans as the detector's rule prepares them."""
    own = SETTINGS.prepare.model_dump(mode="json") | params.rule.model_dump(mode="json") | dict(choices)
    return Grouped(*prepare(raw, PrepareParams.model_validate(own), folder))


def draw_unseen(params: PretrainSection, folder: Path) -> tuple[PreparedSet, list[ManifestRow], Grouped]:
    """Phantoms that lack nothing: all, their manifest (of which the watched ones count), those to test."""
    manifest = write_unseen(folder, params, draw_phantoms(params)).manifest
    drawn = read_prepared(folder)
    tested = [place for place, row in enumerate(manifest) if row.subset is Subset.TEST]
    images = np.array(drawn.images[tested])
    chosen = replace(drawn, images=images, slices=[drawn.slices[place] for place in tested])
    groups = [GroupRow(slice_id=row.slice_id, group=row.slice_id) for row in chosen.slices]
    return drawn, manifest, Grouped(chosen, groups)


def train(job: Job) -> tuple[str, dict[str, list[ScoredRow]]]:
    """The variant's name, and what its network says of the real scans and of the phantoms."""
    with open_store(job.key, Path("benchmarks") / f"{job.name}, seed {job.params.seed}") as store:
        said = store.read_outcome()
        if said is None:
            with contextlib.redirect_stdout(io.StringIO()):
                said = _ask(job, store)
            store.write_outcome(said)
    answers = {name: np.array(values) for name, values in said.items()}
    watched = answers["watched"]
    sets = {"real": job.asked.real, "phantoms": job.asked.phantoms}
    return job.name, {
        name: list_rows(own, [watched, answers[name]], job.params.seed) for name, own in sets.items()
    }


def _ask(job: Job, store: CheckpointStore) -> dict[str, list[float]]:
    network = pretrain(job.arch, job.params, draw_phantoms(job.params), store).classifier
    phantoms, real = job.asked.phantoms, job.asked.real
    images = {
        "watched": phantoms.train.images[phantoms.watched],
        "phantoms": phantoms.test.prepared.images,
        "real": real.test.prepared.images,
    }
    looks = list_looks(job.params)
    with torch.inference_mode():
        said = {name: ask_network(network, own, Normalization((), ()), looks) for name, own in images.items()}
    return {name: [round(float(value), DIGITS) for value in values] for name, values in said.items()}


def list_jobs(given: argparse.Namespace, asked: Asked) -> list[Job]:
    """The longest first."""
    names = [name for name in (*BUDGETS, *VARIANTS) if not given.only or name in {FIRST, *given.only}]
    jobs = []
    for name in names:
        for seed in given.seeds:
            arch = name_architecture(given.arch)
            params = read_section(given, VARIANTS.get(name, {}), seed).of(arch)
            budget = round(given.pictures * BUDGETS.get(name, 1))
            jobs.append(Job(name, arch, params.model_copy(update={"budget": budget}), asked))
    return sorted(jobs, key=lambda job: -job.params.budget)


def check_names(only: Sequence[str]) -> None:
    """Raises `BadInput` for variants that there are none of."""
    known = [*VARIANTS, *BUDGETS]
    unknown = [name for name in only if name not in known]
    if unknown:
        raise BadInput(f"--only: expected some of {', '.join(known)}, came {unknown[0]}; name one of those")


def compare_all(asked: Asked, jobs: Sequence[Job]) -> dict[str, Any]:
    """Trains them, then figures of all by what was asked about, against the one that lacks nothing."""
    at_once = 1 if torch.cuda.is_available() else available_cores()
    rows: dict[str, dict[str, list[ScoredRow]]] = {"real": {}, "phantoms": {}}
    for name, answers in map_unordered(train, jobs, at_once):
        for where, own in answers.items():
            rows[where].setdefault(name, []).extend(own)
        print(f"{name}: done")
    params, sets = read_params(Params, ROOT / PARAMS_PATH), {"real": asked.real, "phantoms": asked.phantoms}
    names = [name for name in (*VARIANTS, *BUDGETS) if name in rows["real"]]
    return {
        where: compare({name: own[name] for name in names}, sets[where], params)
        for where, own in rows.items()
    }


def show(area: Mapping[str, float]) -> str:
    """With its interval."""
    return f"{area['value']:.3f} ({area['low']:.3f} to {area['high']:.3f})"


def main() -> None:
    """A line a variant."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("raw", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--positive", default="tumor")
    parser.add_argument("--channel", default="gray")
    parser.add_argument("--arch", default="resnet18")
    parser.add_argument("--pictures", type=int, default=40000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--only", nargs="*", default=[])
    given = parser.parse_args()
    check_names(given.only)
    section = read_section(given, {}, given.seeds[0])
    channel = int(given.channel) if given.channel.isdigit() else given.channel
    choices = {"positive": given.positive, "channel": channel}
    with tempfile.TemporaryDirectory() as folder:
        real = read_real(given.raw, section, choices, Path(folder) / "real")
        drawn, manifest, tested = draw_unseen(section, Path(folder) / "unseen")
        asked = Asked(Sets(drawn, manifest, real), Sets(drawn, manifest, tested))
        found = compare_all(asked, list_jobs(given, asked))
        counts = {"real_slices": len(real.prepared.slices), "phantoms": len(tested.groups)}
    for name, figures in found["real"].items():
        phantoms = show(found["phantoms"][name]["auroc_within_folds"])
        print(f"{name}: AUROC {show(figures['auroc_within_folds'])}, of unseen phantoms {phantoms}")
    content = found | {"arch": given.arch, "pictures": given.pictures, "batch": given.batch, **counts}
    content |= {"seeds": given.seeds, "machine": describe_machine(PACKAGES)}
    write_results(f"ablations_{given.name}_{given.arch}", content)


if __name__ == "__main__":
    end_in_a_line(main)
