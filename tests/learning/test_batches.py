"""Whole batches from memory: right images with right classes, normalized, augmented only in training."""

import math
from functools import partial

import numpy as np
import torch
import torchvision
from fastai.torch_core import TensorImage, TensorMask

from brainmri.learning.augmentation import build_augmentation
from brainmri.learning.batches import ArrayDataset, choose_normalization, make_loader, to_tensor
from brainmri.learning.recipe import AugmentParams, EpochPlan, Scaling

once = partial(EpochPlan, passes=1)
IMAGES = np.random.default_rng(0).integers(0, 256, (10, 16, 16), dtype=np.uint8)
CLASSES = torch.arange(10)
STILL = AugmentParams(rotate_degrees=0.0, translate=0.0, scale=0.0, flip=False, gamma=0.0)


def _dataset(split_idx: int) -> ArrayDataset:
    return ArrayDataset(to_tensor(IMAGES), CLASSES, split_idx)


def test_evaluation_keeps_the_order_and_every_image() -> None:
    normalization = choose_normalization(Scaling.TRAINING_SET, to_tensor(IMAGES))
    batches = list(make_loader(_dataset(1), once(4), normalization, None))
    assert CLASSES.tolist() == torch.cat([classes for _, classes in batches]).tolist()
    pixels = torch.cat([images for images, _ in batches])
    assert (10, 3, 16, 16) == tuple(pixels.shape)
    expected = (IMAGES / 255 - IMAGES.mean() / 255) / (IMAGES.std() / 255)
    np.testing.assert_allclose(expected, pixels[:, 0].numpy(), atol=1e-5)
    assert torch.equal(pixels[:, 0], pixels[:, 2])
    assert type(pixels) is torch.Tensor


