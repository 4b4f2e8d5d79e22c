"""A raw folder -> the prepared set."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from pydantic import Field

from brainmri.confinement import Failure, Limits
from brainmri.dataset.labels import Evidence, label_slices
from brainmri.dataset.preparation import ImageRule
from brainmri.dataset.prepared import (
    IMAGES,
    MASKS,
    PREPARATION,
    RAW_FACTS,
    REJECTED,
    SLICES,
    RawFactRow,
    RejectedRow,
    SliceRow,
)
from brainmri.dataset.scan_preparation import PreparationRule, PreparedScan, PreparedSlice, prepare_scans
from brainmri.dataset.streams import ArrayStream
from brainmri.errors import BadInput
from brainmri.isolation import isolate_within
from brainmri.replacement import replacing_folder
from brainmri.scans.folder import Scan, list_scans
from brainmri.scans.series import gather_scans
from brainmri.scans.settings import Channel
from brainmri.tables import stream_rows, write_mapping, write_rows

_FILES = (IMAGES, MASKS, SLICES, RAW_FACTS, REJECTED, PREPARATION)


class PrepareParams(PreparationRule):
    """The section `prepare`."""

    positive: Annotated[str, Field(min_length=1, description="the name of the class that means tumor")]
    max_rejected: Annotated[float, Field(ge=0, le=1, description="a share of the scans from 0 to 1")]


@dataclass(frozen=True)
class PreparedCount:
    """What became of a raw folder's scans."""

    found: int
    slices: int
    rejected: int
    notices: Sequence[str]


@dataclass(frozen=True)
class _Known:
    """What is kept of a slice until all are read; its pixels are on disk by then."""

    evidence: Evidence
    slice_id: str
    number: int
    tumor_area: int | None
    spacing_mm: float | None


@dataclass
class _Progress:
    known: list[_Known] = field(default_factory=list)
    rejected: list[RejectedRow] = field(default_factory=list)
    notices: Counter[str] = field(default_factory=Counter)


def prepare_folder(raw: Path, params: PrepareParams, folder: Path) -> PreparedCount:
    """Reads every scan below `raw` and writes the prepared set to `folder`.

    Strangers' files are decoded in processes of their own; what is prepared goes to disk at once, and
    replaces the earlier set only if all went well. Raises `BadInput` if more than `max_rejected` of
    the scans can't be used, or if what is left is not two classes of which one is `positive`.
    """
    found = list_scans(raw)
    isolate = isolate_within(Limits(params.max_memory_megabytes, params.max_seconds))
    gathered = gather_scans(found, params, isolate)
    progress = _Progress()
    progress.rejected += [RejectedRow(scan=scan.path, reason=reason) for scan, reason in gathered.failures]
    outcomes = prepare_scans(raw, params, gathered.scans, isolate, "prepare")
    total = len(gathered.scans) + len(gathered.failures)
    with replacing_folder(folder, _FILES) as aside:
        _write_pixels(aside, params, zip(gathered.scans, outcomes, strict=True), progress)
        progress.rejected.sort(key=lambda row: row.scan)
        _check_rejected(raw, total, progress.rejected, params.max_rejected)
        _write_tables(aside, raw, params, progress)
    notices = [f"{count} scans with {notice}" for notice, count in sorted(progress.notices.items())]
    return PreparedCount(total, len(progress.known), len(progress.rejected), [*found.notices, *notices])


def _write_pixels(
    folder: Path,
    params: PrepareParams,
    outcomes: Iterator[tuple[Scan, PreparedScan | Failure]],
    progress: _Progress,
) -> None:
    """Arrays and raw facts, slice by slice as they come; the rest of what is known goes to `progress`."""
    size = (params.size, params.size)
    shape = (3, *size) if params.channel is Channel.ALL else size
    with ExitStack() as stack:
        images = stack.enter_context(ArrayStream(folder / IMAGES, shape))
        masks = stack.enter_context(ArrayStream(folder / MASKS, size))
        facts = stack.enter_context((folder / RAW_FACTS).open("w", encoding="utf-8", newline=""))
        stream_rows(facts, _take(outcomes, images, masks, progress), RawFactRow)
    if not any(item.evidence.has_tumor is not None for item in progress.known):
        (folder / MASKS).unlink()


def _take(
    outcomes: Iterator[tuple[Scan, PreparedScan | Failure]],
    images: ArrayStream,
    masks: ArrayStream,
    progress: _Progress,
) -> Iterator[RawFactRow]:
    for scan, outcome in outcomes:
        if isinstance(outcome, Failure):
            progress.rejected.append(RejectedRow(scan=scan.path, reason=outcome.reason))
            continue
        progress.notices.update(outcome.notices)
        for piece in outcome.slices:
            images.append(piece.image)
            if piece.mask is None:
                masks.skip()
            else:
                masks.append(piece.mask)
            progress.known.append(_keep(scan, piece))
            yield piece.facts


def _keep(scan: Scan, piece: PreparedSlice) -> _Known:
    area = None if piece.mask is None else int(piece.mask.sum())
    evidence = Evidence(scan, piece.has_tumor)
    return _Known(evidence, piece.facts.slice_id, piece.number, area, piece.spacing_mm)


def _check_rejected(raw: Path, total: int, rejected: Sequence[RejectedRow], most: float) -> None:
    if len(rejected) > most * total:
        first = rejected[0]
        raise BadInput(
            f"{raw}: expected at most {most:.0%} of {total} scans to be rejected "
            f"(prepare.max_rejected), came {len(rejected)}; the first is {first.scan}: {first.reason}"
        )


def _write_tables(folder: Path, raw: Path, params: PrepareParams, progress: _Progress) -> None:
    known = progress.known
    for before, after in pairwise(known):
        if before.slice_id >= after.slice_id:
            raise BadInput(f"{raw}: {after.slice_id} is a scan and a slice of another; rename the scan")
    labels, classes = label_slices(raw, [item.evidence for item in known], params.positive)
    patients = _number_patients([item.evidence.scan.patient for item in known])
    rows = (_slice_row(*columns) for columns in zip(known, labels, patients, strict=True))
    write_rows(folder / SLICES, rows, SliceRow)
    write_rows(folder / REJECTED, progress.rejected, RejectedRow)
    preparation = {
        "name": raw.resolve().name,
        "classes": {"negative": classes.negative, "positive": classes.positive},
        "channels": 3 if params.channel is Channel.ALL else 1,
        "rule": {name: getattr(params, name) for name in ImageRule.model_fields},
        "slices": params.slices.model_dump(),
    }
    write_mapping(folder / PREPARATION, preparation)


def _number_patients(names: Sequence[str | None]) -> list[str | None]:
    """P0001 … in the order of their first scan; the names themselves are written nowhere."""
    numbers: dict[str, str] = {}
    return [None if name is None else numbers.setdefault(name, f"P{len(numbers) + 1:04d}") for name in names]


def _slice_row(item: _Known, label: str, patient: str | None) -> SliceRow:
    return SliceRow(
        slice_id=item.slice_id,
        scan=item.evidence.scan.path,
        slice=item.number,
        patient=patient,
        label=label,
        has_mask=item.evidence.has_tumor is not None,
        tumor_area=item.tumor_area,
        spacing_mm=item.spacing_mm,
        given_subset=item.evidence.scan.subset,
    )
