"""A model by PyTorch."""

import numpy as np
from numpy.typing import NDArray

from brainmri.learning.model_folder import WEIGHTS
from brainmri.learning.prediction import Classifier, read_classifier
from brainmri.learning.seeing import see_images
from brainmri.scoring.calibration import apply_temperature
from brainmri.serving.model import CLASSIFIER, Model, Network, Opinion


class TorchNetwork(Network):
    """The network as it was trained, in float32."""

    def __init__(self, classifier: Classifier, temperature: float) -> None:
        """`temperature` calibrates."""
        self._classifier, self._temperature = classifier, temperature

    def judge(self, images: NDArray[np.uint8]) -> Opinion:
        """See `Network`."""
        seen = see_images(self._classifier, images)
        return Opinion(apply_temperature(seen.logits, self._temperature), seen.features)


def open_network(model: Model) -> TorchNetwork:
    """The network of a model folder. Raises `BadInput`."""
    return TorchNetwork(read_classifier(model.folder / CLASSIFIER, WEIGHTS), model.point.temperature)