def test_each_image_is_brought_to_mean_0_and_deviation_1_whatever_its_gain() -> None:
    dim = (IMAGES // 2 + 20).astype(np.uint8)
    own = choose_normalization(Scaling.IMAGE, to_tensor(IMAGES))
    bright, _ = make_loader(_dataset(1), once(10), own, None).one_batch()
    dimmed, _ = make_loader(ArrayDataset(to_tensor(dim), CLASSES, 1), once(10), own, None).one_batch()
    assert float(bright.mean((1, 2, 3)).abs().max()) < 1e-5
    torch.testing.assert_close(bright, dimmed, atol=0.2, rtol=0)


def test_imagenet_s_statistics_are_torchvision_s() -> None:
    theirs = torchvision.models.ResNet34_Weights.IMAGENET1K_V1.transforms()
    own = choose_normalization(Scaling.IMAGENET, to_tensor(IMAGES))
    assert (tuple(theirs.mean), tuple(theirs.std)) == (own.mean, own.std)


def test_training_shuffles_and_drops_what_fills_no_batch() -> None:
    loader = make_loader(
        _dataset(0), once(4), choose_normalization(Scaling.TRAINING_SET, to_tensor(IMAGES)), None
    )
    seen = [torch.cat([classes for _, classes in loader]).tolist() for _ in range(2)]
    assert [8, 8] == [len(set(classes)) for classes in seen]
    assert seen[0] != seen[1]


def test_several_passes_show_every_image_equally_often_in_any_order() -> None:
    normalization = choose_normalization(Scaling.TRAINING_SET, to_tensor(IMAGES))
    loader = make_loader(_dataset(0), EpochPlan(4, passes=2), normalization, None)
    seen = torch.cat([classes for _, classes in loader]).tolist()
    assert sorted(2 * CLASSES.tolist()) == sorted(seen)
    assert len(set(seen[:10])) < 10
    assert 5 == len(loader)


def test_a_setting_of_zero_leaves_nothing_to_do() -> None:
    assert [] == build_augmentation(STILL)


def test_validation_is_never_augmented() -> None:
    normalization = choose_normalization(Scaling.TRAINING_SET, to_tensor(IMAGES))
    params = AugmentParams(rotate_degrees=90.0, translate=0.3, scale=0.4, flip=True, gamma=1.0)
    wild = build_augmentation(params)
    plain = torch.cat([images for images, _ in make_loader(_dataset(1), once(4), normalization, None)])
    loaded = torch.cat([images for images, _ in make_loader(_dataset(1), once(4), normalization, None, wild)])
    torch.testing.assert_close(plain, loaded, atol=1e-4, rtol=0)


def _augment(image: np.ndarray, **changes: object) -> torch.Tensor:
    params = AugmentParams.model_validate(STILL.model_dump() | changes)
    stack = np.repeat(image[None], 64, axis=0)
    dataset = ArrayDataset(to_tensor(stack), torch.zeros(64, dtype=torch.int64), 0)
    torch.manual_seed(0)
    normalization = choose_normalization(Scaling.TRAINING_SET, to_tensor(stack))
    images, _ = make_loader(dataset, once(64), normalization, None, build_augmentation(params)).one_batch()
    return images[:, 0] * normalization.std[0] + normalization.mean[0]


def _center(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Center of mass across and down, as shares of the side."""
    ramp = (torch.arange(images.shape[-1]) + 0.5) / images.shape[-1]
    mass = images.sum((1, 2))
    return (images.sum(1) * ramp).sum(1) / mass, (images.sum(2) * ramp).sum(1) / mass


SPOT = np.zeros((64, 64), np.uint8)
SPOT[28:36, 12:20] = 255


def test_flip_exchanges_left_and_right_half_of_the_time() -> None:
    across, down = _center(_augment(SPOT, flip=True))
    assert 16 < int((across > 0.5).sum()) < 48
    torch.testing.assert_close(torch.minimum(across, 1 - across), torch.full((64,), 0.25), atol=0.01, rtol=0)
    torch.testing.assert_close(down, torch.full((64,), 0.5), atol=0.01, rtol=0)


def test_translation_stays_within_its_share_of_the_side_and_reaches_it() -> None:
    across, down = _center(_augment(SPOT, translate=0.1))
    for offset in (across - 0.25, down - 0.5):
        assert 0.08 < float(offset.abs().max()) < 0.11


def test_scale_stays_within_its_bounds_and_goes_both_ways() -> None:
    area = _augment(SPOT, scale=0.2).sum((1, 2)) / _augment(SPOT).sum((1, 2))
    assert 0.6 < float(area.min()) < 0.75
    assert 1.3 < float(area.max()) < 1.5


def test_rotation_turns_around_the_middle_by_at_most_its_degrees() -> None:
    across, down = _center(_augment(SPOT, rotate_degrees=20.0))
    angle = torch.rad2deg(torch.atan2(down - 0.5, 0.5 - across))
    assert 15 < float(angle.abs().max()) < 20.5


def test_gamma_bends_gray_within_its_powers_and_leaves_black_and_white() -> None:
    image = np.zeros((64, 64), np.uint8)
    image[:, 20:40], image[:, 40:] = 128, 255
    bent = _augment(image, gamma=0.5)
    powers = torch.log(bent[:, 0, 30]) / math.log(128 / 255)
    assert 1 / 1.5 < float(powers.min()) < 0.75
    assert 1.3 < float(powers.max()) < 1.5
    torch.testing.assert_close(bent[:, 0, 0], torch.zeros(64), atol=1e-5, rtol=0)
    torch.testing.assert_close(bent[:, 0, 63], torch.ones(64), atol=1e-5, rtol=0)


def test_gamma_differs_from_channel_to_channel_and_passes_masks_by() -> None:
    (gamma,) = build_augmentation(AugmentParams.model_validate(STILL.model_dump() | {"gamma": 1.0}))
    images, masks = torch.full((4, 3, 8, 8), 0.5), torch.ones(4, 1, 8, 8).long()
    image, mask = gamma((TensorImage(images), TensorMask(masks)), split_idx=0)
    assert 12 == len(image.as_subclass(torch.Tensor)[:, :, 0, 0].unique())
    assert torch.equal(masks, mask.as_subclass(torch.Tensor))
