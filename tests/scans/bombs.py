"""What small files that eat memory or stack are made of."""

import struct
import zlib
from pathlib import Path

import nibabel
import numpy as np

from tests.scans.samples import HEAD, dicom, save_dicom


def nifti_header(shape: tuple[int, ...], dtype: type = np.uint8) -> bytes:
    """The header of a single .nii file that declares a shape."""
    header = nibabel.Nifti1Header()
    header.set_data_dtype(dtype)
    header.set_data_shape(shape)
    header["magic"], header["vox_offset"] = b"n+1", 352
    return bytes(header.binaryblock) + bytes(4)


def deflated(path: Path, megabytes: int) -> None:
    """A DICOM file in the deflated syntax: a valid meta group, then zeros, deflated."""
    plain = dicom(HEAD)
    plain.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    save_dicom(path, plain)
    meta_bytes = 132 + 12 + struct.unpack("<I", path.read_bytes()[140:144])[0]
    packer = zlib.compressobj(wbits=-15)
    body = b"".join(packer.compress(bytes(10**6)) for _ in range(megabytes))
    path.write_bytes(path.read_bytes()[:meta_bytes] + body + packer.flush())


def nest(depth: int) -> bytes:
    """RequestAttributesSequence of undefined length, an item of undefined length, and so on inwards."""
    opened = b"\x40\x00\x75\x02SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    closed = b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"
    return depth * opened + depth * closed
