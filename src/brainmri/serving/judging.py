"""Prepared slices -> what a model's network says of them: on this machine, or on the nodes of a cluster."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from brainmri.backend import gpus_per_unit
from brainmri.compute import Needs, find_cluster
from brainmri.errors import BadInput
from brainmri.serving.model import CLASSIFIER, Model, Network, Opinion
from brainmri.serving.runtimes import Runtime, open_network

Images: TypeAlias = NDArray[np.uint8]  # (n, size, size) or (n, channels, size, size)
Judge = Callable[[Iterable[Images]], Iterator[Opinion]]
"""Slices, some hundred together -> what the network says of them, in the same order."""


class Predictor:
    """A model and what runs its network, which is loaded when it is first asked."""

    def __init__(self, model: Model, runtime: Runtime) -> None:
        """`runtime` is one that the model has a file for."""
        self.model, self.runtime = model, runtime

    @cached_property
    def network(self) -> Network:
        """The network, ready. Raises `BadInput` for a wrong file or a missing library."""
        return open_network(self.model, self.runtime)

    def judge(self, batches: Iterable[Images]) -> Iterator[Opinion]:
        """By this machine's network; by those of a cluster's nodes where one was chosen."""
        cluster = find_cluster()
        if cluster is None:
            return (self.network.judge(images) for images in batches)
        needs = Needs(gpus=min(1, gpus_per_unit()), name=_name_batch)
        return cluster.map_in_order(_pack(self.model, self.runtime).judge, batches, needs)


@dataclass(frozen=True)
class _Packed:
    """A model with the files that its network is made of, which a node need not see."""

    model: Model
    runtime: Runtime
    files: Mapping[str, NDArray[np.uint8]]

    def judge(self, images: Images) -> Opinion:
        """On a node: by a network that stays for the batches to come."""
        key = self.model.weights_sha256, self.runtime
        if key not in _opened:
            _opened.clear()
            _opened[key] = self._open()
        return _opened[key].judge(images)

    def _open(self) -> Network:
        with tempfile.TemporaryDirectory(prefix="brainmri-") as name:
            folder = Path(name)
            (folder / CLASSIFIER).mkdir()
            for file, content in self.files.items():
                (folder / CLASSIFIER / file).write_bytes(content.data)
            try:
                return open_network(replace(self.model, folder=folder), self.runtime)
            except BadInput as error:  # by the name that the user knows
                raise BadInput(str(error).replace(name, str(self.model.folder))) from None


# In a node's process: the network of the model that it was asked for last.
_opened: dict[tuple[str, Runtime], Network] = {}


def _pack(model: Model, runtime: Runtime) -> _Packed:
    files = (path for path in sorted((model.folder / CLASSIFIER).iterdir()) if path.is_file())
    return _Packed(model, runtime, {path.name: np.frombuffer(path.read_bytes(), np.uint8) for path in files})


def _name_batch(images: Images) -> str:
    return f"{len(images)} slices"
