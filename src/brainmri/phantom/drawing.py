"""Drawing patients: all random choices, seeded per patient and independent of how many there are."""

import numpy as np
from numpy.typing import NDArray

from brainmri.phantom.chance import draw_choice, draw_place, draw_seed
from brainmri.phantom.contrast import draw_contrast
from brainmri.phantom.description import Body, Contrast, Lesion, Patient, Scanner, Sequence, Slice
from brainmri.phantom.fields import turn
from brainmri.phantom.pathology import draw_focus, draw_lookalikes, draw_satellites
from brainmri.phantom.settings import PhantomParams

# Tumors are dealt out in rounds of this many patients, so that any first part of a set is balanced too.
_ROUND = 4
# Mostly the two sequences that tumors are read on.
_SEQUENCES = {Sequence.T1: 0.06, Sequence.T1_CONTRAST: 0.42, Sequence.T2: 0.10, Sequence.FLAIR: 0.42}
_LOWEST_MM, _HIGHEST_MM = -36.0, 62.0
_BESIDE = 0.12


def draw_patient(params: PhantomParams, number: int) -> Patient:
    """Patient `number` (from 0) of the set that `params` describes.

    Who has no tumor is drawn in the same way and then loses it, so that nothing else differs but
    the look-alikes.
    """
    rng = np.random.default_rng([params.seed, 1, number])
    ill = has_tumor(params, number)
    sequence = draw_choice(rng, _SEQUENCES)
    contrast = draw_contrast(rng, sequence)
    x, y, z = rng.normal((-0.1, 0, 0), (0.07, 0.04, 0.06)).tolist()
    focus = draw_focus(rng, params)
    lesions = (focus, *draw_satellites(rng, focus))
    lookalikes = draw_lookalikes(rng, focus.blob.centre_mm)
    odd = rng.random() < (params.lookalikes_with_tumor if ill else params.lookalikes_without_tumor)
    return Patient(
        sequence=sequence,
        body=_draw_body(rng, odd),
        contrast=contrast,
        scanner=_draw_scanner(rng, params, contrast),
        tilt=(x, y, z),
        lesions=lesions if ill else (),
        lookalikes=lookalikes if odd else (),
        slices=_draw_slices(rng, params, focus, turn((x, y, z))[:, 2]),
    )


def has_tumor(params: PhantomParams, number: int) -> bool:
    """Whether patient `number` is dealt a tumor."""
    turn_number, place = divmod(number, _ROUND)
    before, after = (round((turn_number + step) * _ROUND * params.tumor_fraction) for step in (0, 1))
    order = np.random.default_rng([params.seed, 0, turn_number]).permutation(_ROUND)
    return bool(order[place] < after - before)


def _draw_body(rng: np.random.Generator, odd: bool) -> Body:
    """The anatomy; half of the odd patients have large ventricles and wide sulci, half a lopsided head."""
    age = rng.uniform(0.3, 1.0) if rng.random() < (0.5 if odd else 0.12) else 0.0
    lopsided = rng.random() < (0.5 if odd else 0.1)
    return Body(
        scale=draw_place(rng, (0.93, 0.93, 0.95), (1.07, 1.06, 1.05)),
        shear=rng.normal(0, 0.02),
        elastic_mm=rng.uniform(1.5, 3.5),
        folding_mm=rng.uniform(1.0, 2.0),
        ventricle_mm=rng.uniform(-0.5, 1.5) + 5.5 * age * rng.random(),
        atrophy=rng.uniform(-0.6, 0.4) + 0.8 * age * rng.random(),
        asymmetry=rng.uniform(0.5, 1.0) * rng.choice([-1, 1]) if lopsided else rng.normal(0, 0.12),
        fluid_mm=rng.uniform(1.0, 2.5) + 1.5 * age,
        skull_mm=rng.uniform(4.5, 8.0),
        scalp_mm=rng.uniform(3.5, 8.0),
        seed=draw_seed(rng),
    )


def _draw_scanner(rng: np.random.Generator, params: PhantomParams, contrast: Contrast) -> Scanner:
    brightest = max(contrast.csf, 1.4 * contrast.gray, 1.4 * contrast.white, 0.8 * contrast.fat)
    return Scanner(
        fov_mm=rng.uniform(220, 254),
        blur_mm=rng.uniform(0.3, 1.1),
        noise=params.noise_max * rng.uniform(0.15, 1) ** 2,
        bias=rng.uniform(0.02, 0.2),
        gain=rng.uniform(0.75, 1.05) / brightest,
        gamma=float(np.exp(rng.normal(0, 0.12))),
        seed=draw_seed(rng),
    )


def _draw_slices(
    rng: np.random.Generator, params: PhantomParams, focus: Lesion, normal: NDArray[np.float32]
) -> tuple[Slice, ...]:
    """Planes through the focus, from low to high; now and then one beside it."""
    count = params.slices_per_patient
    radius = float(np.mean(focus.blob.radii_mm))
    height = float(np.dot(normal, focus.blob.centre_mm))
    heights = height + radius * (-0.7 + 1.4 * (np.arange(count) + rng.uniform(0.1, 0.9, count)) / count)
    heights += max(_LOWEST_MM - heights.min(), 0) - max(heights.max() - _HIGHEST_MM, 0)
    beside = rng.random(count) < _BESIDE
    beside[int(rng.integers(count))] = False
    heights = np.sort(np.where(beside, _draw_heights_beside(rng, focus, height, count), heights))
    middle = np.array([0, -13, 8], np.float32)
    planes = [middle + (h - np.dot(normal, middle)) * normal for h in heights]
    return tuple(Slice((float(x), float(y), float(z)), draw_seed(rng)) for x, y, z in planes)


def _draw_heights_beside(
    rng: np.random.Generator, focus: Lesion, height: float, count: int
) -> NDArray[np.float64]:
    """Heights that clear the focus and, where the brain is deep enough, its edema."""
    clear = max(focus.blob.radii_mm) * (1 + 2 * focus.blob.roughness) + focus.edema_mm
    towards_middle = -1 if height > 12 else 1
    heights = height + towards_middle * (clear + rng.uniform(5, 25, count))
    margin = rng.uniform(0, 8, count)
    return np.clip(heights, _LOWEST_MM + margin, _HIGHEST_MM - margin)
