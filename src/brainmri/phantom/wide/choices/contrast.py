"""How bright each tissue is: near the signals of a sequence, or (a sixth) in any order at all."""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brainmri.phantom.wide.choices.chance import Values, sometimes
from brainmri.phantom.wide.choices.signals import TYPICAL, Sequence, Signals
from brainmri.phantom.wide.columns import Columns

_TISSUES: Final = tuple(field.name for field in fields(Signals))
_GRAY, _WHITE, _BONE, _MARROW, _FAT = range(1, 6)
_SEQUENCES: Final = tuple(Sequence)
_NO_SEQUENCE: Final = len(_SEQUENCES)


@dataclass(frozen=True)
class ContrastRange:
    """How far contrasts wander.

    `shares` of T1, T1 with contrast agent, T2, FLAIR, and of contrasts that no sequence has; `deviation` of
    a signal's logarithm; `stretch`, from and to, of the difference between gray and white matter.
    """

    shares: tuple[float, float, float, float, float]
    deviation: float
    stretch: tuple[float, float]


WIDE: Final = ContrastRange((0.19, 0.26, 0.16, 0.22, 0.17), deviation=0.2, stretch=(0.3, 1.8))


def draw_contrast(rng: np.random.Generator, n: int, within: ContrastRange = WIDE) -> Columns:
    """The tissues' signals, the sign of edema, and how strongly each texture of tissue shows."""
    sequence = rng.choice(len(within.shares), n, p=within.shares)
    signals = _draw_signals(rng, sequence, within)
    tissues: Columns = {tissue: signals[:, i] for i, tissue in enumerate(_TISSUES)}
    return tissues | _draw_textures(rng, sequence) | _draw_patterns(rng, n)


def _draw_signals(
    rng: np.random.Generator, sequence: NDArray[np.int_], within: ContrastRange
) -> NDArray[np.float64]:
    """Signals (n, tissues) about 0 to 1; fat suppressed in a quarter."""
    n = len(sequence)
    real = _draw_real(rng, sequence, within)
    any_order = rng.uniform(0, 1, (n, len(_TISSUES)))
    any_order[:, _BONE] *= 0.4
    signals = np.where((sequence == _NO_SEQUENCE)[:, None], any_order, real)
    signals[:, _MARROW] *= rng.uniform(0.3, 1.2, n)
    signals[:, _FAT] *= np.where(rng.random(n) < 0.25, rng.uniform(0.2, 0.7, n), 1)
    return signals


def _draw_real(
    rng: np.random.Generator, sequence: NDArray[np.int_], within: ContrastRange
) -> NDArray[np.float64]:
    """Signals (n, tissues) about those of each picture's sequence; gray and white come closer or part."""
    typical = np.array([[getattr(TYPICAL[name], tissue) for tissue in _TISSUES] for name in _SEQUENCES])
    known = typical[sequence.clip(0, len(_SEQUENCES) - 1)]
    real: NDArray[np.float64] = known * np.exp(rng.normal(0, within.deviation, known.shape))
    middle = (real[:, _GRAY] + real[:, _WHITE]) / 2
    half = (real[:, _GRAY] - real[:, _WHITE]) / 2 * rng.uniform(*within.stretch, len(real))
    real[:, _GRAY], real[:, _WHITE] = middle + half, middle - half
    return real


def _draw_textures(rng: np.random.Generator, sequence: NDArray[np.int_]) -> Columns:
    """Edema dark (-1) on T1 and bright (1) on T2, vessels, nuclei, and the unrest of brain."""
    n = len(sequence)
    dark, bright = np.full(n, -1.0), np.full(n, 1.0)
    t1, t2 = sequence <= _SEQUENCES.index(Sequence.T1_CONTRAST), sequence <= _SEQUENCES.index(Sequence.FLAIR)
    return {
        "edema_sign": np.select([t1, t2], [dark, bright], rng.choice((-1.0, 1.0), n)),
        "vessels": np.where(sequence == _SEQUENCES.index(Sequence.T1), 0.15, 1) * rng.uniform(0, 1, n) ** 1.5,
        "vessel_waves": rng.uniform(8, 16, n),
        "nuclei": rng.normal(0, 0.08, n),
        "nuclei_level": rng.uniform(0.55, 0.95, n),
        "texture": rng.uniform(0, 0.05, n),
        "texture_waves": rng.uniform(6, 21, n),
        "unrest": rng.uniform(0, 0.04, n),
    }


def _draw_patterns(rng: np.random.Generator, n: int) -> Columns:
    """The scalp's pattern, grain, and a background that is rarely bright and at times not quite black."""
    return {
        "scalp_pattern": rng.uniform(0.2, 1, n),
        "scalp_detail": rng.uniform(0, 1, n),
        "grain": sometimes(rng, n, 0.6) * rng.uniform(0, 0.06, n),
        "background": _draw_background(rng, n),
    }


def _draw_background(rng: np.random.Generator, n: int) -> Values:
    which = [rng.random(n) < 0.03, rng.random(n) < 0.12]
    return np.select(which, [rng.uniform(0.3, 1, n), rng.uniform(0, 0.12, n)], 0)
