"""Drawing what a batch of pictures shows: numbers alone, the same on every machine.

Lengths are in mm of the MNI template, angles in radians, signals a share of the brightest. Who has no
tumor is drawn in the same way and then loses it, so that nothing but the tumor tells both apart.
"""

import numpy as np
from numpy.typing import NDArray

from brainmri.phantom.contrast import TYPICAL
from brainmri.phantom.description import Sequence
from brainmri.phantom.wide.columns import Columns
from brainmri.phantom.wide.kinds import Kind, Look, Orientation
from brainmri.phantom.wide.settings import WideParams

FOCI = 3

_KINDS = {
    Kind.BRIGHT: 0.22,
    Kind.DARK: 0.08,
    Kind.RING: 0.18,
    Kind.EDEMA_ONLY: 0.08,
    Kind.MIXED: 0.11,
    Kind.CYSTIC: 0.07,
    Kind.MULTIFOCAL: 0.06,
    Kind.DURAL: 0.10,
    Kind.SELLAR: 0.05,
    Kind.POSTERIOR_FOSSA: 0.05,
}
_LOOKS = {
    Kind.BRIGHT: (1, 0, 0, 0, 0, 0),
    Kind.DARK: (0, 1, 0, 0, 0, 0),
    Kind.RING: (0, 0, 1, 0, 0, 0),
    Kind.EDEMA_ONLY: (0, 0, 0, 1, 0, 0),
    Kind.MIXED: (0, 0, 0, 0, 1, 0),
    Kind.CYSTIC: (0, 0, 0, 0, 0, 1),
    Kind.MULTIFOCAL: (0.45, 0.1, 0.35, 0, 0.1, 0),
    Kind.DURAL: (0.8, 0.05, 0, 0, 0.15, 0),
    Kind.SELLAR: (0.6, 0.1, 0.1, 0, 0.1, 0.1),
    Kind.POSTERIOR_FOSSA: (0.35, 0.1, 0.2, 0.05, 0.15, 0.15),
}
# Largest radius as a share of the settings' for kinds that don't grow as large.
_LARGEST = {Kind.MULTIFOCAL: 0.4, Kind.DURAL: 0.8, Kind.SELLAR: 0.5, Kind.POSTERIOR_FOSSA: 0.6}
_SEQUENCES = (Sequence.T1, Sequence.T1_CONTRAST, Sequence.T2, Sequence.FLAIR)
_TISSUES = ("csf", "gray", "white", "bone", "marrow", "fat", "muscle", "blood")
# Shares of the four sequences, and of contrasts that no sequence has.
_SEQUENCE_SHARES = (0.19, 0.26, 0.16, 0.22, 0.17)
_SELLA_MM = (0.0, 2.0, -33.0)


def describe(rng: np.random.Generator, count: int, params: WideParams) -> Columns:
    """All columns of `count` pictures, of which the share `tumor_fraction` has a tumor."""
    kind = rng.choice(list(_KINDS), count, p=list(_KINDS.values()))
    columns = {
        "tumor": _spread(rng, count, params.tumor_fraction),
        **_draw_plane(rng, kind, params),
        **_draw_head(rng, count, params),
        **_draw_contrast(rng, count),
        **_draw_tumor(rng, kind, params),
        **_draw_oddities(rng, count, params.lookalikes),
        **_draw_scanner(rng, count, params.degradation),
        **_draw_marks(rng, count, params.marks),
    }
    return {name: np.asarray(column, np.float32) for name, column in columns.items()}


def _spread(rng: np.random.Generator, count: int, share: float) -> NDArray[np.float32]:
    """Ones for that share of the pictures, as exactly as their number allows, in random order."""
    return rng.permutation((np.arange(count) + rng.random()) * share % 1 + share >= 1).astype(np.float32)


def _sometimes(rng: np.random.Generator, count: int, share: float) -> NDArray[np.float32]:
    return (rng.random(count) < share).astype(np.float32)


def _log_uniform(rng: np.random.Generator, low: float, high: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.exp(rng.uniform(np.log(low), np.log(np.maximum(high, low)))))


