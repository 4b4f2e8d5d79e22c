"""The model folder: weights.safetensors and model.json, all that prediction needs, and no pickle."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from brainmri.dataset.preparation import ImageRule
from brainmri.errors import BadInput
from brainmri.learning.catalogue import Architecture
from brainmri.learning.recipe import Pooling
from brainmri.learning.weights import State
from brainmri.tables import read_mapping, write_bytes, write_mapping

MODEL, WEIGHTS, LAST_WEIGHTS = "model.json", "weights.safetensors", "last.safetensors"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClassNames(_Part):
    """What the two outputs mean; `positive` is the tumor."""

    negative: str
    positive: str


class ChannelStatistics(_Part):
    """What pixels in 0..1 are normalized by, a value a channel; empty: each image's own mean and spread."""

    mean: dict[str, float]
    std: dict[str, float]


class ModelCard(_Part):
    """model.json of any task: what the network is, how its input is prepared and how it came about."""

    task: str
    architecture: Architecture
    classes: ClassNames
    channels: int
    rule: ImageRule
    normalization: ChannelStatistics
    network_size: int
    training: dict[str, Any]
    versions: dict[str, str]
    data_sha256: str


class ClassifierCard(ModelCard):
    """Of a classifier."""

    task: Literal["classification"] = "classification"
    pooling: Pooling
    dropout: float


class SegmenterCard(ModelCard):
    """Of a segmenter."""

    task: Literal["segmentation"] = "segmentation"
    attention: bool
    masks_sha256: str


AnyCard = TypeVar("AnyCard", bound=ModelCard)


def write_model(folder: Path, card: ModelCard, states: Mapping[str, State]) -> None:
    """Writes model.json and a safetensors file for each name of `states`."""
    for name, state in states.items():
        # One metadata key only: the order of several, and so the file's hash, changes from run to run.
        metadata = {"model": json.dumps({"architecture": card.architecture.value}, sort_keys=True)}
        tensors = {key: value.detach().cpu().contiguous() for key, value in state.items()}
        write_bytes(folder / name, save_tensors(tensors, metadata))
    write_mapping(folder / MODEL, card.model_dump(mode="json"))


def read_model_card(folder: Path, card: type[AnyCard]) -> AnyCard:
    """model.json of a model folder; `BadInput` where it is none of ours, or of another task."""
    content, (task,) = read_mapping(folder / MODEL), get_args(card.model_fields["task"].annotation)
    if content.get("task", task) != task:
        raise BadInput(f"{folder / MODEL}: expected a model for {task}, came {content['task']}; name another")
    try:
        return card.model_validate_json(json.dumps(content))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadInput(
            f"{folder / MODEL}: {place}: {first['msg'].lower()}; name a folder that train has made"
        ) from None


def read_weights(path: Path) -> State:
    """The tensors of a safetensors file of a model folder."""
    try:
        return load_tensors(path.read_bytes())
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file; run `dvc repro train` to make it") from None
    except SafetensorError as error:
        raise BadInput(f"{path}: expected safetensors, came something else ({error})") from None
