"""Broken files: small ones of every format, with bytes changed as a seed says."""

import io
import random
import tempfile
from functools import cache
from pathlib import Path

import nibabel
import numpy as np
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.uid import JPEGLSLossless, RLELossless

from tests.scans.samples import HEAD, SHOWN_TO_RAS, dicom, save_dicom, save_nifti

# Headers lie at the front: half of the changes go there.
_FRONT = 700
_TELLING = (b"\x00", b"\xff", b"\x7f\xff", b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"\x01\x00", b"9999999")

# Files that pydicom's and nibabel's wheels carry, by the names they have here.
_PYDICOM = {
    "jpeg.dcm": "SC_rgb_small_odd_jpeg.dcm",
    "jpeg_large.dcm": "SC_rgb_jpeg_dcmtk.dcm",
    "jpeg2000.dcm": "MR_small_jp2klossless.dcm",
    "big_endian.dcm": "MR_small_bigendian.dcm",
    "implicit.dcm": "MR_small_implicit.dcm",
    "frames_dose.dcm": "rtdose.dcm",
    "frames_rle.dcm": "SC_rgb_rle_2frame.dcm",
    "near_jpegls.dcm": "SC_rgb_jls_lossy_line.dcm",
}
_NIBABEL = ("functional.nii", "example_nifti2.nii.gz")


@cache
def originals() -> dict[str, bytes]:
    """A small valid file of every kind, by name."""
    picture, deep = HEAD[:24, :24], HEAD[:24, :24].astype(np.uint16) * 200
    files = {f"{name}.{name}": _picture(name, picture) for name in ("png", "jpeg", "tiff", "bmp")}
    files["color.png"] = _picture("png", np.stack([picture] * 3, axis=2))
    files["deep.tiff"] = _picture("tiff", deep)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        files["plain.dcm"] = save_dicom(path, dicom(deep, PixelSpacing=["1", "2"])).read_bytes()
        files["frames.dcm"] = save_dicom(path, dicom(np.stack([deep] * 3))).read_bytes()
        for name, syntax in (("rle.dcm", RLELossless), ("jpegls.dcm", JPEGLSLossless)):
            header = dicom(deep)
            header.compress(syntax, generate_instance_uid=False)
            files[name] = save_dicom(path, header).read_bytes()
        for name in ("volume.nii", "volume.nii.gz"):
            files[name] = save_nifti(path.with_name(name), np.stack([deep] * 3)).read_bytes()
        volume = nibabel.Nifti2Image(np.stack([deep] * 3, axis=2), SHOWN_TO_RAS)
        files["volume2.nii"] = volume.to_bytes()
    files |= {
        name: Path(str(get_testdata_file(own, download=False))).read_bytes() for name, own in _PYDICOM.items()
    }
    samples = Path(nibabel.__file__).parent / "tests" / "data"
    return files | {f"volume_{name}": (samples / name).read_bytes() for name in _NIBABEL}


def mutate(seed: int) -> tuple[str, bytes]:
    """The name and content of a broken file; one to eight changes of bytes, cuts, repeats or swaps."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    name, content = chance.choice(sorted(originals().items()))
    data = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        _change(data, chance)
    return name, bytes(data)


def _change(data: bytearray, chance: random.Random) -> None:
    front = min(len(data), _FRONT) if chance.random() < 0.5 else len(data)
    place = chance.randrange(max(1, front))
    match chance.choice(("flip", "telling", "number", "cut", "repeat", "drop")):
        case "flip" if data:
            data[place % len(data)] ^= 1 << chance.randrange(8)
        case "telling":
            piece = chance.choice(_TELLING)
            data[place : place + len(piece)] = piece
        case "number" if data:
            data[place % len(data)] = chance.randrange(256)
        case "cut":
            del data[max(1, place) :]
        case "repeat":
            data[place:place] = data[place : place + chance.randint(1, 64)]
        case "drop":
            del data[place : place + chance.randint(1, 16)]


def _picture(name: str, pixels: np.ndarray) -> bytes:  # type: ignore[type-arg]
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, name)
    return buffer.getvalue()
