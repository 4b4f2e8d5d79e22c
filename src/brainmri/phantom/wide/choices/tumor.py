"""Tumors: kind and look, signal, what is around them, and of each focus size and shape."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from brainmri.phantom.wide.choices.chance import Values, log_uniform, sometimes
from brainmri.phantom.wide.columns import Columns
from brainmri.phantom.wide.kinds import FOCI, Kind, Look
from brainmri.phantom.wide.settings import WideParams

KIND_SHARES: Final = {
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
# Shares of each `Look`, in its order.
_LOOK_SHARES: Final = {
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
# Largest radius as a share of the settings', of kinds that don't grow as large.
_LARGEST: Final = {Kind.MULTIFOCAL: 0.4, Kind.DURAL: 0.8, Kind.SELLAR: 0.5, Kind.POSTERIOR_FOSSA: 0.6}
_SATELLITE_MM: Final = 4.0


def draw_kind(rng: np.random.Generator, n: int) -> NDArray[np.int_]:
    """The kind (n,) of each picture's tumor, also of those that will have none."""
    return rng.choice(list(KIND_SHARES), n, p=list(KIND_SHARES.values()))


def draw_tumor(rng: np.random.Generator, kind: NDArray[np.int_], params: WideParams) -> Columns:
    """The tumor's signal and surroundings, and of up to three foci size and shape; kinds are (n,)."""
    look = _draw_look(rng, kind)
    limit = params.radius_max_mm * _per_kind({known: _LARGEST.get(known, 1.0) for known in Kind}, kind)
    foci = np.where(kind == Kind.MULTIFOCAL, rng.integers(2, FOCI + 1, len(kind)), 1)
    swollen = _draw_swollen(rng, kind, look)
    columns = {
        "kind": kind,
        "look": look,
        **_draw_site(rng, kind),
        **_draw_signal(rng, len(kind)),
        "edema": swollen,
        **_draw_edema(rng, len(kind)),
        **_draw_core(rng, look),
        **_draw_surface(rng, len(kind)),
        **_draw_effects(rng, look),
    }
    for focus in range(FOCI):
        low = _SATELLITE_MM if focus else params.radius_min_mm
        radius = log_uniform(rng, low, limit * 0.8 if focus else limit)
        radius = _shrink_main(radius, kind, focus)
        columns |= _number({"radius_mm": radius, **_draw_shape(rng, kind, radius)}, focus)
        columns |= _number({"present": focus < foci}, focus)
    return columns


def _per_kind(values: dict[Kind, float], kind: NDArray[np.int_]) -> Values:
    return np.array([values[known] for known in Kind])[kind]


def _number(columns: Columns, focus: int) -> Columns:
    return {f"{name}_{focus}": column for name, column in columns.items()}


def _draw_look(rng: np.random.Generator, kind: NDArray[np.int_]) -> NDArray[np.int_]:
    none = (0,) * len(Look)
    shares = np.array([_LOOK_SHARES.get(known, none) for known in Kind], np.float64)[kind]
    look: NDArray[np.int_] = (rng.random(len(kind))[:, None] > shares.cumsum(axis=1)).sum(axis=1)
    return look.clip(0, len(Look) - 1)


def _draw_swollen(
    rng: np.random.Generator, kind: NDArray[np.int_], look: NDArray[np.int_]
) -> NDArray[np.bool_]:
    """Who has edema: nearly all of those that are nothing else, most rings, a third at the dura."""
    which = [look == Look.EDEMA_ONLY, look == Look.RING, kind == Kind.DURAL]
    return np.asarray(rng.random(len(kind)) < np.select(which, [0.95, 0.65, 0.35], 0.45))


def _draw_site(rng: np.random.Generator, kind: NDArray[np.int_]) -> Columns:
    """1 where the kind has a place of its own; `tail`, a thickened dura beside most at the dura."""
    dural = kind == Kind.DURAL
    return {
        "dural": dural,
        "sellar": kind == Kind.SELLAR,
        "fossa": kind == Kind.POSTERIOR_FOSSA,
        "tail": dural & (rng.random(len(kind)) < 0.6),
    }


def _draw_signal(rng: np.random.Generator, n: int) -> Columns:
    """The difference from what is around, and how much of the brain's folds it leaves to be seen."""
    return {
        "difference": np.exp(rng.uniform(np.log(0.08), np.log(0.8), n)),
        "keeps": sometimes(rng, n, 0.35) * rng.uniform(0.3, 1, n),
    }


def _draw_edema(rng: np.random.Generator, n: int) -> Columns:
    """How far edema reaches in radii, how strong it is, and -1 where its sign isn't the sequence's."""
    return {
        "edema_reach": rng.uniform(1.15, 2.4, n),
        "edema_strength": rng.uniform(0.15, 0.5, n),
        "edema_odd": np.where(rng.random(n) < 0.08, -1, 1),
    }


def _draw_core(rng: np.random.Generator, look: NDArray[np.int_]) -> Columns:
    """What is inside a ring or cyst: its share of the radius, its signal beside the surroundings'."""
    n = len(look)
    return {
        "core": np.where(look == Look.CYSTIC, rng.uniform(0.78, 0.94, n), rng.uniform(0.4, 0.82, n)),
        "core_signal": rng.uniform(-0.45, 0.1, n),
        "core_bright": sometimes(rng, n, 0.12),
    }


def _draw_surface(rng: np.random.Generator, n: int) -> Columns:
    """Texture, how opaque it is, and a line around some, brighter or darker."""
    return {
        "tumor_texture": rng.uniform(0, 0.16, n),
        "tumor_waves": rng.uniform(7, 20, n),
        "opacity": rng.uniform(0.75, 1, n),
        "outline": sometimes(rng, n, 0.1) * rng.uniform(-0.3, 0.4, n),
    }


def _draw_effects(rng: np.random.Generator, look: NDArray[np.int_]) -> Columns:
    """What it pushes away, and how much its border follows the white matter."""
    n = len(look)
    return {
        "push": sometimes(rng, n, 0.7) * rng.uniform(0.15, 0.7, n),
        "midline_mm": sometimes(rng, n, 0.4) * rng.uniform(0, 9, n),
        "follows_white": np.where(
            (look == Look.EDEMA_ONLY) | (rng.random(n) < 0.25),
            rng.uniform(0, 0.6, n),
            rng.uniform(0, 0.12, n),
        ),
    }


def _shrink_main(radius: Values, kind: NDArray[np.int_], focus: int) -> Values:
    """The main focus of several is a little smaller than one alone."""
    return radius if focus else radius * np.where(kind == Kind.MULTIFOCAL, 0.8, 1)


def _draw_shape(rng: np.random.Generator, kind: NDArray[np.int_], radius: Values) -> Columns:
    """What a step in the plane (u, v) is along a focus and aside, in radii; lobes, softness and roughness."""
    n = len(kind)
    flat, angle = rng.uniform(0.55, 1, n), rng.uniform(0, np.pi, n)
    return {
        "along_u": np.cos(angle) / radius,
        "along_v": np.sin(angle) / radius,
        "aside_u": -np.sin(angle) / (radius * flat),
        "aside_v": np.cos(angle) / (radius * flat),
        "rough": rng.uniform(0.03, 0.34, n) * np.where(kind == Kind.DURAL, 0.5, 1),
        "lobes": rng.uniform(1.2, 3.2, n),
        "soft": np.where(rng.random(n) < 0.25, rng.uniform(0.1, 0.25, n), rng.uniform(0.02, 0.1, n)),
    }
