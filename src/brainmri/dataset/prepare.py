"""A raw folder -> the prepared set."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import Field

from brainmri.confinement import Failure, Limits
from brainmri.dataset.labels import Evidence, name_classes
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
from brainmri.tables import RowStream, iterate_rows, write_mapping, write_rows

_FILES = (IMAGES, MASKS, SLICES, RAW_FACTS, REJECTED, PREPARATION)
# The rows of slices.csv until all labels are known; it stays in the folder aside, and goes with it.
_UNLABELLED = "unlabelled.csv"


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


@dataclass
class _Progress:
    """What is kept until all scans are read; pixels and rows of slices are on disk by then."""

    slices: int = 0
    evidence: dict[Evidence, int] = field(default_factory=dict)  # numbered as it comes
    examples: list[str] = field(default_factory=list)  # the first scan with each
    patients: dict[str, str] = field(default_factory=dict)
    last: str = ""
    rejected: list[RejectedRow] = field(default_factory=list)
    notices: Counter[str] = field(default_factory=Counter)


def prepare_folder(raw: Path, params: PrepareParams, folder: Path) -> PreparedCount:
    """Reads every scan below `raw` and writes the prepared set to `folder`.

    Strangers' files are decoded in processes of their own; what is prepared goes to disk at once, and
    replaces the earlier set only if all went well. Raises `BadInput` if more than `max_rejected` of
    the scans can't be used, or if what is left is not two classes of which one is `positive`.
    """
    found = list_scans(raw)
    isolate = isolate_within(Limits(params.max_memory_megabytes, params.max_seconds, patient=True))
    gathered = gather_scans(found, params, isolate)
    progress = _Progress()
    progress.rejected += [RejectedRow(scan=scan.path, reason=reason) for scan, reason in gathered.failures]
    outcomes = prepare_scans(raw, params, gathered.scans, isolate, "prepare")
    total = len(gathered.scans) + len(gathered.failures)
    with replacing_folder(folder, _FILES) as aside:
        _write_slices(aside, raw, params, zip(gathered.scans, outcomes, strict=True), progress)
        progress.rejected.sort(key=lambda row: row.scan)
        _check_rejected(raw, total, progress.rejected, params.max_rejected)
        _write_tables(aside, raw, params, progress)
    notices = [f"{count} scans with {notice}" for notice, count in sorted(progress.notices.items())]
    return PreparedCount(total, progress.slices, len(progress.rejected), [*found.notices, *notices])


def _write_slices(
    folder: Path,
    raw: Path,
    params: PrepareParams,
    outcomes: Iterator[tuple[Scan, PreparedScan | Failure]],
    progress: _Progress,
) -> None:
    """Arrays, raw facts and rows without labels, slice by slice as they come."""
    size = (params.size, params.size)
    shape = (3, *size) if params.channel is Channel.ALL else size
    with ExitStack() as stack:
        images = stack.enter_context(ArrayStream(folder / IMAGES, shape))
        masks = stack.enter_context(ArrayStream(folder / MASKS, size))
        facts = stack.enter_context(RowStream(folder / RAW_FACTS, RawFactRow))
        rows = stack.enter_context(RowStream(folder / _UNLABELLED, SliceRow))
        for scan, piece in _take(outcomes, progress):
            images.append(piece.image)
            if piece.mask is None:
                masks.skip()
            else:
                masks.append(piece.mask)
            facts.append(piece.facts)
            rows.append(_unlabelled_row(scan, piece, raw, progress))
    if all(item.has_tumor is None for item in progress.evidence):
        (folder / MASKS).unlink()


def _take(
    outcomes: Iterator[tuple[Scan, PreparedScan | Failure]], progress: _Progress
) -> Iterator[tuple[Scan, PreparedSlice]]:
    for scan, outcome in outcomes:
        if isinstance(outcome, Failure):
            progress.rejected.append(RejectedRow(scan=scan.path, reason=outcome.reason))
            continue
        progress.notices.update(outcome.notices)
        for piece in outcome.slices:
            progress.slices += 1
            yield scan, piece


def _unlabelled_row(scan: Scan, piece: PreparedSlice, raw: Path, progress: _Progress) -> SliceRow:
    """A row with its evidence's number for a label: what that is called is known when all slices are."""
    slice_id = piece.facts.slice_id
    if slice_id <= progress.last:
        raise BadInput(f"{raw}: {slice_id} is a scan and a slice of another; rename the scan")
    progress.last = slice_id
    evidence = Evidence(scan.label, scan.numbered, piece.has_tumor)
    if evidence not in progress.evidence:
        progress.evidence[evidence] = len(progress.examples)
        progress.examples.append(scan.path)
    return SliceRow(
        slice_id=slice_id,
        scan=scan.path,
        slice=piece.number,
        patient=_number_patient(scan.patient, progress.patients),
        label=str(progress.evidence[evidence]),
        has_mask=piece.has_tumor is not None,
        tumor_area=None if piece.mask is None else int(piece.mask.sum()),
        spacing_mm=piece.spacing_mm,
        given_subset=scan.subset,
    )


def _number_patient(name: str | None, numbers: dict[str, str]) -> str | None:
    """P0001 … in the order of their first scan; the names themselves are written nowhere."""
    return None if name is None else numbers.setdefault(name, f"P{len(numbers) + 1:04d}")


def _check_rejected(raw: Path, total: int, rejected: Sequence[RejectedRow], most: float) -> None:
    if len(rejected) > most * total:
        first = rejected[0]
        raise BadInput(
            f"{raw}: expected at most {most:.0%} of {total} scans to be rejected "
            f"(prepare.max_rejected), came {len(rejected)}; the first is {first.scan}: {first.reason}"
        )


def _write_tables(folder: Path, raw: Path, params: PrepareParams, progress: _Progress) -> None:
    found = dict(zip(progress.evidence, progress.examples, strict=True))
    labels, classes = name_classes(raw, found, params.positive)
    names = list(labels.values())
    with RowStream(folder / SLICES, SliceRow) as rows:
        for row in iterate_rows(folder / _UNLABELLED, SliceRow):
            rows.append(row.model_copy(update={"label": names[int(row.label)]}))
    write_rows(folder / REJECTED, progress.rejected, RejectedRow)
    preparation = {
        "name": raw.resolve().name,
        "classes": {"negative": classes.negative, "positive": classes.positive},
        "channels": 3 if params.channel is Channel.ALL else 1,
        "rule": {name: getattr(params, name) for name in ImageRule.model_fields},
        "slices": params.slices.model_dump(),
    }
    write_mapping(folder / PREPARATION, preparation)
