"""What a pretraining leaves behind can be read by all that reads a classifier."""

from pathlib import Path

import numpy as np
import pytest
import torch

from brainmri.dataset.prepared import read_prepared
from brainmri.learning.batches import standardize
from brainmri.learning.cards import Look
from brainmri.learning.catalogue import Architecture
from brainmri.learning.checkpoint import CheckpointStore
from brainmri.learning.model_folder import WEIGHTS
from brainmri.learning.prediction import predict_logits, read_classifier
from brainmri.learning.pretraining.course import Pretrained, pretrain
from brainmri.learning.pretraining.network import to_input
from brainmri.learning.pretraining.report import summarize_pretraining, write_pretrained
from brainmri.learning.pretraining.unseen import write_unseen
from brainmri.learning.shipped import PHANTOMS
from tests.learning.pretraining.samples import SpotGenerator, make_params

PARAMS = make_params()
ARCH = Architecture.RESNET18


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Pretrained:
    return pretrain(ARCH, PARAMS, SpotGenerator(), CheckpointStore(tmp_path_factory.mktemp("store")))


@pytest.fixture(scope="module")
def folder(pretrained: Pretrained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("model") / "classifier"
    write_pretrained(made, ARCH, pretrained, PARAMS)
    return made


def test_the_folder_is_a_classifier_that_says_what_it_has_seen(folder: Path) -> None:
    card = read_classifier(folder, WEIGHTS).card
    assert (ARCH, ((64, False),), PARAMS.rule, {}) == (
        card.architecture,
        card.looks,
        card.rule,
        card.normalization.mean,
    )
    training = card.training
    assert (PHANTOMS, 16, "fp32") == (training["data"], training["pictures"], training["precision"])
    assert {"64": 0.75, "80": 0.25} == training["recipe"]["pretrain"]["sizes"]
    assert {"version", "code", *type(PARAMS.generator).model_fields} == set(training["generator"])


def test_it_says_at_which_sizes_it_looks_again(pretrained: Pretrained, tmp_path: Path) -> None:
    params = make_params(size=80, second_size=64)
    write_pretrained(tmp_path, ARCH, pretrained, params)
    assert (Look(80), Look(64)) == read_classifier(tmp_path, WEIGHTS).card.looks


def test_the_network_predicts_from_its_folder_what_it_says_in_training(
    folder: Path, pretrained: Pretrained, tmp_path: Path
) -> None:
    write_unseen(tmp_path, PARAMS, SpotGenerator())
    images = np.array(read_prepared(tmp_path).images)
    with torch.inference_mode():
        both = pretrained.classifier(to_input(torch.from_numpy(images[:, None])))
    logits = predict_logits(read_classifier(folder, WEIGHTS), images)
    # Half precision of the kernels aside.
    assert (both[:, 1] - both[:, 0]).tolist() == pytest.approx(logits.tolist(), abs=0.02)


def test_the_head_that_draws_maps_is_left_out(folder: Path) -> None:
    names = set(read_classifier(folder, WEIGHTS).network.state_dict())
    assert not any("heads" in name for name in names)


def test_the_summary_is_of_the_last_row(pretrained: Pretrained) -> None:
    summary, last = summarize_pretraining(pretrained, PARAMS), pretrained.rows[-1]
    assert (16, 4, last.cross_entropy) == (
        summary["pictures"],
        summary["steps"],
        summary["last"]["cross_entropy"],
    )


def test_other_phantoms_have_another_hash_and_other_weights_of_the_loss_have_not(
    pretrained: Pretrained, folder: Path, tmp_path: Path
) -> None:
    hashes = [read_classifier(folder, WEIGHTS).card.data_sha256]
    for changes in ({"map_weight": 0.5}, {"seed": 2}, {"together": 1}):
        write_pretrained(tmp_path, ARCH, pretrained, make_params(**changes))
        hashes.append(read_classifier(tmp_path, WEIGHTS).card.data_sha256)
    assert hashes[0] == hashes[1]
    assert 3 == len(set(hashes))


def test_standardizing_is_that_of_prediction() -> None:
    images = SpotGenerator().render(1, 0, 2, 64).images
    assert torch.equal(standardize(images.float() / 255)[:, 0], to_input(images)[:, 1])
