"""A model folder gives the same logits in another process, holds no pickle, and refuses what doesn't fit."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.dataset.predictions import Epoch
from brainmri.dataset.prepared import PREPARATION, PreparedSet
from brainmri.errors import BadInput
from brainmri.learning.cards import MODEL, ClassifierCard, read_model_card
from brainmri.learning.catalogue import Architecture
from brainmri.learning.classification import select_classes
from brainmri.learning.fitting import Schedule, train_network
from brainmri.learning.model_folder import LAST_WEIGHTS, WEIGHTS
from brainmri.learning.prediction import fit_size, predict_logits, predict_subsets, read_classifier
from brainmri.learning.report import summarize_training, write_trained
from brainmri.learning.seeing import see_images
from brainmri.tables import write_mapping
from tests.learning.cards import make_card
from tests.learning.samples import make_recipe, make_set
from tests.rules import describe_preparation


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PreparedSet, list[ManifestRow]]:
    folder = tmp_path_factory.mktemp("model")
    data, manifest = make_set()
    data = PreparedSet(folder / "prepared", *list(vars(data).values())[1:])
    write_mapping(folder / "prepared" / PREPARATION, describe_preparation(1))
    result = train_network(select_classes(data, manifest), make_recipe(), Schedule(2, 1e-3))
    write_trained(folder / "classifier", result, make_recipe(), data, manifest)
    assert 2 == summarize_training(result, manifest, 1e-3)["epochs_run"]
    return folder / "classifier", data, manifest


def test_the_folder_says_all_that_prediction_needs(
    trained: tuple[Path, PreparedSet, list[ManifestRow]],
) -> None:
    card = read_model_card(trained[0], ClassifierCard)
    assert ("resnet18", "tumor", 32, 1) == (
        card.architecture,
        card.classes.positive,
        card.rule.size,
        card.channels,
    )
    assert {"fastai", "numpy", "python", "torch", "torchvision"} == set(card.versions)


def test_predictions_are_those_of_all_slices_outside_training(
    trained: tuple[Path, PreparedSet, list[ManifestRow]],
) -> None:
    folder, data, manifest = trained
    rows = predict_subsets(folder, data, manifest)
    assert [row.slice_id for row in manifest if row.subset is not Subset.TRAIN] == [
        row.slice_id for row in rows
    ]
    assert {Epoch.BEST} == {row.epoch for row in rows}
    logits = predict_logits(read_classifier(folder, WEIGHTS), data.images)
    one = predict_logits(read_classifier(folder, WEIGHTS), data.images[:1])
    np.testing.assert_allclose(logits[:1], one, atol=1e-4)


def test_the_paper_s_protocol_keeps_and_predicts_the_last_epoch_too(
    trained: tuple[Path, PreparedSet, list[ManifestRow]], tmp_path: Path
) -> None:
    _, data, manifest = trained
    watched = {Subset.TEST: Subset.VALID}
    paper = [row.model_copy(update={"subset": watched.get(row.subset, row.subset)}) for row in manifest]
    result = train_network(select_classes(data, paper), make_recipe(), Schedule(1, 1e-3))
    write_trained(tmp_path, result, make_recipe(), data, paper)
    rows = predict_subsets(tmp_path, data, paper)
    assert [Epoch.BEST, Epoch.LAST] == list(dict.fromkeys(row.epoch for row in rows))
    assert (tmp_path / LAST_WEIGHTS).exists()


def test_no_file_is_a_pickle_and_the_metadata_is_one_key_of_json(
    trained: tuple[Path, PreparedSet, list[ManifestRow]],
) -> None:
    folder = trained[0]
    assert {MODEL, WEIGHTS} == {path.name for path in folder.iterdir()}
    assert not zipfile.is_zipfile(folder / WEIGHTS)
    with safe_open(folder / WEIGHTS, "np") as file:
        metadata = file.metadata()
    assert ["model"] == list(metadata)
    assert "resnet18" == json.loads(metadata["model"])["architecture"]
    assert 0o644 == (folder / WEIGHTS).stat().st_mode & 0o777


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (MODEL, b"{}", "architecture: field required; name a folder that train has made"),
        (MODEL, b"no json", "expected JSON"),
        (WEIGHTS, b"nothing", "expected safetensors"),
    ],
)
def test_a_broken_folder_is_named(
    trained: tuple[Path, PreparedSet, list[ManifestRow]], tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    for path in trained[0].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=said):
        read_classifier(tmp_path, WEIGHTS)


def test_of_two_sizes_the_mean_of_the_log_odds_counts(
    trained: tuple[Path, PreparedSet, list[ManifestRow]],
) -> None:
    folder, data, _ = trained
    known = read_classifier(folder, WEIGHTS)
    one, other, both = (
        see_images(replace(known, card=known.card.model_copy(update=sizes)), data.images)
        for sizes in ({}, {"network_size": 24}, {"second_size": 24})
    )
    assert np.abs(one.logits - other.logits).max() > 0
    assert both.logits == pytest.approx((one.logits + other.logits) / 2)
    assert np.array_equal(one.features, both.features)


def test_with_flips_the_mirror_image_counts_as_much(
    trained: tuple[Path, PreparedSet, list[ManifestRow]],
) -> None:
    folder, data, _ = trained
    known = read_classifier(folder, WEIGHTS)
    assert ((32, False),) == known.card.looks
    twice = replace(known, card=known.card.model_copy(update={"flips": True, "second_size": 24}))
    assert ((32, False), (24, False), (32, True), (24, True)) == twice.card.looks
    mirrored = np.ascontiguousarray(data.images[..., ::-1])
    said, other = (see_images(twice, images) for images in (data.images, mirrored))
    assert said.logits == pytest.approx(other.logits, abs=1e-5)
    once = replace(twice, card=twice.card.model_copy(update={"flips": False}))
    both = [see_images(once, images) for images in (data.images, mirrored)]
    assert said.logits == pytest.approx((both[0].logits + both[1].logits) / 2)
    assert np.abs(both[0].logits - both[1].logits).max() > 0
    assert np.array_equal(both[0].features, said.features)


def test_images_of_any_size_are_brought_to_the_model_s() -> None:
    card = make_card(Architecture.RESNET18, 32)
    image = np.zeros((2, 32, 32), np.uint8)
    image[1, 8:16, 8:16] = 200
    assert fit_size(image, card) is image
    for factor in (2, 3):
        large = image.repeat(factor, 1).repeat(factor, 2)
        assert np.array_equal(image, fit_size(large, card))
    enlarged = fit_size(image[:, ::2, ::2], card)
    assert (2, 32, 32) == enlarged.shape
    assert (200, 0) == (enlarged[1, 12, 12], enlarged[1, 20, 20])


def test_images_of_another_size_are_refused(trained: tuple[Path, PreparedSet, list[ManifestRow]]) -> None:
    with pytest.raises(BadInput, match="expected 32x32 pixels as the model was trained on"):
        predict_logits(read_classifier(trained[0], WEIGHTS), np.zeros((2, 48, 48), np.uint8))
