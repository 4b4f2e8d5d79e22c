"""A segmenter learns its masks, by the classifier's trainer: the same bytes, also after an interruption."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fastai.torch_core import TensorImage, TensorMask

from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.dataset.maps import count_pixels, read_maps, to_bytes
from brainmri.dataset.prepared import PREPARATION, PreparedSet
from brainmri.dataset.protocols import SplitParams
from brainmri.dataset.units import CaseChoice, UnitRow
from brainmri.errors import BadInput
from brainmri.learning import crossval
from brainmri.learning.arms import Settings, change_shared
from brainmri.learning.augmentation import build_augmentation
from brainmri.learning.cards import SegmenterCard, read_model_card
from brainmri.learning.crossval import UnitJob, train_unit
from brainmri.learning.fitting import Schedule, TrainedNetwork, train_network
from brainmri.learning.identity import identify_training
from brainmri.learning.mask_prediction import write_maps
from brainmri.learning.prediction import read_classifier
from brainmri.learning.rate import find_rate
from brainmri.learning.recipe import EpochPlan
from brainmri.learning.records import MaskEpochRow
from brainmri.learning.report import summarize_training
from brainmri.learning.segmentation import Segmentation, select_masks
from brainmri.learning.segmentation_recipe import MaskLoss
from brainmri.learning.segmenter import Segmenter, read_segmenter, score_slices, segment
from brainmri.learning.segmenter_report import write_segmenter
from brainmri.learning.training import build_training
from brainmri.learning.unit_scores import score_masks
from brainmri.tables import write_mapping
from tests.learning.samples import make_mask_recipe, make_masked_set, make_segmentation
from tests.rules import describe_preparation

DATA, MANIFEST = make_masked_set()
SECTION = make_segmentation()
RECIPE = make_mask_recipe(SECTION, batch_size=8)
RECIPE_OF_ARMS = {name: getattr(RECIPE, name) for name in ("arch", "weights", "train")}


def _train(epochs: int = 2, lr: float = 3e-3, data: PreparedSet = DATA) -> TrainedNetwork:
    return train_network(select_masks(data, MANIFEST, SECTION.design), RECIPE, Schedule(epochs, lr))


@pytest.fixture(scope="module")
def trained() -> TrainedNetwork:
    return _train(epochs=16)


def test_a_segmenter_learns_spots(trained: TrainedNetwork) -> None:
    assert all(isinstance(row, MaskEpochRow) for row in trained.epochs)
    assert max(row.dice for row in trained.epochs if isinstance(row, MaskEpochRow)) > 0.7
    assert {"train_loss", "valid_loss", "dice"} == set(summarize_training(trained, MANIFEST, 1e-3)["best"])


def test_the_same_recipe_and_data_give_the_same_weights() -> None:
    first, second = _train(), _train()
    assert first.epochs == second.epochs
    assert all(torch.equal(value, second.best[name]) for name, value in first.best.items())


def test_a_mask_moves_with_its_image() -> None:
    (geometry,) = build_augmentation(RECIPE.train.augment)
    images = torch.zeros(6, 1, 32, 32)
    images[:, :, 10:16, 4:12] = 1
    torch.manual_seed(0)
    image, mask = geometry((TensorImage(images), TensorMask(images.long())), split_idx=0)
    assert torch.equal(image.as_subclass(torch.Tensor), mask.as_subclass(torch.Tensor))
    assert not torch.equal(image.as_subclass(torch.Tensor), images)


def test_masks_reach_the_loss_as_0_and_1_at_the_size_of_the_images() -> None:
    data = select_masks(DATA, MANIFEST, SECTION.design)
    learner = build_training(data, RECIPE, EpochPlan(8, passes=1)).learner
    for step in learner.dls.train.after_batch.fs:
        if hasattr(step, "limit"):
            step.limit(16)
    images, masks = learner.dls.train.one_batch()
    assert ((8, 3, 16, 16), (8, 1, 16, 16)) == (tuple(images.shape), tuple(masks.shape))
    assert {0.0, 1.0} == set(masks.unique().tolist())


@pytest.mark.parametrize("loss", MaskLoss)
def test_every_loss_is_least_for_the_truth(loss: MaskLoss) -> None:
    chosen = Segmentation(make_segmentation(loss=loss).design).choose_loss(
        RECIPE, select_masks(DATA, MANIFEST, SECTION.design).train
    )
    truth = (torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0)) > 0.7).float()
    right, unsure, wrong = (
        float(chosen(logits, truth)) for logits in (20 * truth - 10, 0 * truth, 10 - 20 * truth)
    )
    assert right < unsure < wrong
    assert right < 0.05


def test_a_rate_is_found_and_attention_trains() -> None:
    section = make_segmentation(attention=True)
    recipe = make_mask_recipe(
        section, lr_find={"lowest": 1e-4, "highest": 1.0, "steps": 24, "images": 8, "repeats": 1}
    )
    data = select_masks(DATA, MANIFEST, section.design)
    assert 1e-4 < find_rate(data, recipe).learning_rate < 1.0
    assert 1 == len(train_network(data, recipe, Schedule(1, 1e-3)).epochs)


def test_the_identity_is_of_the_masks_too() -> None:
    assert DATA.masks is not None
    other = DATA.masks.copy()
    other[0, 0, 0] = 1
    keys = {
        identify_training(data, MANIFEST, RECIPE, 2, 1e-3)
        for data in (DATA, replace(DATA, masks=other), replace(DATA, masks=None))
    }
    assert 3 == len(keys)


@pytest.fixture(scope="module")
def folder(trained: TrainedNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("segmenter")
    write_mapping(place / "prepared" / PREPARATION, describe_preparation(1))
    write_segmenter(place / "model", trained, RECIPE, replace(DATA, folder=place / "prepared"), MANIFEST)
    return place


def test_the_model_folder_gives_the_maps_of_the_network_that_was_trained(
    folder: Path, trained: TrainedNetwork
) -> None:
    network = trained.training.learner.model
    network.load_state_dict(trained.best)
    own = Segmenter(network.eval(), trained.training.normalization, None)
    read = read_segmenter(folder / "model", DATA.images)
    first, second = (
        np.concatenate([found.maps for found in segment(segmenter, DATA.images, flips=False)])
        for segmenter in (own, read)
    )
    np.testing.assert_allclose(first, second, atol=1e-5)
    assert (len(DATA.images), 32, 32) == first.shape
    assert "segmentation" == read_model_card(folder / "model", SegmenterCard).task


def test_a_mirrored_image_has_a_mirrored_map_with_flips(folder: Path) -> None:
    segmenter = read_segmenter(folder / "model", DATA.images)
    both = [DATA.images[:4], np.ascontiguousarray(DATA.images[:4, :, ::-1])]
    straight, mirrored = (next(segment(segmenter, images, flips=True)).maps for images in both)
    np.testing.assert_allclose(straight, mirrored[:, :, ::-1], atol=1e-5)


def test_maps_are_of_all_slices_outside_training_and_plain_ones_only_with_flips(
    folder: Path, tmp_path: Path
) -> None:
    count = write_maps(tmp_path / "maps", folder / "model", DATA, MANIFEST, flips=True)
    found = read_maps(tmp_path / "maps")
    outside = [row.slice_id for row in MANIFEST if row.subset is not Subset.TRAIN]
    assert (len(outside), outside) == (count, [row.slice_id for row in found.scores])
    assert found.plain is not None
    assert found.plain.shape == found.maps.shape
    segmenter = read_segmenter(folder / "model", DATA.images)
    (again,) = segment(
        segmenter, DATA.images[[row.subset is not Subset.TRAIN for row in MANIFEST]], flips=True
    )
    np.testing.assert_array_equal(to_bytes(again.maps), found.maps)
    np.testing.assert_array_equal(to_bytes(again.plain), found.plain)
    np.testing.assert_allclose(score_slices(again.maps), [row.logit for row in found.scores], atol=1e-6)
    write_maps(tmp_path / "maps", folder / "model", DATA, MANIFEST, flips=False)
    assert read_maps(tmp_path / "maps").plain is None


def test_a_slice_s_score_is_that_of_its_strongest_spot() -> None:
    maps = np.full((2, 16, 16), 0.1, np.float32)
    maps[1, 4:9, 4:9] = 0.8
    maps[0, 2, 2] = 1.0  # a single pixel is no spot
    scores = 1 / (1 + np.exp(-score_slices(maps)))
    np.testing.assert_allclose(scores, [0.1 + 0.9 / 25, 0.8], atol=1e-6)


def test_a_segmenter_is_no_classifier_and_the_reverse(folder: Path) -> None:
    with pytest.raises(BadInput, match="expected a model for classification, came segmentation"):
        read_classifier(folder / "model", "weights.safetensors")


def test_images_of_another_size_are_refused(folder: Path) -> None:
    with pytest.raises(BadInput, match="images: expected 32x32 pixels"):
        read_segmenter(folder / "model", np.zeros((2, 48, 48), np.uint8))


def _unmask(data: PreparedSet, places: list[int]) -> PreparedSet:
    assert data.masks is not None
    masks = data.masks.copy()
    masks[places] = 0
    return replace(data, masks=masks)


def _places(subset: Subset, manifest: list[ManifestRow]) -> list[int]:
    return [place for place, row in enumerate(manifest) if row.subset is subset]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (replace(DATA, masks=None), "heads: expected masks to learn from, came none"),
        (
            replace(
                DATA,
                slices=[row.model_copy(update={"has_mask": row.slice_id != "005"}) for row in DATA.slices],
            ),
            "005: expected a mask, as for every slice of class tumor, came none",
        ),
        (_unmask(DATA, _places(Subset.TRAIN, MANIFEST)), "a mask with tumor in the subset train, came none"),
        (_unmask(DATA, _places(Subset.VALID, MANIFEST)), "a mask with tumor in the subset valid, came none"),
    ],
)
def test_masks_that_can_t_be_learnt_from_are_named(data: PreparedSet, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        select_masks(data, MANIFEST, SECTION.design)


def test_a_slice_of_the_other_class_needs_no_mask() -> None:
    slices = [row.model_copy(update={"has_mask": row.label == "tumor"}) for row in DATA.slices]
    assert len(select_masks(replace(DATA, slices=slices), MANIFEST, SECTION.design).train) > 0


def test_three_channels_and_a_smaller_network_size_give_maps_of_the_prepared_size(tmp_path: Path) -> None:
    data = replace(DATA, images=np.repeat(DATA.images[:, None], 3, axis=1), folder=tmp_path / "prepared")
    data = replace(
        data,
        images=data.images.repeat(2, axis=2).repeat(2, axis=3),
        masks=np.asarray(DATA.masks).repeat(2, axis=1).repeat(2, axis=2),
    )
    recipe = make_mask_recipe(SECTION, size=32)
    trained = train_network(select_masks(data, MANIFEST, SECTION.design), recipe, Schedule(1, 1e-3))
    write_mapping(tmp_path / "prepared" / PREPARATION, describe_preparation(3, size=64))
    write_segmenter(tmp_path / "model", trained, recipe, data, MANIFEST)
    card = read_model_card(tmp_path / "model", SegmenterCard)
    assert (3, 32, "monai") == (
        card.channels,
        card.network_size,
        next(n for n in card.versions if n == "monai"),
    )
    (found,) = segment(read_segmenter(tmp_path / "model", data.images), data.images, flips=False)
    assert (len(data.images), 64, 64) == found.maps.shape


def test_a_unit_s_columns_are_those_of_its_maps(trained: TrainedNetwork) -> None:
    network = trained.training.learner.model
    network.load_state_dict(trained.best)
    network.eval()
    places = [3, 4, 9]
    columns = score_masks(trained.training, DATA, places, flips=True)
    segmenter = Segmenter(network, trained.training.normalization, None)
    (found,) = segment(segmenter, DATA.images[places], flips=True)
    assert DATA.masks is not None
    counts = count_pixels(to_bytes(found.maps), DATA.masks[places])
    assert {name: counts[name].tolist() for name in ("tp", "fp", "fn")} == {
        name: columns[name] for name in ("tp", "fp", "fn")
    }
    np.testing.assert_allclose(columns["logit"], score_slices(found.maps), atol=1e-6)


def test_units_that_predict_otherwise_have_outcomes_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    keys: list[str] = []

    @contextmanager
    def note(key: str, outputs: Path) -> Iterator[None]:
        keys.append(key)
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(crossval, "open_store", note)
    monkeypatch.setattr(crossval, "read_prepared", lambda _: DATA)
    monkeypatch.setattr(crossval, "read_manifest", lambda _: MANIFEST)
    monkeypatch.setattr(crossval, "take_unit", lambda *_: (DATA, MANIFEST))
    shared = Settings(**RECIPE_OF_ARMS, epochs=2, lr=1e-3, segmentation=make_segmentation(lr=1e-3))
    unit = UnitRow(protocol="grouped", fold=0, watched=1, seed=0)
    split = SplitParams(protocol="grouped", folds=3, paper_valid_share=0.2, seed=0)
    for flips in (True, False, True):
        changes = {"task": "segmentation", "segmentation": {"flips": flips}}
        arm = change_shared(shared, changes, 1, "arm")
        job = UnitJob(tmp_path, tmp_path, arm, unit, CaseChoice.ALL, split, tmp_path / "x")
        with pytest.raises(KeyboardInterrupt):
            train_unit(job)
    assert keys[0] == keys[2] != keys[1]
