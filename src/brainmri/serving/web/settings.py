"""What a request to the server may take."""

from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from brainmri.params import Section, check_section, read_params
from brainmri.tables import read_mapping

SERVE_LIMITS: Final = "serve.json"


class ServeLimits(Section):
    """The section `serve` of params.yaml."""

    max_upload_megabytes: Annotated[int, Field(ge=1, description="a whole number of megabytes, at least 1")]
    max_files: Annotated[int, Field(ge=1, description="a whole number of files, at least 1")]
    max_unpacked_megabytes: Annotated[int, Field(ge=1, description="a whole number, at least 1")]
    max_viewed_slices: Annotated[int, Field(ge=1, description="a whole number of slices, at least 1")]
    receive_seconds: Annotated[float, Field(gt=0, description="a number of seconds above 0")]
    answer_seconds: Annotated[float, Field(gt=0, description="a number of seconds above 0")]
    waiting: Annotated[int, Field(ge=1, description="a whole number of requests, at least 1")]


class Params(Section):
    """The key of params.yaml."""

    serve: ServeLimits


def find_serve_limits(model: Path) -> ServeLimits:
    """Those of an exported model folder, else of params.yaml. Raises `BadInput` without either."""
    if (model / SERVE_LIMITS).is_file():
        return check_section(ServeLimits, read_mapping(model / SERVE_LIMITS), str(model / SERVE_LIMITS))
    return read_params(Params).serve
