import numpy as np
import pytest

from brainmri.phantom.description import Blob
from brainmri.phantom.fields import draw_field, measure_blob, measure_ellipsoid, ramp, turn


def grid(size: int = 64, pixel_mm: float = 1.0) -> np.ndarray:
    ruler = (np.arange(size, dtype=np.float32) - size / 2 + 0.5) * pixel_mm
    x, y = np.meshgrid(ruler, -ruler)
    return np.stack([x, y, np.zeros_like(x)])


def test_a_field_is_a_pure_function_of_seed_and_place():
    points = grid()
    assert np.array_equal(draw_field(3, points, 6.0), draw_field(3, points, 6.0))
    assert not np.array_equal(draw_field(3, points, 6.0), draw_field(4, points, 6.0))


def test_a_field_has_mean_0_and_deviation_1():
    fields = np.stack([draw_field(seed, grid(128), 6.0) for seed in range(20)])
    assert float(fields.mean()) == pytest.approx(0, abs=0.05)
    assert float(fields.std()) == pytest.approx(1, abs=0.1)


def test_a_coarsely_computed_field_equals_the_fine_one():
    points = grid(64)
    fine = draw_field(1, points[:, 20:25, 20:25], 20.0)
    assert np.abs(draw_field(1, points, 20.0)[20:25, 20:25] - fine).max() < 0.1


def test_a_smooth_blob_is_its_ellipsoid():
    blob = Blob((2.0, 3.0, 0.0), (10.0, 10.0, 10.0), (0.3, 0.2, 0.1), 0.0, 5)
    x, y, _ = grid()
    assert measure_blob(grid(), blob) == pytest.approx(np.hypot(x - 2, y - 3) - 10, abs=1e-3)


def test_rotations_keep_lengths_and_ramps_fall_from_1_to_0():
    assert turn((0.4, -0.2, 1.0)) @ turn((0.4, -0.2, 1.0)).T == pytest.approx(np.eye(3), abs=1e-6)
    assert measure_ellipsoid(np.array([4.0, 0, 0]).reshape(3, 1, 1), (0, 0, 0), (8, 1, 1)) == pytest.approx(
        0.5
    )
    assert ramp(np.array([[-50.0, 0.0, 50.0]], np.float32), 1.0) == pytest.approx(np.array([[1, 0.5, 0]]))
