"""Weights of our own: found by architecture, checked by hash, and what training takes from them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load
from torchvision.models import get_model

from brainmri.dataset.prepared import PREPARATION
from brainmri.errors import BadInput
from brainmri.learning import shipped
from brainmri.learning.backbones import build_network, name_weights, start_from
from brainmri.learning.batches import Normalization
from brainmri.learning.cards import ChannelStatistics
from brainmri.learning.catalogue import Architecture
from brainmri.learning.classification import select_classes
from brainmri.learning.fitting import Schedule, train_network
from brainmri.learning.model_folder import WEIGHTS, read_weights
from brainmri.learning.prediction import predict_logits, read_classifier
from brainmri.learning.recipe import Pooling, Recipe, plan_epoch
from brainmri.learning.report import write_trained
from brainmri.learning.segmentation import select_masks
from brainmri.learning.shipped import PHANTOM, SUMS, find_shipped, list_shipped
from brainmri.learning.training import Training, build_training
from brainmri.learning.unit_scores import score_classes
from brainmri.learning.weights import StartWeights, State, read_start_weights
from brainmri.scans.files import hash_file
from brainmri.tables import write_mapping
from tests.learning.samples import (
    make_mask_recipe,
    make_masked_set,
    make_recipe,
    make_segmentation,
    make_set,
)
from tests.learning.shipping import ship
from tests.rules import describe_preparation

RESNET18 = Architecture.RESNET18
BODY, HEAD = "layer4.1.conv2.weight", "head.8.weight"
SCALED = ChannelStatistics(mean={"0": 0.25}, std={"0": 0.5})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    weights = tmp_path_factory.mktemp("checkout") / "weights"
    ship(weights, RESNET18)
    return weights


@pytest.fixture
def weights(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(shipped, "FOLDER", folder)
    return folder


def _read() -> StartWeights:
    start = read_start_weights(PHANTOM, RESNET18)
    assert start is not None
    return start


def test_phantom_starts_the_body_in_float32_and_leaves_the_head(weights: Path) -> None:
    start, network = _read(), build_network(RESNET18, 0.5, Pooling.CONCAT)
    before = name_weights(network, RESNET18, network.state_dict())[HEAD].clone()
    assert (PHANTOM, hash_file(weights / RESNET18 / "classifier" / WEIGHTS)) == (start.name, start.sha256)
    start_from(network, RESNET18, start)
    named = name_weights(network, RESNET18, network.state_dict())
    stored = read_weights(weights / RESNET18 / "classifier" / WEIGHTS)
    assert torch.equal(stored[BODY], named[BODY])
    assert torch.equal(before, named[HEAD])
    assert not torch.equal(stored[HEAD], named[HEAD])
    assert {torch.float32, torch.int64} == {value.dtype for value in start.state.values()}


def _build(recipe: Recipe, *, new_head: bool = False) -> Training:
    data = select_classes(*make_set(16))
    return build_training(data, recipe, plan_epoch(len(data.train), recipe.train), new_head=new_head)


def _name(network: Any) -> State:
    return name_weights(network, RESNET18, network.state_dict())


def test_training_goes_on_with_head_and_statistics_of_the_detector(
    weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe, stored = make_recipe(weights=PHANTOM, progressive={"share": 1.0, "size": 32}), _read().state
    training = _build(recipe)
    assert training.continued
    assert not training.learner.progressive_resizing.params.share
    assert all(
        torch.equal(stored[name], value.cpu()) for name, value in _name(training.learner.model).items()
    )
    trained = train_network(select_classes(*make_set(16)), recipe, Schedule(1, 1e-3))
    learnt = name_weights(training.learner.model, RESNET18, trained.best)
    kept = [name for name in learnt if name.endswith(("running_mean", "running_var"))]
    assert kept
    assert all(torch.equal(stored[name], learnt[name].cpu()) for name in kept)
    assert not torch.equal(stored[BODY], learnt[BODY].cpu())
    assert not torch.equal(stored[HEAD], learnt[HEAD].cpu())
    assert 1 == capsys.readouterr().out.count("goes on with the head and the statistics of phantom")


def test_what_goes_on_looks_twice_as_the_detector_does_and_mirrored_as_its_recipe_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "weights")
    ship(tmp_path / "weights", RESNET18, second_size=24)
    (data, manifest), recipe = make_set(16), make_recipe(weights=PHANTOM, flips=True)
    data = replace(data, folder=tmp_path)
    write_mapping(tmp_path / PREPARATION, describe_preparation(1))
    trained = train_network(select_classes(data, manifest), recipe, Schedule(1, 1e-3))
    assert 1 == capsys.readouterr().out.count("will be asked at 24 pixels too")
    write_trained(tmp_path / "model", trained, recipe, data, manifest)
    classifier = read_classifier(tmp_path / "model", WEIGHTS)
    assert ((32, False), (24, False), (32, True), (24, True)) == classifier.card.looks
    assert "body, head, batch-normalization statistics" == classifier.card.training["start"]["parts"]
    said = score_classes(trained.training, data, range(16))["logit"]
    assert said == pytest.approx(predict_logits(classifier, data.images), abs=1e-4)
    one = replace(classifier, card=classifier.card.model_copy(update={"second_size": None}))
    assert said != pytest.approx(predict_logits(one, data.images), abs=1e-2)


@pytest.mark.parametrize(
    ("changes", "second"),
    [({"weights": "none"}, 24), ({"pooling": "attention"}, 24), ({}, 32), ({}, 48)],
    ids=["random", "another head", "as large", "larger"],
)
def test_others_look_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], second: int
) -> None:
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    ship(tmp_path, RESNET18, second_size=second)
    assert ((32, False),) == _build(make_recipe(**{"weights": PHANTOM} | changes)).looks


def test_a_rate_is_looked_for_with_a_new_head_and_other_pooling_has_one(weights: Path) -> None:
    for training in (
        _build(make_recipe(weights=PHANTOM), new_head=True),
        _build(make_recipe(weights=PHANTOM, pooling="attention")),
    ):
        assert not training.continued
        named = _name(training.learner.model)
        assert torch.equal(_read().state[BODY], named[BODY].cpu())
        assert HEAD not in named or not torch.equal(_read().state[HEAD], named[HEAD].cpu())


def test_phantom_starts_the_encoder_of_a_segmenter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    ship(tmp_path, RESNET18, second_size=24)
    data, manifest = make_masked_set(16)
    section = make_segmentation()
    recipe = make_mask_recipe(section, weights=PHANTOM)
    assert _read().second_size == 24
    images = select_masks(data, manifest, section.design)
    training = build_training(images, recipe, plan_epoch(len(images.train), recipe.train))
    network = training.learner.model
    named = name_weights(network, RESNET18, network.state_dict())
    assert torch.equal(_read().state[BODY], named[BODY].cpu())
    assert ((32, False),) == training.looks
    assert not training.continued


def test_an_architecture_without_weights_is_told_which_have_some(weights: Path) -> None:
    said = (
        "weights: phantom: expected an architecture whose weights the project ships (resnet18), came "
        "resnet50; choose another"
    )
    with pytest.raises(BadInput) as refused:
        read_start_weights(PHANTOM, Architecture.RESNET50)
    assert said == str(refused.value)


def test_where_none_are_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in an installed package."""
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "weights")
    assert {} == list_shipped()
    with pytest.raises(BadInput, match=r"ships \(none in .*weights\), came resnet18"):
        find_shipped(RESNET18, "weights: phantom")


