"""Masks on the pixels of their slices as a DICOM Segmentation that refers to these."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import numpy as np
from highdicom import AlgorithmIdentificationSequence, PlanePositionSequence
from highdicom.color import CIELabColor
from highdicom.enum import CoordinateSystemNames
from highdicom.seg import (
    SegmentAlgorithmTypeValues,
    Segmentation,
    SegmentationTypeValues,
    SegmentDescription,
)
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.valuerep import DSfloat

from brainmri.errors import BadInput
from brainmri.scans.dicom_header import Vector
from brainmri.serving.dicom_origin import NAME, WARNING, Maker, Origin, to_bytes
from brainmri.serving.dicom_sources import Place, Source

_SERIES: Final = 20_000
_YELLOW: Final = CIELabColor(90.0, -10.0, 75.0)
# Directions and spacings (mm) of one stack, but for rounding.
_ROUNDING: Final = 1e-4
_NEEDED: Final = (
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "SOPClassUID",
    "FrameOfReferenceUID",
)
_KNOWN: Final = ("Modality", "LossyImageCompression")


def make_segmentation(masks: NDArray[np.uint8], sources: Sequence[Source], maker: Maker) -> bytes:
    """A DICOM file with `masks` (n, rows, columns), 0 or 1, a frame for each of the n sources.

    The sources are those that `check_sources` lets pass; highdicom may raise anything nevertheless.
    """
    origin = Origin(sources, maker, sha256(np.packbits(masks).tobytes()).hexdigest())
    made = Segmentation(
        source_images=_to_images(origin),
        pixel_array=masks,
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[_describe_segment(maker)],
        content_label="RESEARCH_ONLY",
        content_description=f"{WARNING}: tumor by a network",
        plane_positions=_list_positions(sources) if sources[0].grouped else None,
        # A frame without tumor says that the slice was looked at.
        omit_empty_frames=False,
        **origin.describe("segmentation", _SERIES),
    )
    # highdicom draws this one.
    for item in (*made.DimensionIndexSequence, *made.DimensionOrganizationSequence):
        item.DimensionOrganizationUID = origin.make_uid("dimensions")
    return to_bytes(made)


def check_sources(sources: Sequence[Source]) -> None:
    """Refuses what masks can't refer to (`BadInput`): images without UIDs or place, or of several stacks."""
    for source in sources:
        if missing := _find_missing(source):
            raise BadInput(f"expected {', '.join(missing)} in its header, came none or a wrong one")
        if not _are_alike(sources[0], source):
            raise BadInput("expected slices of one size, spacing and direction, came several")
    # The frames of a file are told apart by where they lie, also those that were not looked at.
    positions = [place.position for place in _list_places(sources)]
    if len(set(positions)) < len(positions):
        raise BadInput("expected each slice at a place of its own, came two at one")


def _list_places(sources: Sequence[Source]) -> Sequence[Place]:
    """Of all frames of a file, or of each file."""
    return sources[0].places if sources[0].grouped else [source.place for source in sources]


def _find_missing(source: Source) -> list[str]:
    placed = all(place.position for place in _list_places([source]))
    needs = {keyword: keyword in source.texts for keyword in _NEEDED} | {
        "PixelSpacing": source.spacing_mm is not None,
        "SliceThickness": source.thickness_mm is not None and source.thickness_mm > 0,
        "ImagePositionPatient": placed,
        "ImageOrientationPatient": source.place.orientation is not None,
    }
    return [keyword for keyword, there in needs.items() if not there]


def _are_alike(first: Source, other: Source) -> bool:
    one, two = ((*(item.spacing_mm or ()), *(item.place.orientation or ())) for item in (first, other))
    return first.stored == other.stored and np.allclose(one, two, rtol=0, atol=_ROUNDING)


def _to_images(origin: Origin) -> list[Dataset]:
    """As highdicom takes sources: one of many frames, or one for each slice."""
    first = origin.sources[0]
    if first.grouped:
        return [_to_frames(_refer(first, origin), first)]
    images = [_refer(source, origin) for source in origin.sources]
    for image, source in zip(images, origin.sources, strict=True):
        image.update(_measure(source))
        image.update(_place(source.place))
        # highdicom wants one direction, to the last digit.
        image.ImageOrientationPatient = _to_decimals(first.place.orientation)
    return images


def _to_frames(image: Dataset, source: Source) -> Dataset:
    image.NumberOfFrames = len(source.places)
    orientation, shared = Dataset(), Dataset()
    orientation.ImageOrientationPatient = _to_decimals(source.place.orientation)
    shared.PixelMeasuresSequence = [_measure(source)]
    shared.PlaneOrientationSequence = [orientation]
    image.SharedFunctionalGroupsSequence = [shared]
    image.PerFrameFunctionalGroupsSequence = groups = [Dataset() for _ in source.places]
    for group, place in zip(groups, source.places, strict=True):
        group.PlanePositionSequence = [_place(place)]
    return image


def _refer(source: Source, origin: Origin) -> Dataset:
    """Which image it is; patient and study are those of all."""
    image = origin.identify()
    for keyword in (*_NEEDED, *_KNOWN):
        if keyword in source.texts:
            setattr(image, keyword, source.texts[keyword])
    image.Rows, image.Columns = source.stored
    return image


def _measure(source: Source) -> Dataset:
    measures = Dataset()
    measures.PixelSpacing = _to_decimals(source.spacing_mm)
    measures.SliceThickness = _to_decimals([source.thickness_mm or 0.0])[0]
    return measures


def _place(place: Place) -> Dataset:
    placed = Dataset()
    placed.ImagePositionPatient = _to_decimals(place.position)
    return placed


def _to_decimals(vector: Vector | Sequence[float] | None) -> list[DSfloat]:
    return [DSfloat(value, auto_format=True) for value in vector or ()]


def _list_positions(sources: Sequence[Source]) -> list[PlanePositionSequence]:
    return [
        PlanePositionSequence(CoordinateSystemNames.PATIENT, image_position=source.place.position or ())
        for source in sources
    ]


def _describe_segment(maker: Maker) -> SegmentDescription:
    algorithm = AlgorithmIdentificationSequence(
        name=maker.name,
        family=codes.cid7162.ArtificialIntelligence,
        version=maker.sha256,
        source=NAME,
    )
    return SegmentDescription(
        segment_number=1,
        segment_label=f"Tumor, {WARNING}",
        segmented_property_category=codes.cid7150.MorphologicallyAbnormalStructure,
        segmented_property_type=codes.cid7151.Neoplasm,
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=algorithm,
        anatomic_regions=[codes.SCT.Brain],
        display_color=_YELLOW,
    )
