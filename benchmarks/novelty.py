"""Which features tell other pictures from the training images: stages of the network, and its last layer.

    python -m benchmarks.novelty [--other NAME=FOLDER …]
    python -m benchmarks.novelty --shipped ARCH --name ARCH [--other NAME=FOLDER …]

After `make repro`; of this checkout's model, a ResNet. With --shipped, how many pictures the flag of a
detector in weights/ finds unlike, by distance alone and with the direction of pictures without a head.
Strange pictures are scikit-learn's photographs and digits, noise and text, and the raw pictures inverted,
turned and upside down; `--other` adds others.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images
from sklearn.metrics import roc_auc_score

from benchmarks.measurement import describe_commit, describe_machine, end_in_a_line, write_results
from brainmri.dataset.manifest import Subset, read_manifest
from brainmri.dataset.preparation import ImageRule, prepare_image
from brainmri.dataset.prepared import PREPARATION, read_prepared
from brainmri.errors import BadInput
from brainmri.learning.batches import ArrayDataset, make_loader, to_tensor
from brainmri.learning.model_folder import WEIGHTS
from brainmri.learning.prediction import Classifier, read_classifier, read_normalization
from brainmri.learning.recipe import EpochPlan
from brainmri.learning.seeing import see_images
from brainmri.learning.shipped import find_shipped
from brainmri.params import load_yaml
from brainmri.scans.files import hash_file
from brainmri.scoring.novelty import NoveltyParams, measure_novelty
from brainmri.scoring.novelty_fit import fit_familiar
from brainmri.serving.model import CLASSIFIER, read_model
from brainmri.tables import read_mapping

Gray = NDArray[Any]  # (rows, columns)
STAGES = {"first stage": 4, "second stage": 5, "third stage": 6, "fourth stage": 7}
LAST = "the head's first layer"
_SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"}
_COUNT = 60


def make_strange(raw: Sequence[Gray]) -> dict[str, list[Gray]]:
    """Pictures that are no upright MRI, by kind."""
    generator = np.random.default_rng(0)
    photographs = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in load_sample_images().images]
    pieces = []
    for _ in range(_COUNT // 2):
        for image in photographs:
            side = int(generator.integers(100, min(image.shape)))
            top, left = (int(generator.integers(0, length - side + 1)) for length in image.shape)
            pieces.append(image[top : top + side, left : left + side])
    enlarge = partial(cv2.resize, dsize=(160, 160), interpolation=cv2.INTER_CUBIC)
    return {
        "photographs": pieces,
        "digits": [16 * enlarge(image) for image in load_digits().images[:_COUNT]],
        "noise": [
            cv2.GaussianBlur(generator.normal(128, 40, (160, 160)), (0, 0), 0.5 + n % 9) for n in range(54)
        ],
        "text": [_write(generator) for _ in range(_COUNT // 2)],
        "inverted": [255 - image for image in raw],
        "turned by 90 degrees": [np.rot90(image).copy() for image in raw],
        "upside down": [image[::-1].copy() for image in raw],
    }


def see(classifier: Classifier, images: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """Features (n, channels) of each stage, its channels' means, and of the head's first layer."""
    network, card = classifier.network, classifier.card
    kept: dict[str, list[NDArray[np.float32]]] = {name: [] for name in (*STAGES, LAST)}

    def keep(name: str, _module: object, _input: object, maps: torch.Tensor) -> None:
        kept[name].append(maps.float().flatten(2).mean(-1).numpy())

    body, head = network[0], network[1]  # type: ignore[index]
    places = {name: body[place] for name, place in STAGES.items()} | {LAST: head[0]}
    handles = [module.register_forward_hook(partial(keep, name)) for name, module in places.items()]
    dataset = ArrayDataset(to_tensor(images), torch.zeros(len(images), dtype=torch.int64), split_idx=1)
    for batch, _ in make_loader(
        dataset, EpochPlan(64, passes=1), read_normalization(card), card.network_size
    ):
        with torch.inference_mode():
            network(batch)
    for handle in handles:
        handle.remove()
    return {name: np.concatenate(parts) for name, parts in kept.items()}


def read_pictures(folder: Path) -> list[Gray]:
    """Up to sixty pictures below a folder, evenly over their names, in gray; `BadInput` without any."""
    paths = sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES and "mask" not in path.stem
    )
    if not paths:
        raise BadInput(f"{folder}: expected pictures, came none; name a folder that holds some")
    chosen = {paths[place] for place in np.linspace(0, len(paths) - 1, _COUNT).astype(int)}
    return [np.array(Image.open(path).convert("L")) for path in sorted(chosen)]


def measure_shipped(arch: str, pictures: Mapping[str, Sequence[Gray]]) -> dict[str, dict[str, float]]:
    """The share of the pictures of each kind that are flagged, as a detector that is shipped flags them."""
    shipped = find_shipped(arch, "--shipped")
    shipped.check()
    model = read_model(shipped.folder)
    classifier = read_classifier(model.folder / CLASSIFIER, WEIGHTS)
    ways = {"distance": replace(model.familiar, direction=None), "both": model.familiar}
    results: dict[str, dict[str, float]] = {way: {} for way in ways}
    for kind, own in pictures.items():
        features = see_images(classifier, _prepare(own, model.card.rule)).features
        for way, familiar in ways.items():
            results[way][kind] = float((measure_novelty(features, familiar) > 1).mean())
    return results


def _print_shares(results: Mapping[str, Mapping[str, float]]) -> None:
    kinds = list(next(iter(results.values())))
    print(f"| flagged by | {' | '.join(kinds)} |\n| --- | {' | '.join('---:' for _ in kinds)} |")
    for way, shares in results.items():
        print(f"| {way} | {' | '.join(f'{shares[kind]:.2f}' for kind in kinds)} |")


def main() -> None:
    """Measures, prints a table, writes benchmarks/results/novelty.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--other", nargs="*", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--name", help="of the model, in the name of the results")
    parser.add_argument("--shipped", metavar="ARCH")
    arguments = parser.parse_args()
    params = load_yaml(Path("params.yaml").read_text())
    raw = Path(params["raw"])
    pictures = make_strange(read_pictures(raw / "images" if (raw / "images").is_dir() else raw))
    pictures |= {
        name: read_pictures(Path(folder)) for name, folder in (item.split("=") for item in arguments.other)
    }
    title = "novelty" + (f"_{arguments.name}" if arguments.name else "")
    about = {"commit": describe_commit(), "machine": describe_machine(("torch", "scikit-learn"))}
    if arguments.shipped:
        shares = measure_shipped(arguments.shipped, pictures)
        _print_shares(shares)
        about["weights_sha256"] = find_shipped(arguments.shipped, "--shipped").sha256
        write_results(title, about | {"results": shares})
        return
    data, manifest = read_prepared(Path("data/prepared")), read_manifest(Path("data/split.csv"))
    rule = ImageRule(**read_mapping(data.folder / PREPARATION)["rule"])
    folder = Path("models/classifier")
    classifier, weights = read_classifier(folder, WEIGHTS), hash_file(folder / WEIGHTS)
    seen = {name: see(classifier, _prepare(own, rule)) for name, own in pictures.items()}
    own = see(classifier, np.array(data.images))
    subset = np.array([row.subset for row in manifest])
    results = {}
    for name, features in own.items():
        familiar = fit_familiar(
            features[subset == Subset.TRAIN],
            features[subset == Subset.VALID],
            NoveltyParams(**params["novelty"]),
            weights,
        )
        test = measure_novelty(features[subset == Subset.TEST], familiar)
        results[name] = {"test": {"flagged": float((test > 1).mean())}} | {
            kind: _describe(test, measure_novelty(strange[name], familiar)) for kind, strange in seen.items()
        }
    _print(results)
    write_results(title, about | {"results": results})


