"""How slices come to subsets: the section `split`, and the paper's random draw."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import numpy as np
from pydantic import Field

from brainmri.dataset.manifest import Subset
from brainmri.errors import BadInput
from brainmri.params import Section


class Protocol(StrEnum):
    """How slices are assigned to subsets."""

    GROUPED = "grouped"
    PAPER = "paper"


class SplitParams(Section):
    """The section `split`."""

    protocol: Annotated[Protocol, Field(strict=False, description="grouped or paper")]
    folds: Annotated[int, Field(ge=3, le=50, description="a whole number from 3 to 50")]
    paper_valid_share: Annotated[float, Field(gt=0, lt=1, description="a share between 0 and 1")]
    seed: Annotated[int, Field(ge=0, lt=2**32, description="a whole number from 0 to 4294967295")]


def draw_paper_subsets(labels: Sequence[str], params: SplitParams) -> list[Subset]:
    """As fastai's RandomSplitter: the first floor(share * n) of a random order are validation."""
    order = np.random.default_rng(params.seed).permutation(len(labels))
    chosen = set(order[: int(params.paper_valid_share * len(labels))].tolist())
    for label in sorted(set(labels)):
        inside = [labels[index] == label for index in chosen]
        if not any(inside) or sum(inside) == labels.count(label):
            raise BadInput(
                f"class {label}: expected images in both train and valid, came {labels.count(label)} in all; "
                "add scans or change split.seed"
            )
    return [Subset.VALID if index in chosen else Subset.TRAIN for index in range(len(labels))]
