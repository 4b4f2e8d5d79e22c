"""model.json: what a network is and how its input is prepared; read without torch."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from brainmri.dataset.preparation import ImageRule
from brainmri.errors import BadInput
from brainmri.learning.catalogue import Architecture
from brainmri.learning.recipe import Pooling
from brainmri.learning.shipped import PHANTOMS
from brainmri.scans.settings import SliceRule
from brainmri.tables import read_mapping

MODEL: Final = "model.json"


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


class Look(NamedTuple):
    """How a classifier is asked about an image: at so many pixels a side, left and right exchanged or not."""

    size: int
    mirrored: bool = False


def list_looks(sizes: Sequence[int], *, flips: bool) -> tuple[Look, ...]:
    """Each size as it is, in their order; then, with `flips`, each mirrored."""
    return tuple(
        Look(size, mirrored) for mirrored in ((False, True) if flips else (False,)) for size in sizes
    )


class ModelCard(_Part):
    """model.json of any task: what the network is, how its input is prepared and how it came about.

    `rule` and `slices` (which are read of a volume) are all that turns a scan into its input.
    """

    task: str
    architecture: Architecture
    classes: ClassNames
    channels: int
    rule: ImageRule
    slices: SliceRule
    normalization: ChannelStatistics
    network_size: int
    training: dict[str, Any]
    versions: dict[str, str]
    data_sha256: str

    @property
    def from_phantoms(self) -> bool:
        """Whether the network has seen synthetic MRI alone."""
        return bool(self.training.get("data") == PHANTOMS)


class ClassifierCard(ModelCard):
    """Of a classifier."""

    task: Literal["classification"] = "classification"
    pooling: Pooling
    dropout: float
    # A side in pixels at which the network looks at each image once more; the mean of its log odds counts.
    second_size: int | None = Field(default=None, exclude_if=lambda size: size is None)

    # Whether it looks at each image's mirror image too, at each of its sizes.
    flips: bool = Field(default=False, exclude_if=lambda flips: not flips)

    @property
    def looks(self) -> tuple[Look, ...]:
        """All, of whose log odds the mean counts; its features are of the first, at `network_size`."""
        sizes = [self.network_size, *([] if self.second_size is None else [self.second_size])]
        return list_looks(sizes, flips=self.flips)


class SegmenterCard(ModelCard):
    """Of a segmenter."""

    task: Literal["segmentation"] = "segmentation"
    attention: bool
    masks_sha256: str


AnyCard = TypeVar("AnyCard", bound=ModelCard)


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