def _draw_plane(rng: np.random.Generator, kind: NDArray[np.int_], params: WideParams) -> Columns:
    """Where the picture lies: a point of its plane, the directions of rows and columns, and its frame."""
    n = len(kind)
    orientation = rng.choice(3, n, p=(1 - params.coronal - params.sagittal, params.coronal, params.sagittal))
    sella, fossa = kind == Kind.SELLAR, kind == Kind.POSTERIOR_FOSSA
    height = np.select(
        [sella, fossa], [rng.normal(_SELLA_MM[2] + 1, 3, n), rng.uniform(-50, -18, n)], rng.uniform(-62, 79, n)
    )
    depth = np.select(
        [sella, fossa], [rng.normal(_SELLA_MM[1], 4, n), rng.uniform(-82, -46, n)], rng.uniform(-94, 62, n)
    )
    side = np.select([sella, fossa], [rng.normal(0, 3, n), rng.normal(0, 14, n)], rng.normal(0, 26, n).clip(-58, 58))
    axial, coronal = orientation == Orientation.AXIAL, orientation == Orientation.CORONAL
    beyond = axial & ~sella & ~fossa & (rng.random(n) < 0.16)
    top = rng.random(n) < 0.6
    height = np.where(beyond, np.where(top, rng.uniform(72, 97, n), rng.uniform(-95, -55, n)), height)
    small = beyond & top & (rng.random(n) < 0.5)
    place = np.select(
        [axial[:, None], coronal[:, None]],
        [
            np.stack([rng.normal(0, 2, n), np.full(n, -18.0), height], 1),
            np.stack([np.zeros(n), depth, np.full(n, 10.0)], 1),
        ],
        np.stack([side, np.full(n, -18.0), np.full(n, 10.0)], 1),
    )
    tilt = _turns(rng.normal((0.03, 0, 0), (0.14, 0.06, 0.06), (n, 3)))
    mirror = rng.choice((-1.0, 1.0), n)
    across = np.select([(~axial & ~coronal)[:, None]], [np.array([0.0, 1, 0])], np.array([1.0, 0, 0])) * mirror[:, None]
    down = np.select([axial[:, None]], [np.array([0.0, -1, 0])], np.array([0.0, 0, -1]))
    across, down = (np.einsum("nij,nj->ni", tilt, vector) for vector in (across, down))
    loose = _sometimes(rng, n, 0.12)
    columns = {f"{name}_{axis}": values[:, i] for name, values in (("place", place), ("across", across), ("down", down)) for i, axis in enumerate("xyz")}
    return columns | {
        "low": ~axial | (height < 12),  # shows orbits or air
        "turn": rng.normal(0, 0.10, n) + np.pi / 2 * rng.integers(1, 4, n) * _sometimes(rng, n, 0.02),
        "stretch_x": np.exp(rng.normal(0, 0.06, n)),
        "stretch_y": np.exp(rng.normal(0, 0.06, n)),
        "shear": rng.normal(0, 0.03, n),
        "margin": np.select(
            [small, loose > 0], [rng.uniform(1, 3.5, n), rng.uniform(0.75, 1.4, n)], rng.uniform(0.97, 1.13, n)
        ),
        "shift_x": rng.normal(0, 0.015, n) + loose * rng.normal(0, 0.06, n),
        "shift_y": rng.normal(0, 0.015, n) + loose * rng.normal(0, 0.06, n),
        "cut_mm": np.where(axial, 400, rng.uniform(66, 125, n)),
        "letterbox": _sometimes(rng, n, 0.5),
        "wedge": _sometimes(rng, n, 0.025),
        "wedge_turn": rng.uniform(0, 2 * np.pi, n),
        "wedge_at": rng.uniform(0.1, 0.9, n),
    }


