"""Where a patient's planes and foci lie, from its columns."""

import numpy as np

from brainmri.phantom.wide.columns import Columns


def stack(own: Columns, name: str) -> np.ndarray:
    return np.stack([own[f"{name}_{axis}"] for axis in "xyz"], axis=1)


def find_focus(own: Columns, number: int = 0) -> np.ndarray:
    """Where each slice's focus is in the plane, as a place in the head (slices, 3)."""
    u, v = (own[f"focus_{axis}_{number}"][:, None] for axis in "uv")
    return stack(own, "place") + u * stack(own, "across") + v * stack(own, "down")


def find_heights(own: Columns) -> np.ndarray:
    normal = np.cross(stack(own, "across"), stack(own, "down"))[0]
    return stack(own, "place") @ normal * np.sign(normal[2])
