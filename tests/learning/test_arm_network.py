"""How an arm's network looks at images, and how large it is."""

import numpy as np
import pytest

from brainmri.learning.arm_network import count_network, list_arm_looks
from brainmri.learning.arms import read_arms
from brainmri.learning.cards import Look
from brainmri.learning.catalogue import Architecture
from tests.learning.test_arms import SHARED, make_comparison


def test_arms_that_see_mirror_images_too_are_asked_twice_as_their_own_task_says() -> None:
    shared = SHARED.model_copy(update={"train": SHARED.train.model_copy(update={"flips": True})})
    arms = read_arms(
        shared,
        make_comparison(
            {
                "plain": {"train": {"flips": False}},
                "mirrored": {},
                "unet": {"task": "segmentation", "segmentation": {"flips": False}},
                "unet_mirrored": {"task": "segmentation", "segmentation": {"flips": True}},
            }
        ),
    )
    once, twice = (Look(64),), (Look(64), Look(64, mirrored=True))
    looks = {name: list_arm_looks(arm, 64) for name, arm in arms.items()}
    assert {"plain": once, "mirrored": twice, "unet": once, "unet_mirrored": twice} == looks
    unet = arms["unet"]
    one, both = (count_network(unet, looks[name])["multiply_adds"] for name in ("unet", "unet_mirrored"))
    assert 2 * one == both
    assert not arms["plain"].trains_as(arms["mirrored"])


def test_networks_are_counted_as_published() -> None:
    arm = read_arms(SHARED, make_comparison({"plain": {}}))["plain"].model_copy(
        update={"arch": Architecture.RESNET50}
    )
    counted = count_network(arm, (Look(224),))
    # torchvision states 4.09 G multiply-adds at 224 px; the head for two classes adds little.
    assert counted["multiply_adds"] == pytest.approx(4.09e9, rel=0.01)
    body = 23_508_032
    head = sum(np.prod(shape) for shape in ((4096,), (4096,), (4096, 512), (512,), (512,), (512, 2)))
    assert counted["parameters"] == body + head
    assert counted["bytes"] > 4 * counted["parameters"]
