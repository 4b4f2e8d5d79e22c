"""Drawing patients: all random choices, seeded per patient and independent of how many there are.

A patient is the numbers of one picture, the same in all slices but for where their planes lie. Who has no
tumor is drawn in the same way and then loses it, so that nothing else differs but the look-alikes.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from brainmri.phantom.patients.planes import draw_slices
from brainmri.phantom.patients.settings import PhantomParams
from brainmri.phantom.wide.choices.contrast import ContrastRange, draw_contrast
from brainmri.phantom.wide.choices.head import draw_head
from brainmri.phantom.wide.choices.marks import draw_marks
from brainmri.phantom.wide.choices.oddities import draw_oddities
from brainmri.phantom.wide.choices.reach import find_shown
from brainmri.phantom.wide.choices.scanner import draw_scanner
from brainmri.phantom.wide.choices.tumor import draw_tumor
from brainmri.phantom.wide.columns import Columns
from brainmri.phantom.wide.kinds import Kind
from brainmri.phantom.wide.settings import WideParams

# Tumors are dealt out in rounds of this many patients, so that any first part of a set is balanced too.
_ROUND: Final = 4
# Those that need no place of their own.
_KINDS: Final = {
    Kind.BRIGHT: 0.32,
    Kind.RING: 0.34,
    Kind.MIXED: 0.12,
    Kind.CYSTIC: 0.10,
    Kind.MULTIFOCAL: 0.12,
}
# Mostly the two sequences that tumors are read on.
_CONTRASTS: Final = ContrastRange((0.06, 0.42, 0.10, 0.42, 0.0), deviation=0.05, stretch=(0.7, 1.2))
# The signal of a tumor of contrast 1 less that of healthy brain.
_FULL_DIFFERENCE: Final = 0.55
# What of a tumor shows.
_EFFECTS: Final = ("opacity", "edema", "push", "midline_mm", "tail", "outline")


def draw_patient(params: PhantomParams, number: int) -> Columns:
    """Patient `number` (from 0) of the set that `params` describes: all columns, (slices,) each.

    Beside those of `describe` there are `field_mm`, the field of view; `gain`, what signals are multiplied
    by to be shown; `focus_u_0` and so on, the foci's middles in the planes; `shown`, 0 where a tumor is left
    out.
    """
    rng = np.random.default_rng([params.seed, 1, number])
    ill = has_tumor(params, number)
    odd = rng.random() < (params.lookalikes_with_tumor if ill else params.lookalikes_without_tumor)
    narrow = _narrow(rng, params, odd=bool(odd))
    head = {
        **draw_head(rng, 1, narrow),
        **draw_contrast(rng, 1, _CONTRASTS),
        **draw_tumor(rng, rng.choice(list(_KINDS), 1, p=list(_KINDS.values())), narrow),
        **draw_oddities(rng, 1, narrow.lookalikes),
        **draw_scanner(rng, 1, narrow.degradation),
        **draw_marks(rng, 1, narrow.marks),
        **_draw_own(rng, params),
    }
    head["gain"] = _draw_gain(rng, head)
    columns = {name: np.repeat(column, params.slices_per_patient) for name, column in head.items()}
    columns |= draw_slices(rng, columns)
    columns |= find_shown(columns)
    return columns if ill else leave_out(columns, np.ones(params.slices_per_patient, np.bool_))


def has_tumor(params: PhantomParams, number: int) -> bool:
    """Whether patient `number` (from 0) is dealt a tumor."""
    dealt, place = divmod(number, _ROUND)
    before, after = (round((dealt + step) * _ROUND * params.tumor_fraction) for step in (0, 1))
    order = np.random.default_rng([params.seed, 0, dealt]).permutation(_ROUND)
    return bool(order[place] < after - before)


def leave_out(columns: Columns, slices: NDArray[np.bool_]) -> Columns:
    """The same without the tumor in some slices (bool), where all else stays as it is."""
    without = {name: np.where(slices, 0, columns[name]) for name in (*_EFFECTS, "shown")}
    return columns | without


def _narrow(rng: np.random.Generator, params: PhantomParams, *, odd: bool) -> WideParams:
    """The settings of one head; `odd` ones have look-alikes."""
    radius = _draw_upward(rng, params.tumor_radius_min_mm, params.tumor_radius_max_mm)
    return WideParams(
        tumor_fraction=1,
        coronal=0,
        sagittal=0,
        stripped=0,
        radius_min_mm=radius,
        radius_max_mm=radius,
        lookalikes=float(odd),
        marks=0,
        degradation=0,
    )


def _draw_upward(rng: np.random.Generator, low: float, high: float) -> float:
    """Between both, the higher the likelier (a triangle): few tumors are found small or faint."""
    return float(rng.triangular(low, high, high)) if low < high else low


def _draw_own(rng: np.random.Generator, params: PhantomParams) -> Columns:
    """What is drawn in place of what any scanner might do, and the tumor's contrast; each (1,)."""
    contrast = _draw_upward(rng, params.tumor_contrast_min, params.tumor_contrast_max)
    drawn = {
        "tumor": 1.0,
        "shown": 1.0,
        "difference": _FULL_DIFFERENCE * contrast,
        "keeps": 0.0,
        "edema_odd": 1.0,
        "core_bright": 0.0,
        "background": 0.0,
        "bias": rng.uniform(0, 0.1),
        "near_coil": 0.0,
        "noise": params.noise_max * rng.uniform(0.15, 1) ** 2,
        "smooth_noise": 0.0,
        "gamma": np.exp(rng.normal(0, 0.08)),
        "field_mm": rng.uniform(220, 254),
    }
    return {name: np.array([value]) for name, value in drawn.items()}


def _draw_gain(rng: np.random.Generator, head: Columns) -> NDArray[np.float64]:
    """What signals are multiplied by to be shown, the same in all slices, whatever a tumor adds to one."""
    brightest = [head["csf"], 1.4 * head["gray"], 1.4 * head["white"], 0.8 * head["fat"]]
    return np.asarray(rng.uniform(0.75, 1.05) / np.max(brightest, axis=0))
