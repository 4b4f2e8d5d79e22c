import numpy as np
import torch
from scipy import ndimage

from brainmri.phantom.wide.volumes import Grid, measure_distance

LOW, SPACING = (-4.0, 2.0, 7.0), 2.5
VALUES = np.random.default_rng(0).standard_normal((6, 2, 7, 9)).astype(np.float32)
GRID = Grid(torch.from_numpy(VALUES), LOW, SPACING)


def draw_points(margin_mm: float) -> torch.Tensor:
    """(3, 4, 5, 5), in the grid and by a margin beyond it."""
    low = np.array(LOW) - margin_mm
    high = np.array(LOW) + SPACING * (np.array([9, 7, 6]) - 1) + margin_mm
    drawn = np.random.default_rng(1).uniform(low, high, (4, 5, 5, 3))
    return torch.from_numpy(np.moveaxis(drawn, -1, 0).astype(np.float32))


def test_a_sample_is_trilinear_and_beyond_the_grid_its_border() -> None:
    points = draw_points(margin_mm=6)
    x, y, z = (points.numpy() - np.array(LOW)[:, None, None, None]) / SPACING
    expected = np.stack(
        [
            ndimage.map_coordinates(VALUES[:, channel], [z, y, x], order=1, mode="nearest")
            for channel in range(2)
        ],
        axis=1,
    )
    assert np.abs(expected - GRID.sample(points).numpy()).max() < 4e-3


def test_a_look_up_gives_the_nearest_voxel() -> None:
    points = draw_points(margin_mm=0)
    x, y, z = np.rint((points.numpy() - np.array(LOW)[:, None, None, None]) / SPACING).astype(int)
    expected = np.moveaxis(VALUES[z, :, y, x], -1, 1)
    assert np.array_equal(expected, GRID.look_up(points).numpy())


def test_distances_from_a_place_count_heights_as_asked() -> None:
    points = torch.tensor([3.0, 4.0, 10.0]).view(3, 1, 1, 1)
    assert 5 == float(measure_distance(points, (0.0, 0.0, 10.0)))
    assert 10 == float(measure_distance(points, (3.0, 4.0, 5.0), high=0.5))
