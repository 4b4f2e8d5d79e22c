"""A segmenter's model folder and prepared images -> where the tumor is."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import logit
from torch import nn
from torch.nn.functional import interpolate

from brainmri.errors import BadInput
from brainmri.learning.backbones import load_named
from brainmri.learning.batches import Normalization
from brainmri.learning.cards import MODEL, SegmenterCard, read_model_card
from brainmri.learning.model_folder import WEIGHTS, read_weights
from brainmri.learning.prediction import check_size, read_normalization, read_threads, run_batches
from brainmri.learning.unet import build_unet

# Slices held in memory at once, as 32-bit numbers.
_CHUNK = 256
# Pixels of the least spot that speaks for tumor.
_SPOT = (5, 5)
# Keeps the log odds of a probability finite.
_LEAST = 1e-6


@dataclass(frozen=True)
class Segmenter:
    """A network that is set to evaluate; what its input is normalized by, and shrunk to."""

    network: nn.Module
    normalization: Normalization
    network_size: int


def read_segmenter(folder: Path, images: NDArray[np.uint8]) -> Segmenter:
    """The segmenter of a model folder, for `images`; `BadInput` where there is none, or of another size."""
    card = read_model_card(folder, SegmenterCard)
    check_size(images, card)
    torch.set_num_threads(read_threads(folder, card))
    network = build_unet(card.architecture, attention=card.attention)
    try:
        load_named(network, card.architecture, read_weights(folder / WEIGHTS))
    except (KeyError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:160]
        raise BadInput(f"{folder / WEIGHTS}: doesn't fit {MODEL} beside it: {reason}") from None
    network = network.eval().to(memory_format=torch.channels_last)
    return Segmenter(network, read_normalization(card), card.network_size)


@dataclass(frozen=True)
class Maps:
    """Probabilities of tumor (some, size, size), 0 to 1; `plain` without the mirrored view."""

    maps: NDArray[np.float32]
    plain: NDArray[np.float32]


def segment(segmenter: Segmenter, images: NDArray[np.uint8], *, flips: bool) -> Iterator[Maps]:
    """Maps of prepared images, some hundred at a time.

    With `flips` each is the mean over the image and its mirror image, left and right exchanged.
    """
    for start in range(0, len(images), _CHUNK):
        chunk = np.asarray(images[start : start + _CHUNK])
        plain = _run(segmenter, chunk)
        mirrored = _run(segmenter, chunk[..., ::-1])[..., ::-1] if flips else plain
        yield Maps(np.asarray((plain + mirrored) / 2, np.float32), plain)


def _run(segmenter: Segmenter, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    outputs = run_batches(segmenter.network, images, segmenter.normalization, segmenter.network_size)
    return np.concatenate([_enlarge(logits, images.shape[-1]).sigmoid().numpy()[:, 0] for logits in outputs])


def score_slices(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """Of each map (n, size, size) one number (n,): the log odds of tumor in the slice."""
    blurred = (cv2.blur(each, _SPOT, borderType=cv2.BORDER_REPLICATE) for each in probabilities)
    strongest = np.array([each.max() for each in blurred], np.float64)
    return np.asarray(logit(strongest.clip(_LEAST, 1 - _LEAST)))


def _enlarge(logits: torch.Tensor, size: int) -> torch.Tensor:
    """To `size` pixels a side, where the network sees smaller images than are prepared."""
    if logits.shape[-1] == size:
        return logits
    return interpolate(logits, (size, size), mode="bilinear", align_corners=False)
