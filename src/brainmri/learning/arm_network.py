"""The network that an arm of a comparison trains or asks: how it looks at images, and how large it is."""

from collections.abc import Sequence

import torch
from torch.utils.flop_counter import FlopCounterMode

from brainmri.learning.arms import Arm
from brainmri.learning.cards import ClassifierCard, Look, list_looks, read_model_card
from brainmri.learning.classification import Classification
from brainmri.learning.recipe import Pooling, Recipe
from brainmri.learning.segmentation_recipe import SegmentationRecipe
from brainmri.learning.shipped import find_shipped
from brainmri.learning.training import Task, choose_looks
from brainmri.learning.weights import read_start_weights


def list_arm_looks(arm: Arm, prepared: int) -> tuple[Look, ...]:
    """How the arm's network is asked about an image that was prepared at so many pixels a side."""
    if arm.zero_shot:
        folder = find_shipped(arm.arch, "task: zero_shot").folder
        return read_model_card(folder / "classifier", ClassifierCard).looks
    recipe = arm.recipe(seed=0)
    start = read_start_weights(arm.weights, arm.arch)
    looks = choose_looks(_choose_task(recipe).build_network(recipe), recipe, start, prepared)
    # A segmenter's mirror images are a matter of its prediction alone.
    return looks if arm.segmentation is None else list_looks([looks[0].size], flips=arm.flips)


def count_network(arm: Arm, looks: Sequence[Look]) -> dict[str, int]:
    """Parameters, their bytes in float32, and multiply-adds for one image, asked at each of `looks`."""
    recipe = arm.recipe(seed=0)
    if arm.zero_shot:  # its head is the shipped one's, whatever trainings have
        pooling = recipe.train.model_copy(update={"pooling": Pooling.CONCAT})
        recipe = recipe.model_copy(update={"train": pooling})
    network = _choose_task(recipe).build_network(recipe).eval()
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        for look in looks:
            network(torch.zeros(1, 3, look.size, look.size))
    parameters = sum(parameter.numel() for parameter in network.parameters())
    stored = sum(value.numel() * value.element_size() for value in network.state_dict().values())
    # A multiply-add is two operations.
    return {"parameters": parameters, "bytes": stored, "multiply_adds": counter.get_total_flops() // 2}


def _choose_task(recipe: Recipe) -> Task:
    if isinstance(recipe, SegmentationRecipe):
        # Brings MONAI, which takes a second or two.
        from brainmri.learning.segmentation import Segmentation  # noqa: PLC0415

        return Segmentation(recipe.segmentation)
    return Classification()