def _turns(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotations about x, then y, then z: angles (n, 3) -> (n, 3, 3)."""
    matrix = np.broadcast_to(np.eye(3), (len(angles), 3, 3)).copy()
    for axis in range(3):
        i, j = (axis + 1) % 3, (axis + 2) % 3
        step = np.broadcast_to(np.eye(3), matrix.shape).copy()
        step[:, i, i] = step[:, j, j] = np.cos(angles[:, axis])
        step[:, j, i] = np.sin(angles[:, axis])
        step[:, i, j] = -step[:, j, i]
        matrix = step @ matrix
    return matrix


def _draw_head(rng: np.random.Generator, n: int, params: WideParams) -> Columns:
    aged, wide = _sometimes(rng, n, 0.3 * params.lookalikes), _sometimes(rng, n, 0.35 * params.lookalikes)
    return {
        "stripped": _sometimes(rng, n, params.stripped),
        "elastic_mm": rng.uniform(0.5, 4.5, n),
        "elastic_waves": rng.uniform(2.5, 5, n),
        "fold_mm": rng.uniform(0.2, 2.2, n),
        "fold_waves": rng.uniform(9, 19, n),
        "fluid_mm": rng.uniform(0.3, 2.5, n) + aged * rng.uniform(0, 3, n),
        "skull_mm": rng.uniform(3.5, 9, n),
        "scalp_mm": rng.uniform(2.5, 9, n),
        "uneven": rng.uniform(0.05, 0.22, n),
        "atrophy": rng.uniform(-0.06, 0.03, n) + aged * rng.uniform(0.02, 0.09, n),
        "fluid_softness": rng.uniform(0.02, 0.05, n),
        "gray_level": rng.uniform(0.60, 0.70, n),
        "trust": rng.uniform(0.1, 0.8, n),
        "ventricle_mm": rng.uniform(-3, -0.5, n) + wide * rng.uniform(1.5, 9, n) + aged * rng.uniform(0, 3, n),
        "ventricle_side_mm": rng.normal(0, 0.6, n) + wide * rng.normal(0, 2.5, n),
        "air": rng.uniform(0.7, 1, n),
    }


def _draw_contrast(rng: np.random.Generator, n: int) -> Columns:
    """Signals near those of a sequence, or (a sixth) in any order at all."""
    sequence = rng.choice(5, n, p=_SEQUENCE_SHARES)
    typical = np.array([[getattr(TYPICAL[name], tissue) for tissue in _TISSUES] for name in _SEQUENCES])
    real = typical[sequence.clip(0, 3)] * np.exp(rng.normal(0, 0.2, (n, len(_TISSUES))))
    middle = (real[:, 1] + real[:, 2]) / 2
    half = (real[:, 1] - real[:, 2]) / 2 * rng.uniform(0.3, 1.8, n)
    real[:, 1], real[:, 2] = middle + half, middle - half
    any_order = rng.uniform(0, 1, (n, len(_TISSUES)))
    any_order[:, 3] *= 0.4
    signals = np.where((sequence == 4)[:, None], any_order, real)
    signals[:, 4] *= rng.uniform(0.3, 1.2, n)
    signals[:, 5] *= np.where(rng.random(n) < 0.25, rng.uniform(0.2, 0.7, n), 1)  # fat suppressed
    edema = np.select([sequence <= 1, sequence <= 3], [np.full(n, -1.0), np.full(n, 1.0)], rng.choice((-1.0, 1.0), n))
    return {tissue: signals[:, i] for i, tissue in enumerate(_TISSUES)} | {
        "edema_sign": edema,
        "vessels": np.where(sequence == 0, 0.15, 1) * rng.uniform(0, 1, n) ** 1.5,
        "vessel_waves": rng.uniform(8, 16, n),
        "nuclei": rng.normal(0, 0.08, n),
        "nuclei_level": rng.uniform(0.55, 0.95, n),
        "texture": rng.uniform(0, 0.05, n),
        "texture_waves": rng.uniform(6, 21, n),
        "unrest": rng.uniform(0, 0.04, n),
        "scalp_pattern": rng.uniform(0.2, 1, n),
        "scalp_detail": rng.uniform(0, 1, n),
        "grain": _sometimes(rng, n, 0.6) * rng.uniform(0, 0.06, n),
        "background": np.select([rng.random(n) < 0.03, rng.random(n) < 0.12], [rng.uniform(0.3, 1, n), rng.uniform(0, 0.12, n)], 0),
    }


def _draw_tumor(rng: np.random.Generator, kind: NDArray[np.int_], params: WideParams) -> Columns:
    """The look of the tumor, and of up to three foci place and shape."""
    n = len(kind)
    shares = np.array([_LOOKS[Kind(value)] for value in kind])
    look = (rng.random(n)[:, None] > shares.cumsum(axis=1)).sum(axis=1).clip(0, len(Look) - 1)
    largest = params.radius_max_mm * np.array([_LARGEST.get(Kind(value), 1.0) for value in kind])
    foci = np.where(kind == Kind.MULTIFOCAL, rng.integers(2, FOCI + 1, n), 1)
    ring = look == Look.RING
    edema = rng.random(n) < np.select([look == Look.EDEMA_ONLY, ring, kind == Kind.DURAL], [0.95, 0.65, 0.35], 0.45)
    columns: Columns = {
        "kind": kind,
        "look": look,
        "dural": kind == Kind.DURAL,
        "sellar": kind == Kind.SELLAR,
        "fossa": kind == Kind.POSTERIOR_FOSSA,
        "tail": (kind == Kind.DURAL) & (rng.random(n) < 0.6),
        "difference": np.exp(rng.uniform(np.log(0.08), np.log(0.8), n)),
        "keeps": _sometimes(rng, n, 0.35) * rng.uniform(0.3, 1, n),
        "edema": edema,
        "edema_reach": rng.uniform(1.15, 2.4, n),
        "edema_strength": rng.uniform(0.15, 0.5, n),
        "edema_odd": np.where(rng.random(n) < 0.08, -1, 1),
        "core": np.where(look == Look.CYSTIC, rng.uniform(0.78, 0.94, n), rng.uniform(0.4, 0.82, n)),
        "core_signal": rng.uniform(-0.45, 0.1, n),
        "core_bright": _sometimes(rng, n, 0.12),
        "tumor_texture": rng.uniform(0, 0.16, n),
        "tumor_waves": rng.uniform(7, 20, n),
        "opacity": rng.uniform(0.75, 1, n),
        "outline": _sometimes(rng, n, 0.1) * rng.uniform(-0.3, 0.4, n),
        "push": _sometimes(rng, n, 0.7) * rng.uniform(0.15, 0.7, n),
        "midline_mm": _sometimes(rng, n, 0.4) * rng.uniform(0, 9, n),
        "follows_white": np.where(
            (look == Look.EDEMA_ONLY) | (rng.random(n) < 0.25), rng.uniform(0, 0.6, n), rng.uniform(0, 0.12, n)
        ),
    }
    for focus in range(FOCI):
        main = focus == 0
        columns |= {
            f"radius_mm_{focus}": _log_uniform(rng, params.radius_min_mm if main else 4.0, largest if main else largest * 0.8)
            * (np.where(kind == Kind.MULTIFOCAL, 0.8, 1) if main else 1),
            f"flat_{focus}": rng.uniform(0.55, 1, n),
            f"lean_{focus}": rng.uniform(0, np.pi, n),
            f"rough_{focus}": rng.uniform(0.03, 0.34, n) * np.where(kind == Kind.DURAL, 0.5, 1),
            f"lobes_{focus}": rng.uniform(1.2, 3.2, n),
            f"soft_{focus}": np.where(rng.random(n) < 0.25, rng.uniform(0.1, 0.25, n), rng.uniform(0.02, 0.1, n)),
            f"present_{focus}": focus < foci,
        }
    return columns


def _draw_oddities(rng: np.random.Generator, n: int, rate: float) -> Columns:
    """What healthy brains have that looks like a tumor, in pictures of both classes."""
    return {
        "spots": _sometimes(rng, n, 0.22 * rate) * rng.uniform(0.3, 1, n),
        "spot_waves": rng.uniform(11, 21, n),
        "spot_level": rng.uniform(1.3, 2.3, n),
        "caps": _sometimes(rng, n, 0.25 * rate) * rng.uniform(0.05, 0.35, n),
        "caps_mm": rng.uniform(1, 6, n),
        "twins": _sometimes(rng, n, 0.25 * rate),
        "twins_x": rng.uniform(4, 34, n),
        "twins_y": rng.uniform(-60, 40, n),
        "twins_z": rng.uniform(-30, 45, n),
        "twins_mm": rng.uniform(2, 9, n),
        "twins_long": rng.uniform(0.6, 1.9, n),
        "twins_signal": rng.uniform(-0.25, 0.25, n) + np.where(rng.random(n) < 0.3, rng.choice((-0.4, 0.5), n), 0),
        "dots": _sometimes(rng, n, 0.3 * rate),
        "dots_signal": np.where(rng.random(n) < 0.65, rng.uniform(0.7, 1.1, n), rng.uniform(0, 0.15, n)),
        "dot_mm": rng.uniform(0.8, 2.6, n),
        "sinus": _sometimes(rng, n, 0.65),
        "sinus_mm": rng.uniform(1.5, 5.5, n),
        "sinus_signal": np.where(rng.random(n) < 0.5, rng.uniform(0.7, 1.1, n), rng.uniform(0, 0.25, n)),
        "falx": _sometimes(rng, n, 0.3 * rate),
        "falx_mm": rng.uniform(0.4, 1.2, n),
        "falx_signal": np.where(rng.random(n) < 0.7, rng.uniform(0.6, 1.1, n), rng.uniform(0, 0.2, n)),
        "pituitary": _sometimes(rng, n, 0.6 * rate),
        "pituitary_mm": rng.uniform(3, 6, n),
        "pituitary_signal": rng.uniform(0.35, 1.05, n),
        "pineal": _sometimes(rng, n, 0.4 * rate),
        "pineal_mm": rng.uniform(2, 5, n),
        "pineal_signal": rng.uniform(0, 1.05, n),
    }


def _draw_scanner(rng: np.random.Generator, n: int, rate: float) -> Columns:
    # What blurs may do so by a share of the picture, or by its pixels, however many they are.
    finest = rng.uniform(0, 1, n)
    thick, coarse, step = _sometimes(rng, n, 0.2 * rate), rng.random(n) < 0.07 * rate, rng.uniform(1.2, 2.8, n)
    return {
        "bias": rng.uniform(0, 0.24, n),
        "near_coil": _sometimes(rng, n, 0.35) * rng.uniform(-0.15, 0.8, n),
        "empty": _sometimes(rng, n, 0.01 * rate),
        "slope": _sometimes(rng, n, 0.15 * rate) * rng.uniform(-0.7, 0.7, n),
        "slope_turn": rng.uniform(0, 2 * np.pi, n),
        "blur_x": rng.uniform(0.25, 0.55, n) + _sometimes(rng, n, 0.5 * rate) * rng.uniform(0, 0.8, n),
        "blur_y": rng.uniform(0.25, 0.55, n) + _sometimes(rng, n, 0.5 * rate) * rng.uniform(0, 0.8, n) + thick * rng.uniform(0.3, 1.6, n),
        "pixel_x": np.where(coarse & (rng.random(n) < 0.85), step, 1e-3),
        "pixel_y": np.where(coarse & (rng.random(n) < 0.85), step, 1e-3),
        "sharpen": _sometimes(rng, n, 0.18 * rate) * rng.uniform(0.3, 1.2, n),
        "ghost": _sometimes(rng, n, 0.08 * rate) * rng.uniform(0.02, 0.12, n),
        "ghost_shift": rng.uniform(0.08, 0.5, n),
        "fine": finest,
        "noise": 0.06 * rng.random(n) ** 1.8,
        "smooth_noise": _sometimes(rng, n, 0.4) * 0.06 * rng.random(n) ** 1.5,
        "lowest": rng.uniform(0.003, 0.02, n),
        "highest": rng.uniform(0.972, 0.998, n),
        "gamma": np.exp(rng.normal(0, 0.25, n)),
        "inverted": _sometimes(rng, n, 0.03),
        "jpeg": _sometimes(rng, n, 0.5 * rate),
        "jpeg_step": np.exp(rng.uniform(np.log(2), np.log(40), n)),
    }


def _draw_marks(rng: np.random.Generator, n: int, rate: float) -> Columns:
    marks = {}
    for slot, share in enumerate((0.15, 0.07)):
        edge = rng.random(n) < 0.75
        marks |= {
            f"mark_{slot}": _sometimes(rng, n, share * rate),
            f"sprite_{slot}": rng.integers(0, 2**20, n),
            f"mark_x_{slot}": rng.uniform(-0.8, 0.8, n),
            f"mark_y_{slot}": np.where(edge, rng.choice((-1.0, 1.0), n) * rng.uniform(0.78, 0.95, n), rng.uniform(-0.8, 0.8, n)),
            f"mark_size_{slot}": rng.uniform(0.05, 0.13, n),
            f"mark_signal_{slot}": np.where(rng.random(n) < 0.9, rng.uniform(0.55, 1, n), 0),
        }
    framed = _sometimes(rng, n, 0.06 * rate)
    return marks | {
        "framed": framed,
        "frame_x": rng.uniform(0, 0.15, n) * _sometimes(rng, n, 0.5),
        "frame_y": rng.uniform(0.01, 0.15, n),
        "frame_signal": np.where(rng.random(n) < 0.5, rng.choice((0.0, 1.0), n), rng.random(n)),
    }
