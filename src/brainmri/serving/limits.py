"""What a stranger's file may take: from params.yaml here, or as an exported model carries it."""

from pathlib import Path
from typing import Final

from brainmri.dataset.prepare import PrepareParams
from brainmri.params import Section, check_section, read_params
from brainmri.scans.settings import ReadingLimits
from brainmri.tables import read_mapping

LIMITS: Final = "limits.json"


class Params(Section):
    """The keys of params.yaml that say so."""

    prepare: PrepareParams


def find_limits(model: Path) -> ReadingLimits:
    """Those of an exported model folder, else of params.yaml. Raises `BadInput` without either."""
    if (model / LIMITS).is_file():
        return check_section(ReadingLimits, read_mapping(model / LIMITS), str(model / LIMITS))
    params = read_params(Params).prepare
    return ReadingLimits(**{name: getattr(params, name) for name in ReadingLimits.model_fields})
