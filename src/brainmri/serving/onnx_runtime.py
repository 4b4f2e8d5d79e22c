"""A model by ONNX Runtime: neither torch nor fastai is loaded."""

import os
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from brainmri.errors import BadInput
from brainmri.scoring.novelty import FACTS
from brainmri.serving.model import CLASSIFIER, NOVELTY, Model, Network, Opinion
from brainmri.serving.runtimes import ONNX_FILE, ONNX_WEIGHTS

_BATCH: Final = 64
_QUIET: Final = 4


class OnnxNetwork(Network):
    """An exported graph; normalization and temperature are in it."""

    def __init__(self, session: "onnxruntime.InferenceSession") -> None:
        """`session` has the input `images` and the outputs `probability` and `features`."""
        self._session = session

    def judge(self, images: NDArray[np.uint8]) -> Opinion:
        """See `Network`."""
        stacked = images[:, None] if images.ndim == 3 else images
        parts = [
            self._session.run(["probability", "features"], {"images": stacked[start : start + _BATCH]})
            for start in range(0, len(stacked), _BATCH)
        ]
        probability, features = (np.concatenate(column) for column in zip(*parts, strict=True))
        return Opinion(probability.astype(np.float64), features)


def open_network(model: Model) -> OnnxNetwork:
    """The exported graph of a model folder. Raises `BadInput` for a file that is none."""
    path = model.folder / CLASSIFIER / ONNX_FILE
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _QUIET
    # As PyTorch does; else a thread a core, beside those of the node's other processes.
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS") or 0)
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        names = [item.name for item in (*session.get_inputs(), *session.get_outputs())]
    except Exception as error:
        raise BadInput(
            f"{path}: expected an ONNX graph, came something else ({type(error).__name__})"
        ) from None
    if names != ["images", "probability", "features"]:
        raise BadInput(f"{path}: expected a graph that export has made, came one with {', '.join(names)}")
    shape, (channels, size) = session.get_inputs()[0].shape, (model.card.channels, model.card.rule.size)
    if shape[1:] != [channels, size, size]:
        raise BadInput(
            f"{path}: expected a graph for {channels}x{size}x{size} pixels, as model.json beside it says, "
            f"came {shape[1:]}; export anew"
        )
    _check_weights(path, session, model)
    return OnnxNetwork(session)


def _check_weights(path: Path, session: "onnxruntime.InferenceSession", model: Model) -> None:
    """Whether the graph is of the training that novelty, and so the model's hash, is of."""
    found = session.get_modelmeta().custom_metadata_map.get(ONNX_WEIGHTS, "none named")
    if found != model.weights_sha256:
        raise BadInput(
            f"{path}: expected a graph of the weights that {model.folder / NOVELTY / FACTS} is of "
            f"(SHA-256 {model.weights_sha256}), came one of others ({found}); export anew"
        )
