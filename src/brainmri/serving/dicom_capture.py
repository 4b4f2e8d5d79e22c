"""A picture of a slice as a DICOM Secondary Capture, filed in the study of the slice."""

from hashlib import sha256
from typing import Final

import numpy as np
from highdicom.enum import CoordinateSystemNames
from highdicom.sc import SCImage
from highdicom.sr import CodedConcept
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian

from brainmri.serving.dicom_origin import WARNING, Maker, Origin, to_bytes
from brainmri.serving.dicom_sources import Source

_SERIES: Final = 10_000
_WORKSTATION: Final = "WSD"
_LOSSY: Final = "01"


def make_capture(picture: NDArray[np.uint8], source: Source, maker: Maker) -> bytes:
    """A DICOM file with `picture` (rows, columns, 3); in a study of its own if the source names none.

    highdicom may raise anything.
    """
    origin = Origin([source], maker, sha256(picture.tobytes()).hexdigest())
    sides = source.sides
    image = SCImage.from_ref_dataset(
        ref_dataset=origin.identify(),
        pixel_array=picture,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system=CoordinateSystemNames.PATIENT,
        # highdicom wants some; they are taken out below.
        patient_orientation=("L", "P") if sides is None else (sides.right, sides.bottom),
        transfer_syntax_uid=ExplicitVRLittleEndian,
        **origin.describe("heat map", _SERIES),
    )
    if sides is None:
        image["PatientOrientation"].value = None
    image.ConversionType = _WORKSTATION
    image.update(_describe(source, maker))
    return to_bytes(image)


def _describe(source: Source, maker: Maker) -> Dataset:
    """What the picture is, of which image, and not for."""
    said = Dataset()
    # By its definition: whether what is burnt in tells the patient. It doesn't.
    said.BurnedInAnnotation = "NO"
    # Not of a left or right side; without it the standard asks for one.
    said.BodyPartExamined = "HEAD"
    said.ImageComments = f"{WARNING}. It shows where a network looks, not where a tumor is.{maker.remark}"
    said.DerivationDescription = f"{WARNING}. {maker.name}, weights {maker.sha256}"
    if {"SOPClassUID", "SOPInstanceUID"} <= set(source.texts):
        said.SourceImageSequence = [_refer(source)]
    if source.texts.get("LossyImageCompression") == _LOSSY:
        said.LossyImageCompression = _LOSSY
    return said


def _refer(source: Source) -> Dataset:
    reference = Dataset()
    reference.ReferencedSOPClassUID = source.texts["SOPClassUID"]
    reference.ReferencedSOPInstanceUID = source.texts["SOPInstanceUID"]
    if source.grouped:  # a class that has no frames must not be referred to by one
        reference.ReferencedFrameNumber = source.frame + 1
    purpose = CodedConcept.from_code(codes.DCM.SourceImageForImageProcessingOperation)
    reference.PurposeOfReferenceCodeSequence = [purpose]
    return reference
