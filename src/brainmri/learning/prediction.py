"""A model folder and prepared images -> logits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.dataset.predictions import Epoch, Prediction, make_prediction
from brainmri.dataset.prepared import PreparedSet
from brainmri.errors import BadInput
from brainmri.learning.backbones import build_network, load_named
from brainmri.learning.batches import ArrayDataset, Normalization, make_loader, to_tensor
from brainmri.learning.cards import MODEL, ClassifierCard, Look, ModelCard, read_model_card
from brainmri.learning.model_folder import LAST_WEIGHTS, WEIGHTS, read_weights
from brainmri.learning.recipe import EpochPlan

_BATCH = 64


@dataclass(frozen=True)
class Classifier:
    """A network ready to predict, with what belongs to it."""

    network: nn.Module
    card: ClassifierCard


def predict_subsets(model: Path, prepared: PreparedSet, manifest: Sequence[ManifestRow]) -> list[Prediction]:
    """The predictions of every slice outside training, in the order of the slices.

    The folder's last epoch, which only the paper's protocol keeps, predicts after the best one.
    """
    outside = [place for place, row in enumerate(manifest) if row.subset is not Subset.TRAIN]
    weights = {Epoch.BEST: WEIGHTS} | ({Epoch.LAST: LAST_WEIGHTS} if (model / LAST_WEIGHTS).exists() else {})
    predictions = []
    for epoch, name in weights.items():
        logits = predict_logits(read_classifier(model, name), prepared.images[outside])
        predictions += [
            make_prediction(manifest[place], prepared.slices[place].patient, epoch, float(logit))
            for place, logit in zip(outside, logits, strict=True)
        ]
    return predictions


def read_classifier(folder: Path, weights: str) -> Classifier:
    """The classifier of a model folder with the weights of its file `weights`."""
    card = read_model_card(folder, ClassifierCard)
    torch.set_num_threads(read_threads(folder, card))
    network = build_network(card.architecture, card.dropout, card.pooling)
    try:
        load_named(network, card.architecture, read_weights(folder / weights))
    except (KeyError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:160]
        raise BadInput(f"{folder / weights}: doesn't fit {MODEL} beside it: {reason}") from None
    return Classifier(network.eval().to(memory_format=torch.channels_last), card)


def read_threads(folder: Path, card: ModelCard) -> int:
    """The threads that a network was trained with: others give other bits."""
    try:
        return int(card.training["recipe"]["train"]["threads"])
    except (KeyError, TypeError, ValueError):
        raise BadInput(
            f"{folder / MODEL}: expected a number at training.recipe.train.threads, came none; rerun train"
        ) from None


def predict_logits(classifier: Classifier, images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """uint8 (n, size, size) -> (n,): log odds of tumor before calibration, computed in float32.

    Of a card with several looks it is the mean of what the network says at all.
    """
    card = classifier.card
    check_size(images, card)
    return ask_network(classifier.network, images, read_normalization(card), card.looks)


def ask_network(
    network: nn.Module, images: NDArray[np.uint8], normalization: Normalization, looks: Sequence[Look]
) -> NDArray[np.float64]:
    """The mean over `looks` of what `run_network` gives."""
    said = [run_network(network, mirror_for(images, look), normalization, look.size) for look in looks]
    return np.asarray(np.mean(said, axis=0))


def mirror_for(images: NDArray[np.uint8], look: Look) -> NDArray[np.uint8]:
    """The images, mirrored where that is asked."""
    return np.ascontiguousarray(images[..., ::-1]) if look.mirrored else images


def fit_size(images: NDArray[np.uint8], card: ModelCard) -> NDArray[np.uint8]:
    """Images prepared at any size, uint8 (n, size, size), at the size that the model's rule prepares them at.

    The network is never asked at a size that it was not made for: its log odds would rise with it.
    """
    size = card.rule.size
    if images.shape[-1] == size:
        return images
    way = cv2.INTER_AREA if images.shape[-1] > size else cv2.INTER_LINEAR
    return np.stack([cv2.resize(image, (size, size), interpolation=way) for image in images])


def check_size(images: NDArray[np.uint8], card: ModelCard) -> None:
    """Raises `BadInput` for images of another size than the model was trained on."""
    size = card.rule.size
    if images.shape[-2:] != (size, size):
        raise BadInput(
            f"images: expected {size}x{size} pixels as the model was trained on, came {images.shape[-2:]}; "
            "prepare them by the model's rule"
        )


def run_network(
    network: nn.Module, images: NDArray[np.uint8], normalization: Normalization, size: int
) -> NDArray[np.float64]:
    """Log odds of tumor (n,) of prepared images shrunk to `size`, by a network that is set to evaluate."""
    both = torch.cat(list(run_batches(network, images, normalization, size))).double().numpy()
    return np.asarray(both[:, 1] - both[:, 0])


def run_batches(
    network: nn.Module, images: NDArray[np.uint8], normalization: Normalization, size: int
) -> Iterator[torch.Tensor]:
    """What the network says of each batch, in float32 and in the order of the images."""
    dataset = ArrayDataset(to_tensor(images), torch.zeros(len(images), dtype=torch.int64), split_idx=1)
    loader = make_loader(dataset, EpochPlan(_BATCH, passes=1), normalization, size)
    network = network.to(loader.device)
    for batch, _ in loader:
        with torch.inference_mode():
            outputs = network(batch).float().cpu()
        yield outputs


def read_normalization(card: ModelCard) -> Normalization:
    """What pixels are normalized by."""
    known = card.normalization
    return Normalization(tuple(known.mean.values()), tuple(known.std.values()))
