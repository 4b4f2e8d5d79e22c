"""The brain the phantoms are made of: the MNI152 templates as volumes in millimetres.

nilearn carries them in its wheel (ICBM 2009a nonlinear symmetric, 1 mm, brain only). T1 and white
matter suffice, gray is what is left. They are read
by nibabel, since importing `nilearn.datasets` alone takes two seconds.
"""

import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import nibabel
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from brainmri.errors import BadInput

Map: TypeAlias = NDArray[np.float32]  # (rows, columns), one value a pixel
Points: TypeAlias = NDArray[np.float32]  # (3, rows, columns), MNI mm: right, anterior, superior

_FILE = "mni_icbm152_{}_tal_nlin_sym_09a_converted.nii.gz"
_COARSE_MM = 4
_MARGIN_MM = 48
_FAR_MM = 99.0


@dataclass(frozen=True)
class Volume:
    """Values on a regular grid, `origin_mm` being the centre of the first voxel."""

    values: NDArray[np.float32]
    origin_mm: NDArray[np.float32]
    spacing_mm: float

    def sample(self, points: Points) -> Map:
        """The values at `points`, trilinear; beyond the grid those of its border."""
        index = (points - self.origin_mm[:, None, None]) / np.float32(self.spacing_mm)
        sampled: Map = ndimage.map_coordinates(self.values, index, np.float32, order=1, mode="nearest")
        return sampled


@dataclass(frozen=True)
class Anatomy:
    """What is known at each place of the template head.

    `tissue` is the sharpened T1 template, 0 to about 1: fluid below 0.55, gray matter near 0.65,
    white matter near 0.85; `white` is the share of white matter, 0 to 1. Distances are negative inside:
    to the surface of the brain, to the (smoother) inside of the skull, to the ventricles.
    """

    tissue: Volume
    white: Volume
    brain_mm: Volume
    skull_mm: Volume
    ventricle_mm: Volume


@cache
def load_anatomy() -> Anatomy:
    """The template head; about a second, once a process."""
    t1, origin = _read_template("t1")
    white, _ = _read_template("wm")
    brain = _coarsen(t1 > 0)
    envelope = _close(brain, radius_mm=9)
    coarse_origin = origin - _MARGIN_MM + (_COARSE_MM - 1) / 2
    return Anatomy(
        tissue=Volume(_sharpen(t1), origin, 1),
        white=Volume(white, origin, 1),
        brain_mm=Volume(_distance(envelope, smooth_mm=3), coarse_origin, _COARSE_MM),
        skull_mm=Volume(_distance(_close(brain, radius_mm=21), smooth_mm=8), coarse_origin, _COARSE_MM),
        ventricle_mm=Volume(
            _distance(_find_ventricles(t1, envelope), smooth_mm=2), coarse_origin, _COARSE_MM
        ),
    )


def _read_template(kind: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Values between 0 and 1 on the 1 mm grid, and the place of its first voxel."""
    package = importlib.util.find_spec("nilearn")
    folder = Path(package.origin or "").parent / "datasets" / "data" if package else Path("nilearn")
    path = folder / _FILE.format(kind)
    try:
        image: Any = nibabel.load(path)
    except (OSError, nibabel.filebasedimages.ImageFileError):
        raise BadInput(
            f"{path}: expected the MNI152 template that nilearn ships, came no readable file; "
            "install nilearn anew: pip install --force-reinstall nilearn"
        ) from None
    return np.asarray(image.dataobj, np.float32) / np.float32(255), image.affine[:3, 3].astype(np.float32)


def _sharpen(t1: NDArray[np.float32]) -> NDArray[np.float32]:
    """Undoes some of the blur of averaging many heads, so that folds stand out."""
    across = np.stack([cv2.GaussianBlur(sheet, (11, 11), 2.0) for sheet in t1])
    soft = cv2.GaussianBlur(across.reshape(len(t1), -1), (1, 11), 0, None, 2.0).reshape(t1.shape)
    return np.clip(t1 + 1.2 * (t1 - soft) * (t1 > 0.1), 0, 1.1)


def _coarsen(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask on a 4 mm grid with an empty margin; a block belongs to it when half of it does."""
    a, b, c = (length // _COARSE_MM for length in mask.shape)
    trimmed = mask[: a * _COARSE_MM, : b * _COARSE_MM, : c * _COARSE_MM]
    blocks = trimmed.reshape(a, _COARSE_MM, b, _COARSE_MM, c, _COARSE_MM)
    return np.pad(blocks.mean(axis=(1, 3, 5), dtype=np.float32) > 0.5, _MARGIN_MM // _COARSE_MM)


def _close(mask: NDArray[np.bool_], radius_mm: float) -> NDArray[np.bool_]:
    """Fills what a ball of that radius can't enter from outside."""
    grown = ndimage.distance_transform_edt(~mask) * _COARSE_MM <= radius_mm
    return np.asarray(ndimage.distance_transform_edt(grown) * _COARSE_MM > radius_mm) | mask


def _distance(mask: NDArray[np.bool_], smooth_mm: float) -> NDArray[np.float32]:
    """Signed distance in mm, negative inside."""
    if not mask.any():
        return np.full(mask.shape, _FAR_MM, np.float32)
    outside = ndimage.distance_transform_edt(~mask)
    signed = (outside - ndimage.distance_transform_edt(mask)).astype(np.float32) * _COARSE_MM
    smooth: NDArray[np.float32] = ndimage.gaussian_filter(signed, smooth_mm / _COARSE_MM)
    return smooth


def _find_ventricles(t1: NDArray[np.float32], envelope: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The fluid deep in the brain: the lateral ventricles and the third."""
    deep = ndimage.distance_transform_edt(envelope) * _COARSE_MM > 24
    fluid = _coarsen((t1 > 0) & (t1 < 0.5)) & deep
    parts, count = ndimage.label(fluid, np.ones((3, 3, 3)))
    sizes = ndimage.sum_labels(fluid, parts, np.arange(1, count + 1))
    return np.isin(parts, 1 + np.flatnonzero(np.asarray(sizes) > 10))
