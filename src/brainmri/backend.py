"""Where this process computes: the section `compute` of params.yaml.

No stage tracks it: it changes no byte of what is written.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from brainmri.params import Section


class Backend(StrEnum):
    """Where things are mapped over."""

    LOCAL = "local"
    RAY = "ray"


class ComputeParams(Section):
    """The section `compute` of params.yaml, which no stage tracks: it changes no byte of what is written."""

    backend: Annotated[Backend, Field(strict=False, description="local or ray")]
    shared_folder: Annotated[bool, Field(description="true (all nodes see this folder) or false")]
    gpus_per_unit: Annotated[float, Field(ge=0, le=64, description="a number of GPUs from 0 to 64")]


class ComputeSection(Section):
    """The key of params.yaml that says where things are computed."""

    compute: ComputeParams


class _Chosen:
    params: ComputeParams | None = None


def choose(params: ComputeParams) -> None:
    """From here on this process computes as the settings say."""
    _Chosen.params = params


def find_gpus() -> float:
    """What a unit of training asks a cluster for."""
    return 0 if _Chosen.params is None else _Chosen.params.gpus_per_unit


def find_chosen() -> ComputeParams | None:
    """What was chosen; None is this machine."""
    return _Chosen.params