def _copy(weights: Path, folder: Path) -> Path:
    path = folder / "weights" / RESNET18 / "classifier" / WEIGHTS
    path.parent.mkdir(parents=True)
    path.write_bytes((weights / RESNET18 / "classifier" / WEIGHTS).read_bytes())
    (folder / "weights" / SUMS).write_bytes((weights / SUMS).read_bytes())
    return path


def test_a_file_with_another_hash_is_refused_in_one_line(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _copy(weights, tmp_path)
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "weights")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(BadInput) as refused:
        read_start_weights(PHANTOM, RESNET18)
    expected, came = list_shipped()[RESNET18].sha256, hash_file(path)
    assert str(refused.value) == (
        f"{path}: expected the file of SHA-256 {expected}, as SHA256SUMS says, came another ({came}); "
        "`git checkout weights` brings it back, `make weights` lists a new one"
    )
    content[-1] ^= 1
    path.write_bytes(content)
    (path.parent / "model.json").write_text("{}")
    with pytest.raises(BadInput, match=r"model\.json: expected the file of SHA-256"):
        read_start_weights(PHANTOM, RESNET18)
    path.unlink()
    with pytest.raises(BadInput, match=r"weights\.safetensors: no such file; `git checkout weights`"):
        read_start_weights(PHANTOM, RESNET18)


@pytest.mark.parametrize("line", ["", "text", "\udcff", f"{'0' * 64}  resnet19/classifier/{WEIGHTS}"])
def test_a_list_of_another_kind_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    (tmp_path / SUMS).write_bytes(f"{line}\n".encode(errors="surrogateescape"))
    with pytest.raises(BadInput, match=r"SHA256SUMS: line 1: expected a hash .*; run `make weights`"):
        list_shipped()


def test_training_adopts_the_normalization_of_the_weights_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    ship(tmp_path, RESNET18, SCALED)
    data, manifest = make_set(16)
    trained = train_network(select_classes(data, manifest), make_recipe(weights=PHANTOM), Schedule(1, 1e-3))
    assert Normalization((0.25,), (0.5,)) == trained.training.normalization
    said = "train.scaling: image gives way to what the start weights (phantom) were learnt with"
    assert 1 == capsys.readouterr().out.count(said)


def test_nothing_is_said_where_both_agree(weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, manifest = make_set(16)
    trained = train_network(select_classes(data, manifest), make_recipe(weights=PHANTOM), Schedule(1, 1e-3))
    assert Normalization((), ()) == trained.training.normalization
    assert "scaling" not in capsys.readouterr().out


def test_a_network_without_its_model_json_in_the_list_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    (tmp_path / SUMS).write_text(f"{'0' * 64}  resnet18/classifier/{WEIGHTS}\n")
    with pytest.raises(
        BadInput, match=r"SHA256SUMS: expected a line of resnet18/classifier/model\.json, came none"
    ):
        list_shipped()


def test_what_the_project_ships_has_torchvisions_names_three_channels_and_a_bounded_size() -> None:
    found = list_shipped()
    assert {"resnet18", "resnet34"} <= found.keys()
    for arch, own in found.items():
        state = {name: value.shape for name, value in load(own.read()).items()}
        body = {
            name: value.shape for name, value in get_model(arch).state_dict().items() if name[:3] != "fc."
        }
        assert body.items() <= state.items()
        assert (64, 3, 7, 7) == state["conv1.weight"]
        own.check()
    size = sum(path.stat().st_size for path in shipped.FOLDER.rglob("*") if path.is_file())
    assert size <= 70_000_000
