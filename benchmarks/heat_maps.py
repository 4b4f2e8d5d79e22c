"""Which heat map points at tumors: formulas and stages by the pointing game, trained against random weights.

    python -m benchmarks.heat_maps

On the slices with tumor outside training of this checkout's model, after `make repro`; a ResNet.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.transforms.functional import gaussian_blur

from benchmarks.measurement import describe_machine, write_results
from brainmri.dataset.manifest import Subset, read_manifest
from brainmri.dataset.prepared import read_prepared
from brainmri.learning.batches import ArrayDataset, make_loader, to_tensor
from brainmri.learning.explanation import enlarge, find_hottest, randomize
from brainmri.learning.model_folder import WEIGHTS
from brainmri.learning.prediction import Classifier, read_classifier, read_normalization
from brainmri.learning.recipe import EpochPlan

Maps = torch.Tensor  # (n, channels, places, places)
Mask = NDArray[np.uint8]  # (n, size, size)
# Of fastai's body: where each stage of a ResNet ends, and the pixels a side that a place of it stands for.
STAGES = {"first": (4, 4), "second": (5, 8), "third": (6, 16), "last": (7, 32)}


def grad_cam(activations: Maps, gradients: Maps) -> Maps:
    """Selvaraju et al. 2017: channels weighted by their mean gradient."""
    return (gradients.mean((2, 3), keepdim=True) * activations).sum(1, keepdim=True)


def grad_cam_pp(activations: Maps, gradients: Maps) -> Maps:
    """Chattopadhyay et al. 2018: by rising gradients, weighted place by place."""
    square = gradients**2
    bottom = 2 * square + (gradients**3 * activations).sum((2, 3), keepdim=True)
    weights = (square / (bottom + 1e-9) * gradients.relu()).sum((2, 3), keepdim=True)
    return (weights * activations).sum(1, keepdim=True)


def hires_cam(activations: Maps, gradients: Maps) -> Maps:
    """Draelos and Carin 2020: place by place."""
    return (gradients * activations).sum(1, keepdim=True)


def smoothed(activations: Maps, gradients: Maps) -> Maps:
    """HiResCAM under a Gaussian of two places."""
    maps = hires_cam(activations, gradients)
    width = 2 * min(6, maps.shape[-1] - 1) + 1
    smooth: Maps = gaussian_blur(maps, [width, width], [2.0, 2.0])
    return smooth


FORMULAS: Mapping[str, Callable[[Maps, Maps], Maps]] = {
    "Grad-CAM": grad_cam,
    "Grad-CAM++": grad_cam_pp,
    "HiResCAM": hires_cam,
    "HiResCAM, smoothed": smoothed,
}


def look(classifier: Classifier, images: NDArray[np.uint8], place: int) -> tuple[Maps, Maps]:
    """Activations of a module of the body, and the gradients there of the log odds."""
    network, card = classifier.network, classifier.card
    dataset = ArrayDataset(to_tensor(images), torch.zeros(len(images), dtype=torch.int64), split_idx=1)
    kept: list[torch.Tensor] = []
    handle = network[0][place].register_forward_hook(lambda _module, _input, maps: kept.append(maps))  # type: ignore[index]
    found = []
    for batch, _ in make_loader(
        dataset, EpochPlan(32, passes=1), read_normalization(card), card.network_size
    ):
        both = network(batch)
        maps = kept.pop()
        (gradients,) = torch.autograd.grad((both[:, 1] - both[:, 0]).sum(), maps)
        found.append((maps.detach(), gradients))
    handle.remove()
    activations, all_gradients = zip(*found, strict=True)
    return torch.cat(activations), torch.cat(all_gradients)


def measure(
    heat: NDArray[np.float32], masks: NDArray[np.uint8], valid: NDArray[np.bool_]
) -> dict[str, float]:
    """Shares of hits on validation and test slices, and of the map above 0 inside the masks."""
    hit = np.array([mask[find_hottest(own)] > 0 for own, mask in zip(heat, masks, strict=True)])
    above = heat.clip(0)
    inside = (above * masks).sum((1, 2)) / np.maximum(above.sum((1, 2)), 1e-9)
    figures = {"valid": hit[valid], "test": hit[~valid], "inside": inside}
    return {name: float(found.mean()) for name, found in figures.items()}


def main() -> None:
    """Measures, prints a table, writes benchmarks/results/heat_maps.json."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    data, manifest = read_prepared(Path("data/prepared")), read_manifest(Path("data/split.csv"))
    chosen = [
        place
        for place, (row, own) in enumerate(zip(manifest, data.slices, strict=True))
        if row.subset is not Subset.TRAIN and own.tumor_area
    ]
    if data.masks is None or not chosen:
        raise SystemExit("heat_maps: expected slices with masks outside training, came none")
    images, masks = np.array(data.images[chosen]), np.array(data.masks[chosen])
    valid = np.array([manifest[place].subset is Subset.VALID for place in chosen])
    trained = read_classifier(Path("models/classifier"), WEIGHTS)
    networks = {"trained": trained, "random": randomize(trained)}
    results: dict[str, Any] = {"n": {"valid": int(valid.sum()), "test": int((~valid).sum())}}
    for stage, (place, stride) in STAGES.items():
        seen = {name: look(network, images, place) for name, network in networks.items()}
        for formula, draw in FORMULAS.items():
            results[f"{formula}, {stage} stage"] = {
                name: measure(_enlarged(draw(*own), data.images.shape[-1], stride), masks, valid)
                for name, own in seen.items()
            }
    _print(results, list(networks))
    write_results("heat_maps", {"machine": describe_machine(("torch", "captum")), "results": results})


def _enlarged(maps: Maps, size: int, stride: int) -> NDArray[np.float32]:
    found: NDArray[np.float32] = enlarge(maps, size, stride)[:, 0].numpy()
    return found


def _print(results: Mapping[str, Any], names: Sequence[str]) -> None:
    print(
        f"hits, {' / '.join(names)} weights, on {results['n']}\n\n| map | valid | test | inside the masks |"
    )
    print("| --- | ---: | ---: | ---: |")
    for title, own in results.items():
        if title != "n":
            cells = (
                " / ".join(f"{own[name][key]:.2f}" for name in names) for key in ("valid", "test", "inside")
            )
            print(f"| {title} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
