"""Weights to start from: torchvision's names in, one checked state_dict out; no pickle is executed."""

import hashlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import torch
from safetensors.torch import load as load_safetensors
from torchvision.models import get_weight

from brainmri.errors import BadInput, Unfit
from brainmri.learning.cards import ChannelStatistics, ClassifierCard, read_model_card
from brainmri.learning.catalogue import IMAGENET_WEIGHTS, Architecture
from brainmri.learning.shipped import PHANTOM, find_shipped
from brainmri.learning.storage import widen

State = dict[str, torch.Tensor]

_DOWNLOAD_TIMEOUT_S = 20


@dataclass(frozen=True)
class StartWeights:
    """A state_dict with torchvision's names, float32, what it is called and the sha256 of its file.

    `normalization` is what pixels were normalized by where the weights were learnt, `second_size` the side in
    pixels at which their network looks once more; None where no file says.
    """

    state: State
    name: str
    sha256: str
    normalization: ChannelStatistics | None = None
    second_size: int | None = None


def read_start_weights(weights: str, arch: Architecture) -> StartWeights | None:
    """What `weights` names: None for `none`, those shipped for `phantom`, torchvision's V1 for `imagenet`.

    Else it is a file's state_dict. Raises `BadInput` where there is no such file, it holds none, or a shipped
    one has another hash.
    """
    if weights == "none":
        return None
    if weights == PHANTOM:
        return _read_shipped(arch)
    if weights == "imagenet":
        path, name = _fetch_imagenet(arch), IMAGENET_WEIGHTS[arch]
    else:
        path, name = Path(weights), weights
        if not path.is_file():
            raise BadInput(
                f"weights: expected none, phantom, imagenet or a state_dict's path, came {weights!r} (no "
                "such file); correct the path; a queued experiment needs an absolute one or a tracked file"
            )
    content = path.read_bytes()
    return StartWeights(_read_state(path, content), name, hashlib.sha256(content).hexdigest())


def _read_shipped(arch: Architecture) -> StartWeights:
    """Body and head; whoever starts from them takes the names that its own body has."""
    shipped = find_shipped(arch, f"weights: {PHANTOM}")
    state = _read_state(shipped.weights, shipped.read())
    card = read_model_card(shipped.weights.parent, ClassifierCard)
    return StartWeights(state, PHANTOM, shipped.sha256, card.normalization, card.second_size)


def check_body(state: Mapping[str, torch.Tensor], body: Mapping[str, torch.Tensor], name: str) -> State:
    """The part of `state` that `body` needs; `BadInput` names keys that are missing or of another shape."""
    missing = [key for key in body if key not in state and not key.endswith("num_batches_tracked")]
    shapes = [
        f"{key} {tuple(state[key].shape)} instead of {tuple(body[key].shape)}"
        for key in body
        if key in state and state[key].shape != body[key].shape
    ]
    if missing or shapes:
        wrong = [f"{key} is missing" for key in missing] + shapes
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise BadInput(
            f"weights: {name} doesn't fit `arch`: {'; '.join(wrong[:3])}{more}; set the `arch` they are of"
        )
    return {key: state.get(key, body[key]) for key in body}


def _fetch_imagenet(arch: Architecture) -> Path:
    url: str = get_weight(IMAGENET_WEIGHTS[arch]).url
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", 1)[1]
    if path.is_file():
        return path
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_DOWNLOAD_TIMEOUT_S)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(
            url, str(path), hash_prefix=path.stem.rsplit("-", 1)[1], progress=False
        )
    except (URLError, OSError, RuntimeError) as error:
        # Another machine of several may have it.
        raise Unfit(
            f"weights: imagenet needs {path.name}, which can't be downloaded ({error}); "
            f"put the file into {path.parent} (TORCH_HOME decides), or set weights: none"
        ) from None
    finally:
        socket.setdefaulttimeout(before)
    return path


def _read_state(path: Path, content: bytes) -> State:
    try:
        if path.suffix == ".safetensors":
            state = load_safetensors(content)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # both readers raise many kinds for a file of another kind
        reason = " ".join(str(error).split())[:120]
        raise BadInput(
            f"weights: {path} is no state_dict (safetensors, or torch without code): {reason}"
        ) from None
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise BadInput(
            f"weights: {path}: expected a state_dict (name: tensor), came {_describe(state)}; save the "
            "network's state_dict alone"
        )
    return widen(state)


def _describe(content: object) -> str:
    if isinstance(content, dict):
        return f"a mapping with {', '.join(repr(str(key)) for key in list(content)[:3]) or 'nothing'}"
    return type(content).__name__
