"""How voxels lie on axial slices as radiologists show them: the patient's front up, the right side left."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from nibabel.affines import from_matvec, obliquity, voxel_sizes
from nibabel.orientations import io_orientation
from numpy.typing import NDArray

from brainmri.errors import BadInput

Affine = NDArray[np.float64]  # (4, 4), indices to other indices or to RAS millimeters
Shape = tuple[int, int, int]

# Axes this far (radians) off the scanner's are worth a resampling: 0.2 mm at 10 cm.
_OBLIQUE: Final = 0.002
_LEAST_MM, _MOST_MM = 0.01, 100.0
# Columns run from the patient's right to the left, rows from front to back, slices upward; in RAS:
_DIRECTIONS: Final = (-1, -1, 1)


@dataclass(frozen=True)
class Grid:
    """Axial slices: `shape` is (columns, rows, slices), `to_stored` takes their indices to stored ones.

    `oblique` says that stored indices are no whole numbers: the volume has to be resampled.
    """

    shape: Shape
    sizes_mm: tuple[float, float, float]
    to_stored: Affine
    to_ras: Affine
    oblique: bool

    def fits(self, other: "Grid") -> bool:
        """Whether two grids show the same places: equal shapes, no corner off by half a voxel."""
        if self.shape != other.shape:
            return False
        corners = _corners(self.shape)
        apart = corners @ (self.to_ras - other.to_ras).T
        return bool(np.abs(apart).max() < min(self.sizes_mm) / 2)


def lay_out(affine: Affine, shape: Shape) -> Grid:
    """The grid of a volume with stored `shape` whose indices `affine` takes to RAS millimeters.

    Axes parallel to the scanner's are only turned; else the grid covers the volume with its own
    voxel sizes. Raises `BadInput` for axes that span no space and for impossible voxel sizes.
    """
    axes = affine[:3, :3]
    if not np.isfinite(affine).all() or np.linalg.matrix_rank(axes) < 3:
        raise BadInput("expected three independent axes in the header's orientation, came fewer")
    sizes = voxel_sizes(affine)
    if sizes.min() < _LEAST_MM or sizes.max() > _MOST_MM:
        raise BadInput(f"expected voxels of {_LEAST_MM:g} to {_MOST_MM:g} mm, came {_listed(sizes)}")
    nearest = io_orientation(affine)
    # For right, front and top: the stored axis nearest to it.
    order = np.argsort(nearest[:, 0])
    if obliquity(affine).max() > _OBLIQUE:
        return _cover(affine, shape, sizes[order])
    return _turn(affine, shape, order, sizes[order])


def _turn(affine: Affine, shape: Shape, order: NDArray[np.intp], sizes: NDArray[np.float64]) -> Grid:
    to_stored = np.zeros((4, 4))
    to_stored[3, 3] = 1
    for shown, stored in enumerate(order):
        step = np.sign(affine[shown, stored]) * _DIRECTIONS[shown]
        to_stored[stored, shown] = step
        to_stored[stored, 3] = 0 if step > 0 else shape[stored] - 1
    columns, rows, slices = (shape[stored] for stored in order)
    return Grid((columns, rows, slices), _triple(sizes), to_stored, affine @ to_stored, oblique=False)


def _cover(affine: Affine, shape: Shape, sizes: NDArray[np.float64]) -> Grid:
    corners = (_corners(shape) @ affine.T)[:, :3]
    low, high = corners.min(axis=0), corners.max(axis=0)
    columns, rows, slices = (int(np.ceil(steps - 1e-6)) + 1 for steps in (high - low) / sizes)
    start = np.where(np.array(_DIRECTIONS) > 0, low, high)
    to_ras = from_matvec(np.diag(sizes * _DIRECTIONS), start)
    to_stored = np.linalg.inv(affine) @ to_ras
    return Grid((columns, rows, slices), _triple(sizes), to_stored, to_ras, oblique=True)


def _corners(shape: Shape) -> NDArray[np.float64]:
    """(8, 4): the indices of the corner voxels, homogeneous."""
    ends = np.array(np.meshgrid(*((0, length - 1) for length in shape), indexing="ij"), dtype=np.float64)
    return np.column_stack([ends.reshape(3, -1).T, np.ones(8)])


def _triple(values: NDArray[np.float64]) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in values)
    return first, second, third


def _listed(values: NDArray[np.float64]) -> str:
    return " x ".join(f"{value:.3g}" for value in values)
