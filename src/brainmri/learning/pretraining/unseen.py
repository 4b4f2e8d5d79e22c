"""Phantoms that no network learns from -> a prepared set as real scans make one, and its manifest."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.dataset.phantoms import PhantomRow
from brainmri.dataset.prepared import IMAGES, PREPARATION, REJECTED, SLICES, RejectedRow, SliceRow
from brainmri.dataset.streams import ArrayStream
from brainmri.learning.pretraining.generating import Generator
from brainmri.learning.pretraining.settings import CLASSES, PhantomSettings, UnseenParams
from brainmri.phantom.wide.kinds import Kind
from brainmri.replacement import replacing_folder
from brainmri.tables import write_mapping, write_rows

_FILES: Final = (IMAGES, SLICES, REJECTED, PREPARATION)
# Other numbers of phantoms at once are other phantoms.
_AT_ONCE: Final = 250
# As in a split of real scans: fold 0 is tested, fold 1 is validation.
_FOLDS: Final = {Subset.TEST: 0, Subset.VALID: 1, Subset.TRAIN: 2}


@dataclass
class UnseenSet:
    """The manifest and what is known of each phantom, in the order of the prepared set; what was left out."""

    manifest: list[ManifestRow] = field(default_factory=list)
    phantoms: list[PhantomRow] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)


def write_unseen(folder: Path, params: PhantomSettings, generator: Generator) -> UnseenSet:
    """Writes a prepared set of `pretrain.unseen`; phantoms whose tumor can't be seen are rejected."""
    drawn = UnseenSet()
    with replacing_folder(folder, _FILES) as aside:
        with ArrayStream(aside / IMAGES, (params.rule.size, params.rule.size)) as images:
            for phantom in _draw(params, generator):
                if phantom.clear:
                    images.append(phantom.image)
                    _note(drawn, phantom, params.unseen)
                else:
                    reason = "its tumor can't be seen"
                    drawn.rejected.append(RejectedRow(scan=phantom.name, reason=reason))
        write_rows(aside / SLICES, [_describe(row) for row in drawn.manifest], SliceRow)
        write_rows(aside / REJECTED, drawn.rejected, RejectedRow)
        write_mapping(aside / PREPARATION, _describe_set(params))
    return drawn


@dataclass(frozen=True)
class _Phantom:
    number: int
    image: NDArray[np.uint8]
    tumor: bool
    clear: bool
    kind: str
    area: float

    @property
    def name(self) -> str:
        return f"phantom_{self.number:06d}"


def _draw(params: PhantomSettings, generator: Generator) -> Iterator[_Phantom]:
    """All that `pretrain.unseen` asks for, one by one."""
    total = params.unseen.familiar + params.unseen.valid + params.unseen.test
    for first in range(0, total, _AT_ONCE):
        batch = generator.render(params.unseen.seed, first // _AT_ONCE, _AT_ONCE, params.rule.size)
        images = batch.images[:, 0].cpu().numpy()
        columns = (batch.tumor, batch.clear, batch.kind, batch.area)
        facts = zip(*(column.tolist() for column in columns), strict=True)
        for number, (tumor, clear, kind, area) in zip(range(first, total), facts, strict=False):
            yield _Phantom(number, images[number - first], tumor, clear, Kind(kind).name.lower(), area)


def _note(drawn: UnseenSet, phantom: _Phantom, unseen: UnseenParams) -> None:
    subset = _choose_subset(phantom.number, unseen)
    label = CLASSES.positive if phantom.tumor else CLASSES.negative
    drawn.manifest.append(
        ManifestRow(
            slice_id=phantom.name, group=phantom.name, label=label, subset=subset, fold=_FOLDS[subset]
        )
    )
    drawn.phantoms.append(PhantomRow(slice_id=phantom.name, kind=phantom.kind, area=phantom.area))


def _choose_subset(number: int, unseen: UnseenParams) -> Subset:
    if number < unseen.familiar:
        return Subset.TRAIN
    return Subset.VALID if number < unseen.familiar + unseen.valid else Subset.TEST


def _describe(row: ManifestRow) -> SliceRow:
    return SliceRow(
        slice_id=row.slice_id,
        scan=row.slice_id,
        slice=0,
        patient=None,
        label=row.label,
        has_mask=False,
        tumor_area=None,
        spacing_mm=None,
        given_subset=row.subset.value,
    )


def _describe_set(params: PhantomSettings) -> dict[str, object]:
    return {
        "name": "unseen phantoms",
        "classes": vars(CLASSES),
        "channels": 1,
        "rule": params.rule.model_dump(mode="json"),
        "slices": params.slices.model_dump(),
    }
