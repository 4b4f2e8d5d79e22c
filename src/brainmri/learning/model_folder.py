"""The model folder: weights.safetensors and model.json, all that prediction needs, and no pickle."""

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from brainmri.errors import BadInput
from brainmri.learning.cards import MODEL, ModelCard
from brainmri.learning.storage import widen
from brainmri.learning.weights import State
from brainmri.tables import write_bytes, write_mapping

WEIGHTS, LAST_WEIGHTS = "weights.safetensors", "last.safetensors"


def write_model(folder: Path, card: ModelCard, states: Mapping[str, State]) -> None:
    """Writes model.json and a safetensors file for each name of `states`."""
    for name, state in states.items():
        # One metadata key only: the order of several, and so the file's hash, changes from run to run.
        metadata = {"model": json.dumps({"architecture": card.architecture.value}, sort_keys=True)}
        tensors = {key: value.detach().cpu().contiguous() for key, value in state.items()}
        write_bytes(folder / name, save_tensors(tensors, metadata))
    write_mapping(folder / MODEL, card.model_dump(mode="json"))


def read_weights(path: Path) -> State:
    """The tensors of a safetensors file of a model folder, float32 where halves are stored."""
    try:
        return widen(load_tensors(path.read_bytes()))
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file; run `dvc repro train` to make it") from None
    except SafetensorError as error:
        raise BadInput(f"{path}: expected safetensors, came something else ({error})") from None
