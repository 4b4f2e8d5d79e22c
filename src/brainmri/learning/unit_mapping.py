"""The units of an arm, trained side by side: as many as this machine takes at once, or on a cluster."""

import platform
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from brainmri.backend import find_chosen, gpus_per_unit
from brainmri.compute import Needs, Pool, available_cores, find_cluster, map_unordered
from brainmri.errors import BadInput, Unfit
from brainmri.learning.checkpoint import keep_outcome, read_kept
from brainmri.learning.crossval import UnitJob, UnitOutcome, train_unit


def train_units(jobs: Sequence[UnitJob], threads: int) -> Iterator[UnitOutcome]:
    """Outcomes as they come: as many units at once as the cores allow, each with `threads`; on a GPU one.

    A unit's bytes depend neither on its neighbours nor on the order. What a killed run had finished is not
    done again, and what it had begun goes on from its checkpoint, but on nodes that don't see this folder.
    """
    cluster, processes = find_cluster(), _count_processes()
    jobs = [replace(job, known=read_kept(job.name)) for job in jobs]
    if cluster is not None:
        return _train_on(cluster, jobs, threads, processes)
    train = partial(train_unit, processes=processes)
    if processes > max(1, torch.cuda.device_count()):
        raise BadInput(
            f"compute.gpus_per_unit: expected {processes} GPUs on this machine, came "
            f"{torch.cuda.device_count()}; lower it, or set compute.backend to ray"
        )
    # A GPU is shared by no two: each would hold the whole set.
    at_once = 1 if torch.cuda.is_available() else max(1, available_cores() // threads)
    return map_unordered(train, jobs, at_once)


def _train_on(cluster: Pool, jobs: Sequence[UnitJob], threads: int, processes: int) -> Iterator[UnitOutcome]:
    """On nodes; where they don't see this folder, it keeps what they finish, and tells them of it."""
    chosen = find_chosen()
    alone = chosen is not None and not chosen.shared_folder
    train = partial(_train_there, gpus_per_unit(), processes=processes, keep=alone)
    for place, outcome in cluster.map(train, jobs, _list_needs(jobs, threads * processes)):
        yield _keep(outcome, jobs[place]) if outcome.kept else outcome


def _train_there(gpus: float, job: UnitJob, *, processes: int, keep: bool) -> UnitOutcome:
    """On a node. Raises `Unfit` where Ray was told of GPUs that aren't there: processors would take days."""
    # Of an old driver PyTorch counts GPUs that it can't use.
    seen = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if gpus and seen < processes:
        raise Unfit(
            f"node {platform.node()}: expected GPUs that PyTorch can use, {processes} for a unit "
            f"(compute.gpus_per_unit), came {seen}; mend its driver, or start the node with --num-gpus={seen}"
        )
    return train_unit(job, processes, keep=keep)


def _keep(outcome: UnitOutcome, job: UnitJob) -> UnitOutcome:
    """The outcome, kept by the job's name in this folder, which is its key from here on."""
    try:
        if outcome.kept != job.known:
            keep_outcome(job.name, outcome.kept)
    except OSError as error:
        print(f"{job.title}: can't be kept ({error.strerror}); a later run trains it anew")
    return replace(outcome, key=job.name, kept={})


def count_at_once(threads: int) -> int:
    """How many units of different settings a cluster trains at once; on this machine one has all of it."""
    cluster = find_cluster()
    cores = threads * _count_processes()
    return 1 if cluster is None else cluster.count(Needs(cores=cores, gpus=gpus_per_unit()))


def _count_processes() -> int:
    """Of a unit: one for each of several GPUs."""
    return max(1, int(gpus_per_unit()))


def _name_job(job: UnitJob) -> str:
    return job.title


def _list_needs(jobs: Sequence[UnitJob], cores: int) -> Needs:
    """The prepared set, the manifest, start weights that are a file, and what each unit computes on."""
    named = {Path(job.arm.weights) for job in jobs}
    paths = {path for job in jobs for path in (job.prepared, job.manifest)} | set(filter(Path.is_file, named))
    gpus = gpus_per_unit()
    return Needs(tuple(sorted(paths)), cores=cores, gpus=gpus, fresh=gpus > 0, name=_name_job)
