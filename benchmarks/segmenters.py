"""Training steps of two U-Nets on one ResNet, and of the classifier: images a second, by turns.

    python -m benchmarks.segmenters [--arch resnet34] [--size 128] [--rounds 5]

Each side trains on one synthetic batch in memory, in the precision and with the batch and threads of
params.yaml: this project's U-Net (MONAI's decoder), that of fastai's `unet_learner`, and the classifier.
"""

import argparse
import time
from functools import partial
from pathlib import Path

import torch
from fastai.vision.learner import create_unet_model
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from benchmarks.measurement import Side, alternate, describe_machine, summarize, tabulate, write_results
from brainmri.allocation import keep_freed_memory
from brainmri.learning.backbones import build_network, constructor
from brainmri.learning.catalogue import Architecture
from brainmri.learning.precision import autocast, choose_precision
from brainmri.learning.recipe import Recipe
from brainmri.learning.unet import build_unet
from brainmri.params import PARAMS_PATH, read_params

PACKAGES = ("torch", "torchvision", "fastai", "monai")
STEPS = 4


def time_steps(network: nn.Module, images: torch.Tensor, recipe: Recipe) -> float:
    """Images a second over `STEPS` steps; the targets are those of the network's own kind of output."""
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)
    precision, begin = choose_precision(recipe.train.precision), time.perf_counter()
    for _ in range(STEPS):
        with autocast("cpu", precision):
            outputs = network(images)
        outputs = outputs.float()
        if outputs.ndim == 4:
            loss = binary_cross_entropy_with_logits(outputs, torch.zeros_like(outputs))
        else:
            loss = cross_entropy(outputs, torch.zeros(len(images), dtype=torch.int64))
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
    return STEPS * len(images) / (time.perf_counter() - begin)


def main() -> None:
    """Measures, prints a table, writes benchmarks/results/segmenters.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--arch", type=Architecture, default=Architecture.RESNET34)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    recipe = read_params(Recipe, Path(__file__).parents[1] / PARAMS_PATH)
    arch, size = arguments.arch, arguments.size
    keep_freed_memory()
    torch.set_num_threads(recipe.train.threads)
    networks = {
        "U-Net": build_unet(arch, attention=False),
        "fastai's U-Net": create_unet_model(constructor(arch), 1, (size, size), pretrained=False),
        "classifier": build_network(arch, recipe.train.dropout, recipe.train.pooling),
    }
    images = torch.randn(recipe.train.batch_size, 3, size, size).to(memory_format=torch.channels_last)
    sides = []
    for name, network in networks.items():
        trained = network.to(memory_format=torch.channels_last).train()
        sides.append(Side(name, partial(time_steps, trained, images, recipe)))
    summary = summarize(alternate(sides, arguments.rounds, "images/s"), "U-Net")
    print(tabulate(f"{arch}, {size} px", summary))
    machine = describe_machine(PACKAGES) | {"threads": recipe.train.threads}
    write_results("segmenters", {"machine": machine, "arch": arch.value, "size": size, **summary})


if __name__ == "__main__":
    main()
