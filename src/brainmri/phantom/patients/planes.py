"""Where a patient's slices lie, and what each cuts of the tumor's foci; lengths in mm of the MNI template."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from brainmri.phantom.anatomy import load_anatomy
from brainmri.phantom.wide.choices.plane import turn
from brainmri.phantom.wide.columns import Columns
from brainmri.phantom.wide.kinds import FOCI

# No plane lies lower or higher, nor does a focus.
_LOWEST_MM: Final = -36.0
_HIGHEST_MM: Final = 62.0
# Planes pivot about this place.
_PIVOT_MM: Final = (0.0, -13.0, 8.0)
# Of the slices, those that pass the focus by; the others cut it within this share of its radius.
_BESIDE: Final = 0.12
_NEAR: Final = 0.7
# A focus lies at least so deep in the brain, and so far from the midline.
_DEPTH_MM: Final = 5.0
_ASIDE_MM: Final = 10.0
_TRIES: Final = 400
# What is cut of a focus has no smaller radius than this share of its own.
_LEAST_CUT: Final = 0.1
# Columns of a focus: what a step in the plane is, in radii.
_STEPS: Final = ("along_u", "along_v", "aside_u", "aside_v")
# Below any head.
_NO_CUT_MM: Final = 400.0


def draw_slices(rng: np.random.Generator, columns: Columns) -> Columns:
    """Parallel planes, nearly axial, from low to high, and what each cuts of the foci, (slices,) each.

    `columns` (slices,) have the foci's own radii and shapes, which what is given back replaces.
    """
    axes = turn(rng.normal((-0.1, 0, 0), (0.07, 0.04, 0.06), (1, 3)))[0]
    foci = _draw_foci(rng, columns)
    heights = _draw_heights(rng, columns, float(axes[:, 2] @ foci[0]))
    places = _PIVOT_MM + (heights - axes[:, 2] @ _PIVOT_MM)[:, None] * axes[:, 2]
    # As radiologists look at it: the patient's right on the left, anterior above.
    across, down = (np.tile(-axes[:, axis], (len(places), 1)) for axis in (0, 1))
    return {
        **_name("place", places),
        **_name("across", across),
        **_name("down", down),
        **_draw_shape(rng, len(places)),
        **_cut_foci(columns, foci - places[:, None], axes),
    }


def _name(name: str, vectors: NDArray[np.float64]) -> Columns:
    return {f"{name}_{axis}": vectors[:, place] for place, axis in enumerate("xyz")}


def _draw_shape(rng: np.random.Generator, n: int) -> Columns:
    """How wide and high the head is and how it slants; nothing is cut away."""
    wide, high = np.exp(rng.normal(0, 0.04, 2)).tolist()
    drawn = {
        "x_to_u": wide,
        "x_to_v": 0.0,
        "y_to_u": rng.normal(0, 0.02),
        "y_to_v": high,
        "low": True,
        "cut_mm": _NO_CUT_MM,
        "letterbox": 0.0,
        "wedge": 0.0,
        "wedge_turn": 0.0,
        "wedge_at": 0.0,
    }
    return {name: np.full(n, value) for name, value in drawn.items()}


def _draw_foci(rng: np.random.Generator, columns: Columns) -> NDArray[np.float64]:
    """Their middles, (foci, 3): the first anywhere in the brain, the others beside it."""
    lowest, highest = (-66, -100, _LOWEST_MM), (66, 66, _HIGHEST_MM)
    foci = [_pick_in_brain(rng.uniform(lowest, highest, (_TRIES, 3)))]
    for number in range(1, FOCI):
        apart = float(columns["radius_mm_0"][0] + columns[f"radius_mm_{number}"][0])
        away = rng.normal(0, (1, 1, 0.3), (_TRIES, 3))
        steps = apart * rng.uniform(0.9, 1.4, _TRIES) / np.linalg.norm(away, axis=1)
        foci.append(_pick_in_brain(foci[0] + away * steps[:, None]))
    return np.stack(foci)


def _pick_in_brain(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """The first of some places (n, 3) that is well in the brain and off the midline, else the deepest."""
    depth = -load_anatomy().brain_mm.sample(places.T[:, :, None].astype(np.float32))[:, 0]
    good = np.flatnonzero((depth > _DEPTH_MM) & (np.abs(places[:, 0]) > _ASIDE_MM))
    picked: NDArray[np.float64] = places[good[0] if len(good) else depth.argmax()]
    return picked


def _draw_heights(rng: np.random.Generator, columns: Columns, middle: float) -> NDArray[np.float64]:
    """Of planes through the first focus, which is at the height `middle`; now and then one passes it by."""
    radius, n = float(columns["radius_mm_0"][0]), len(columns["radius_mm_0"])
    shares = (np.arange(n) + rng.uniform(0.1, 0.9, n)) / n
    heights = middle + radius * _NEAR * (2 * shares - 1)
    heights += max(_LOWEST_MM - heights.min(), 0) - max(heights.max() - _HIGHEST_MM, 0)
    beside, kept = rng.random(n) < _BESIDE, int(rng.integers(n))
    # One cuts the focus, wherever the limits have moved the others.
    beside[kept] = False
    heights[kept] = heights[kept].clip(middle - _NEAR * radius, middle + _NEAR * radius)
    inwards = -1 if middle > _PIVOT_MM[2] else 1
    away = middle + inwards * (1.3 * radius + rng.uniform(5, 25, n))
    margin = rng.uniform(0, 8, n)
    return np.sort(np.where(beside, away.clip(_LOWEST_MM + margin, _HIGHEST_MM - margin), heights))


def _cut_foci(columns: Columns, away: NDArray[np.float64], axes: NDArray[np.float64]) -> Columns:
    """Each focus's middle in the planes, and its radius there; `away` (slices, foci, 3) is its own middle."""
    across, down, up = (away @ axis for axis in (-axes[:, 0], -axes[:, 1], axes[:, 2]))
    cut: Columns = {}
    for focus in range(FOCI):
        own = {name: columns[f"{name}_{focus}"] for name in ("radius_mm", "present", *_STEPS)}
        share = np.sqrt((1 - (up[:, focus] / own["radius_mm"]) ** 2).clip(0))
        kept = share.clip(_LEAST_CUT)
        cut |= {
            f"focus_u_{focus}": across[:, focus],
            f"focus_v_{focus}": down[:, focus],
            f"present_{focus}": own["present"] * (share > 0),
            f"radius_mm_{focus}": own["radius_mm"] * kept,
            **{f"{name}_{focus}": own[name] / kept for name in _STEPS},
        }
        if focus == 0:
            cut |= {name: columns[name] * share for name in ("push", "midline_mm")}
    return cut
