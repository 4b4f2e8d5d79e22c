"""Answers of DICOM scans as DICOM: a picture of the slice that decided, and masks where a model outlines."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brainmri.dataset.restoration import restore_mask
from brainmri.errors import BadInput
from brainmri.figures.capture import Words, draw_capture
from brainmri.figures.heat import Heat
from brainmri.figures.sheet import Caption
from brainmri.learning.cards import SegmenterCard, read_model_card
from brainmri.learning.model_folder import WEIGHTS
from brainmri.scans.files import FileKind, detect_kind, hash_file
from brainmri.scoring.calibration import OperatingPoint
from brainmri.serving.answers import UNLIKE, ScanAnswer
from brainmri.serving.dicom_capture import make_capture
from brainmri.serving.dicom_masks import check_sources, make_segmentation
from brainmri.serving.dicom_origin import Maker, quiet
from brainmri.serving.dicom_sources import Source, read_sources
from brainmri.serving.explanation import SMALL_PRINT, Eye, Seen, make_folder, name_file, split
from brainmri.serving.intake import Taken
from brainmri.serving.model import CLASSIFIER, SEGMENTER, Model
from brainmri.serving.runtimes import Outline
from brainmri.tables import write_bytes

OPTION: Final = "--dicom-out"
_SIGNS: Final = 12


@dataclass(frozen=True)
class Case:
    """A scan of DICOM files, what was said of it, its prepared slices, and where its files begin."""

    taken: Taken
    scan: ScanAnswer
    images: NDArray[np.uint8]
    stem: Path


@dataclass(frozen=True)
class Segmenter:
    """What outlines tumors, and what it is."""

    outline: Outline
    maker: Maker


def open_writer(model: Model, folder: Path, outline: Outline | None, max_megabytes: int) -> "DicomWriter":
    """A writer; `outline` is the segmenter's, None without one. Raises `BadInput` as `DicomWriter` does."""
    segmenter = None if outline is None else Segmenter(outline, _name_segmenter(model))
    return DicomWriter(model, folder, segmenter, max_megabytes)


class DicomWriter:
    """Writes `NUMBER_NAME_SC.dcm` and `NUMBER_NAME_SEG.dcm` for each DICOM scan, numbered as all scans are.

    What can't be made is said in a line on standard error; the rest is written.
    """

    def __init__(self, model: Model, folder: Path, segmenter: Segmenter | None, max_megabytes: int) -> None:
        """Makes `folder` if it isn't there; `max_megabytes` bounds a file whose header is read.

        Raises `BadInput` where the model has no weights for PyTorch.
        """
        self._eye = Eye(model)
        self._point, self._folder, self._count = model.point, folder, 0
        self._segmenter, self._max_megabytes = segmenter, max_megabytes
        architecture, digest = model.card.architecture.value, model.weights_sha256
        self._classifier = Maker(CLASSIFIER, architecture, digest, model.zero_shot)
        self._skipped = False
        make_folder(folder, OPTION)

    def write(self, taken: Sequence[Taken], scans: Sequence[ScanAnswer], images: NDArray[np.uint8]) -> None:
        """See `Watch`."""
        cases = []
        for item, scan, own in zip(taken, scans, split(scans, images), strict=True):
            self._count += 1
            if detect_kind(item.files[0]) is FileKind.DICOM:
                cases.append(Case(item, scan, own, self._folder / name_file(self._count, scan.scan)))
            elif not self._skipped:
                self._skipped = True
                _say(scan.scan, "nothing is written of this, and of whatever else is not DICOM")
        if not cases:
            return
        seen = self._eye.see([case.scan for case in cases], [case.images for case in cases])
        for case, deciding in zip(cases, seen, strict=True):
            self._write_capture(case, deciding)
            if self._segmenter is not None:
                self._write_segmentation(case, self._segmenter.outline(case.images), self._segmenter.maker)

    def _write_capture(self, case: Case, seen: Seen) -> None:
        def make() -> bytes:
            (source,) = read_sources(case.taken.files, [seen.piece.slice], self._max_megabytes)
            maker = self._classifier
            words = Words(maker.warning, f"{SMALL_PRINT} {_sign(maker)}{maker.remark}")
            caption = _write_caption(case.scan, source, seen, self._point)
            item = Heat(seen.image, seen.heat, seen.hottest, caption)
            return make_capture(draw_capture(item, source.sides, words), source, maker)

        _write(case, "SC", make)

    def _write_segmentation(self, case: Case, masks: NDArray[np.uint8], maker: Maker) -> None:
        def make() -> bytes:
            pieces = case.taken.prepared.slices
            sources = read_sources(case.taken.files, [piece.number for piece in pieces], self._max_megabytes)
            check_sources(sources)
            restored = [
                restore_mask(mask, piece.box, source.stored, source.spacing_mm)
                for mask, piece, source in zip(masks, pieces, sources, strict=True)
            ]
            return make_segmentation(np.stack(restored), sources, maker)

        _write(case, "SEG", make)


def _write(case: Case, kind: str, make: Callable[[], bytes]) -> None:
    """Writes what `make` returns, or says why there is nothing. Raises `OSError` where it can't be written.

    Libraries raise anything for a stranger's header, and their words may quote a patient: they stay here.
    """
    try:
        with quiet():
            content = make()
    except BadInput as error:
        reason = str(error)
    except Exception as error:
        reason = f"expected a header that DICOM's rules hold for, came another ({type(error).__name__})"
    else:
        write_bytes(case.stem.with_name(f"{case.stem.name}_{kind}.dcm"), content)
        return
    _say(case.scan.scan, f"no DICOM {kind} is written: {reason}")


def _say(scan: str, notice: str) -> None:
    print(f"note: {scan}: {notice}", file=sys.stderr)


def _write_caption(scan: ScanAnswer, source: Source, seen: Seen, point: OperatingPoint) -> Caption:
    """What was decided, of which slice, and what makes it even less certain; no name of a file or patient."""
    positive = point.positive
    decided = (
        f"Decision: {scan.decision}. Probability of {positive}: {scan.probability_max:.2f} "
        f"({positive} from {point.threshold:.2f} on)"
    )
    among = f": the highest of the {len(scan.slices)} slices looked at" if len(scan.slices) > 1 else ""
    unlike = UNLIKE.capitalize() if scan.unlike else ""
    return Caption(decided, f"{_name_slice(source, seen)}{among}", unlike)


def _name_slice(source: Source, seen: Seen) -> str:
    """As viewers count, where the header has these numbers; else as answers do, from 0."""
    numbers = {"series": "SeriesNumber", "instance": "InstanceNumber"}
    named = [f"{word} {source.texts[key]}" for word, key in numbers.items() if key in source.texts]
    if len(source.places) > 1:
        named.append(f"frame {source.frame + 1}")
    return ", ".join(named).capitalize() or f"Slice {seen.piece.slice}, counted from 0"


def _sign(maker: Maker) -> str:
    return f"{maker.name}, weights {maker.sha256[:_SIGNS]}."


def _name_segmenter(model: Model) -> Maker:
    weights = model.folder / SEGMENTER / WEIGHTS
    if not weights.is_file():
        raise BadInput(f"{weights}: no such file; run `dvc repro segmentation/dvc.yaml`")
    architecture = read_model_card(weights.parent, SegmenterCard).architecture.value
    return Maker(SEGMENTER, f"U-Net on {architecture}", hash_file(weights))
