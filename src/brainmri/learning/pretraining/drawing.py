"""The generator of phantoms, on the device where networks learn."""

import numpy as np
from numpy.typing import NDArray

from brainmri.learning.batches import training_device
from brainmri.learning.pretraining.settings import PhantomSettings
from brainmri.phantom.wide.generator import PhantomGenerator


def draw_phantoms(params: PhantomSettings) -> PhantomGenerator:
    """Of `pretrain.generator`; reads the templates that it draws from, which takes seconds."""
    return PhantomGenerator(params.generator, training_device())


def draw_heads(params: PhantomSettings, count: int, size: int) -> NDArray[np.uint8]:
    """Pictures (count, size, size) of `pretrain.unseen`'s seed, with tumors and without."""
    images: NDArray[np.uint8] = (
        draw_phantoms(params).render(params.unseen.seed, 0, count, size).images.cpu().numpy()
    )
    return images[:, 0]
