"""Every benchmark starts, and says what it measures; what one of them does with two sets."""

import ast
import subprocess
import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks import ablations, novelty, pretraining, stored, transfer
from brainmri.dataset.groups import GroupRow
from brainmri.dataset.manifest import Subset
from brainmri.dataset.prepared import Classes
from brainmri.errors import BadInput
from brainmri.learning.cards import Look
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


def test_no_u_net_is_untrained_and_each_share_is_compared_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = {"arch": "resnet18", "weights": "phantom"}
    named = pretraining.name_arms("resnet18", [1, 0.25])
    assert ["scratch", "phantom", "zero_shot", "scratch_25", "phantom_25"] == list(named)
    # Those from the shipped weights never begin with smaller images.
    train = {"progressive": {"share": 0.0}, "flips": False}
    assert {"arch": "resnet18", "train": train} == named["scratch"]
    assert named["phantom"] == body | {"train": train}
    assert named["phantom_25"] == body | {"train": train, "share": 0.25}
    alone = pretraining.name_arms("resnet18", [0.5, 0.1], flips=True)
    assert ["scratch_50", "phantom_50", "zero_shot", "scratch_10", "phantom_10"] == list(alone)
    assert alone["phantom_10"] == body | {"share": 0.1, "train": train | {"flips": True}}
    assert "train" not in alone["zero_shot"]
    with pytest.raises(BadInput, match="--flips: expected classifiers, came --masks"):
        pretraining.name_arms("resnet18", [1], masks=True, flips=True)
    masks = pretraining.name_arms("resnet18", [1, 0.25], masks=True)
    assert masks["phantom"] == body | {"task": "segmentation"}
    assert {"segmentation"} == {arm["task"] for arm in masks.values()}
    monkeypatch.setattr(pretraining, "_read_arm", lambda *_: None)
    monkeypatch.setattr(pretraining, "_compare", lambda _, scored: list(scored))
    pairs = {"1": ["scratch", "phantom"], "0.25": ["scratch_25", "phantom_25"]}
    assert pretraining.summarize(ROOT, masks, [1.0, 0.25]) == {"all": list(masks), "by_share": pairs}
    found = pretraining.summarize(ROOT, named, [1.0, 0.25])
    assert ["zero_shot", "phantom", "phantom_25"] == found["against_detector"]
    assert (list(named), pairs) == (found["all"], found["by_share"])


def _given(**changes: object) -> Namespace:
    return Namespace(
        **{"arch": "resnet18", "pictures": 1000, "batch": 50, "size": None, "seeds": [1, 2], "only": []}
        | changes
    )


def test_an_ablation_lacks_what_its_name_says_and_nothing_else() -> None:
    jobs = ablations.list_jobs(_given())
    assert [2000, 2000, 1000] == [job.params.budget for job in jobs[:3]]
    by_name = {job.name: job.params.model_dump() for job in jobs if job.params.seed == 1}
    whole = by_name.pop("all")
    expected = {
        "no_maps": {"map_weight": 0.0},
        "no_lookalikes": {"generator": whole["generator"] | {"lookalikes": 0.0}},
        "axial_alone": {"generator": whole["generator"] | {"coronal": 0.0, "sagittal": 0.0}},
        "no_marks": {"generator": whole["generator"] | {"marks": 0.0}},
        "no_degradation": {"generator": whole["generator"] | {"degradation": 0.0}},
        "one_size": {"sizes": [{"size": whole["rule"]["size"], "share": 1.0}], "second_size": "none"},
        "quarter": {"budget": 250},
        "half": {"budget": 500},
        "double": {"budget": 2000},
    }
    assert by_name == {name: whole | changes for name, changes in expected.items()}
    assert {"all", "half"} == {job.name for job in ablations.list_jobs(_given(only=["half"]))}
    small = ablations.list_jobs(_given(size=96))
    assert {"all", *expected} - {"one_size"} == {job.name for job in small}
    for job in small:
        assert {job.name: [Look(96)]} == job.looks
        assert [(96, 1.0)] == [(item.size, item.share) for item in job.params.sizes]
        assert job.params.rule.size == 96


@pytest.mark.parametrize(
    "wrong",
    [{"only": ["maps"]}, {"size": 100}, {"arch": "resnet19"}, {"batch": 1}, {"batch": 300}, {"seeds": [-1]}],
)
def test_what_no_ablation_can_be_trained_with_is_said_before_any_work(wrong: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        ablations.list_jobs(_given(**wrong))


def test_an_ablation_s_answers_are_those_about_each_slice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    own, other = make_set(16)[0], make_set(6)[0]
    real, drawn = (
        transfer.Grouped(data, [GroupRow(slice_id=row.slice_id, group=row.slice_id) for row in data.slices])
        for data in (other, own)
    )
    manifest = transfer.divide(drawn)
    asked = ablations.Asked(transfer.Sets(own, manifest, real), transfer.Sets(own, manifest, drawn))
    monkeypatch.setattr(ablations, "draw_phantoms", lambda _: None)
    monkeypatch.setattr(ablations, "pretrain", lambda *_: SimpleNamespace(classifier=None))
    # In place of a network: the side that it looks at, and an image's own brightness.
    monkeypatch.setattr(
        ablations,
        "ask_network",
        lambda _, images, __, looks: images.mean((1, 2)) * np.mean([look.size for look in looks]),
    )
    answers = ablations.train(asked, ablations.list_jobs(_given(seeds=[3], only=["all"]))[0])
    factors = {"all": (160 + 96) / 2, "one_look": 160}
    assert factors.keys() == answers.keys()
    for name, factor in factors.items():
        for where, data in {"real": other, "phantoms": own}.items():
            images = dict(zip((row.slice_id for row in data.slices), data.images, strict=True))
            tested = [row for row in answers[name][where] if row.subset is Subset.TEST]
            assert images.keys() == {row.slice_id for row in tested}
            for row in tested:
                assert row.logit == pytest.approx(images[row.slice_id].mean() * factor)
            watched = [row.slice_id for row in answers[name][where] if row.subset is Subset.VALID]
            assert watched == [row.slice_id for row in manifest if row.subset is Subset.VALID]


def test_kernels_are_stored_as_coarsely_as_is_said() -> None:
    kernel = torch.randn(8, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(kernel.half().float(), stored.round_floats(kernel, 11))
    assert torch.equal(kernel.bfloat16().float(), stored.round_floats(kernel, 8))
    whole = stored.round_wholes(kernel, 4)
    assert max(len(channel.unique()) for channel in whole) <= 15
    assert torch.allclose(kernel.abs().amax((1, 2, 3)), whole.abs().amax((1, 2, 3)))
    network = nn.Conv2d(1, 2, 3)
    made = dict(stored.store(network, "int8 by channel").named_parameters())
    assert not torch.equal(network.weight, made["weight"])
    assert network.bias is not None
    assert torch.equal(network.bias, made["bias"])
    assert torch.equal(
        network.weight, dict(stored.store(network, stored.STORED).named_parameters())["weight"]
    )


def test_a_folder_without_pictures_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"expected pictures, came none"):
        novelty.read_pictures(tmp_path)
