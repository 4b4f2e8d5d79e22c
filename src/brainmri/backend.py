"""Where this process computes: the section `compute` of params.yaml.

No stage tracks it: it changes no byte of what is written, as long as units are trained on the same kind of
device, and none by several GPUs.
"""

from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from brainmri.params import Section

# Of a GPU, that several units share.
_LEAST_SHARE: Final = 0.01


class Backend(StrEnum):
    """Where things are mapped over."""

    LOCAL = "local"
    RAY = "ray"


class ComputeParams(Section):
    """The section `compute` of params.yaml, which no stage tracks."""

    backend: Annotated[Backend, Field(strict=False, description="local or ray")]
    shared_folder: Annotated[bool, Field(description="true (all nodes see this folder) or false")]
    gpus_per_unit: Annotated[
        float, Field(ge=0, le=64, description="0, a share from 0.01 to 1, or a whole number")
    ]

    @model_validator(mode="after")
    def _check(self) -> Self:
        gpus = self.gpus_per_unit
        if 0 < gpus < _LEAST_SHARE or (gpus > 1 and not gpus.is_integer()):
            raise ValueError(
                f"gpus_per_unit: expected 0, a share from {_LEAST_SHARE} to 1, or a whole number, came "
                f"{gpus}; correct it"
            )
        return self


class ComputeSection(Section):
    """The key of params.yaml that says where things are computed."""

    compute: ComputeParams


class _Chosen:
    params: ComputeParams | None = None


def choose(params: ComputeParams) -> None:
    """From here on this process computes as the settings say."""
    _Chosen.params = params


def gpus_per_unit() -> float:
    """What a unit of training asks a cluster for."""
    return 0 if _Chosen.params is None else _Chosen.params.gpus_per_unit


def find_chosen() -> ComputeParams | None:
    """What was chosen; None is this machine."""
    return _Chosen.params