def _prepare(pictures: Sequence[Gray], rule: ImageRule) -> NDArray[np.uint8]:
    return np.stack([prepare_image(picture.astype(np.float32), None, rule).image for picture in pictures])


def _describe(test: NDArray[np.float64], strange: NDArray[np.float64]) -> dict[str, float]:
    truth = np.arange(len(test) + len(strange)) >= len(test)
    return {
        "flagged": float((strange > 1).mean()),
        "auroc": float(roc_auc_score(truth, np.concatenate([test, strange]))),
    }


def _blur(image: Gray, sigma: float) -> Gray:
    return cv2.GaussianBlur(image, (0, 0), sigma)


def _write(generator: np.random.Generator) -> Gray:
    page = np.full((200, 200), 255, np.uint8)
    for line in range(8):
        letters = "".join(chr(code) for code in generator.integers(65, 91, 12))
        cv2.putText(page, letters, (5, 20 + 24 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 0, 1)
    return page


def _print(results: Mapping[str, Mapping[str, Mapping[str, float]]]) -> None:
    kinds = [kind for kind in next(iter(results.values())) if kind != "test"]
    print(f"flagged / AUROC against test slices\n\n| features | test flagged | {' | '.join(kinds)} |")
    print(f"| --- | {' | '.join('---:' for _ in range(len(kinds) + 1))} |")
    for name, own in results.items():
        cells = (f"{own[kind]['flagged']:.2f} / {own[kind]['auroc']:.2f}" for kind in kinds)
        print(f"| {name} | {own['test']['flagged']:.2f} | {' | '.join(cells)} |")


if __name__ == "__main__":
    end_in_a_line(main)
