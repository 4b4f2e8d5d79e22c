"""Pictures that show no head, for a network to tell from phantoms: no photograph of anything is needed.

What tells other pictures is learnt from some of them (outlier exposure, Hendrycks et al. 2019, arXiv
1812.04606). These are drawn: fields with the power spectra of photographs, things that hide each other (the
dead leaves of Lee, Mumford and Huang 2001, "Occlusion Models for Natural Images"), text, strokes, smooth
bodies on black, and phantoms in pieces. Lengths are shares of the picture's side, gray values have any unit
until they are shown.
"""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.float32]
Image = NDArray[np.uint8]

_FONTS: Final = 5
_LETTERS: Final = (48, 122)
_PIECES: Final = (2, 4, 5, 8, 10)


def draw_outliers(seed: int, count: int, heads: Image) -> Image:
    """uint8 (count, size, size), as prepared; one after the other of each of `KINDS`.

    A picture depends on the seed and its number alone, in pieces on the `heads` (n, size, size) too.
    """
    return np.stack([_draw(np.random.default_rng([seed, number]), number, heads) for number in range(count)])


def _draw(rng: np.random.Generator, number: int, heads: Image) -> Image:
    names = list(KINDS)
    name, size = names[number % len(names)], heads.shape[-1]
    if name == PIECES:
        return _break(rng, heads[rng.integers(len(heads))])
    return _show(rng, _SCENES[name](rng, size))


def _draw_field(rng: np.random.Generator, size: int) -> Gray:
    """Noise whose amplitude falls with the frequency to a power from 0.3 to 3; deviation 1."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size), indexing="ij"))
    frequency[0, 0] = np.inf
    spectrum = np.fft.fft2(rng.normal(size=(size, size))) / frequency ** rng.uniform(0.3, 3.0)
    field = np.fft.ifft2(spectrum).real
    return np.asarray(field / field.std(), np.float32)


def _draw_leaves(rng: np.random.Generator, size: int) -> Gray:
    """Ellipses, boxes and polygons of any gray, plain or textured, each over those before it."""
    picture = np.zeros((size, size), np.float32)
    smallest, largest = rng.uniform(0.012, 0.05), rng.uniform(0.15, 0.55)
    texture = np.float32(0.4) * _draw_field(rng, size) if rng.random() < 0.5 else None
    for _ in range(int(rng.integers(30, 500))):
        # Their density falls with the radius cubed, so that no scale is the usual one.
        radius = size / np.sqrt(rng.uniform(largest**-2, smallest**-2))
        center = rng.uniform(-0.12 * size, 1.12 * size, 2)
        gray: Gray | float = float(rng.normal())
        if texture is not None and radius > 0.1 * size:
            # Of the one texture, each leaf has another part.
            gray = (gray + np.roll(texture, rng.integers(size, size=2), axis=(0, 1))).astype(np.float32)
        picture = np.where(_draw_leaf(rng, size, center, radius), gray, picture)
    return _blur(rng, picture)


def _draw_leaf(
    rng: np.random.Generator, size: int, center: NDArray[np.float64], radius: float
) -> NDArray[np.bool_]:
    mask = np.zeros((size, size), np.uint8)
    kind = rng.integers(3)
    if kind == 0:
        _fill_ellipse(rng, mask, center, radius)
    elif kind == 1:
        sides = (2 * radius, 2 * radius * rng.uniform(0.2, 1))
        corners = cv2.boxPoints((tuple(center), sides, rng.uniform(0, 180)))
        cv2.fillPoly(mask, [corners.astype(np.int32)], 1)
    else:
        corners = center + radius * rng.normal(size=(int(rng.integers(3, 8)), 2))
        cv2.fillPoly(mask, [corners.astype(np.int32)], 1)
    return mask > 0


def _fill_ellipse(rng: np.random.Generator, mask: Image, center: NDArray[np.float64], radius: float) -> None:
    axes = (int(radius) + 1, int(radius * rng.uniform(0.3, 1)) + 1)
    cv2.ellipse(mask, (int(center[0]), int(center[1])), axes, rng.uniform(0, 180), 0, 360, 1, -1)


def _draw_text(rng: np.random.Generator, size: int) -> Gray:
    """Lines of letters, dark on light or light on dark."""
    page, unit = np.full((size, size), 255, np.uint8), size / 160
    height, down = rng.uniform(0.25, 1.2) * unit, 10 * unit
    while down < size + 20 * unit:
        line = "".join(chr(code) for code in rng.integers(*_LETTERS, 30))
        start = (int(rng.integers(-20, 20) * unit), int(down))
        cv2.putText(page, line, start, int(rng.integers(_FONTS)), height, 0, int(rng.integers(1, 3)))
        down += height * rng.uniform(20, 40)
    shown = page.astype(np.float32)
    return shown if rng.random() < 0.5 else 255 - shown


def _draw_strokes(rng: np.random.Generator, size: int) -> Gray:
    """Lines of a pen, thin or thick, on black."""
    picture = np.zeros((size, size), np.float32)
    for _ in range(int(rng.integers(1, 8))):
        steps = rng.normal(0, rng.uniform(0.04, 0.16), (int(rng.integers(3, 12)), 2))
        points = size * (np.cumsum(steps, axis=0) + rng.uniform(0.25, 0.75, 2))
        width = max(1, int(rng.uniform(0.0125, 0.14) * size))
        closed, gray = bool(rng.integers(2)), float(rng.uniform(0.4, 1))
        cv2.polylines(picture, [points.astype(np.int32)], closed, gray, width, cv2.LINE_AA)
    return _blur(rng, picture)


def _draw_bodies(rng: np.random.Generator, size: int) -> Gray:
    """A few round things, smooth or textured, on black: as heads are, with nothing in them."""
    picture = np.zeros((size, size), np.float32)
    for _ in range(int(rng.integers(1, 6))):
        mask = np.zeros((size, size), np.uint8)
        _fill_ellipse(rng, mask, rng.uniform(0.2, 0.8, 2) * size, rng.uniform(0.05, 0.375) * size)
        texture = np.float32(rng.choice([0, 0.03, 0.09])) * _draw_field(rng, size)
        picture = np.where(mask > 0, np.float32(rng.uniform(0.3, 1)) + texture, picture)
    return _blur(rng, picture)


def _blur(rng: np.random.Generator, picture: Gray) -> Gray:
    sigma = rng.uniform(0.002, 0.015) * len(picture)
    return np.asarray(cv2.GaussianBlur(picture.astype(np.float32), (0, 0), sigma), np.float32)


def _break(rng: np.random.Generator, head: Image) -> Image:
    """A head in square pieces, each at another's place; what doesn't fit into whole pieces is left black."""
    many, size = int(rng.choice(_PIECES)), head.shape[-1]
    side = size // many
    pieces = head[: many * side, : many * side].reshape(many, side, many, side).swapaxes(1, 2)
    order, mixed = rng.permutation(many**2), np.empty((many**2, side, side), np.uint8)
    # Each goes where the next one of a random round was, so that none stays.
    mixed[np.roll(order, 1)] = pieces.reshape(-1, side, side)[order]
    mixed = mixed.reshape(many, many, side, side)
    broken = np.zeros_like(head)
    broken[: many * side, : many * side] = mixed.swapaxes(1, 2).reshape(many * side, many * side)
    return broken


def _show(rng: np.random.Generator, scene: Gray) -> Image:
    """Some window, some gamma; a quarter of the pictures is narrower than its frame."""
    low, high = np.percentile(scene, [rng.uniform(0, 3), rng.uniform(97, 100)])
    shown = ((scene - low) / max(high - low, 1e-6)).clip(0, 1) ** np.exp(rng.normal(0, 0.4))
    if rng.random() < 0.25:
        size = len(shown)
        height = int(rng.uniform(0.375, 1) * size)
        framed = np.zeros_like(shown)
        top = (size - height) // 2
        framed[top : top + height] = cv2.resize(shown, (size, height), interpolation=cv2.INTER_AREA)
        shown = framed if rng.random() < 0.5 else framed.T
    return np.asarray((255 * shown).clip(0, 255), np.uint8)


PIECES: Final = "a head in pieces"
_SCENES: Final[dict[str, Callable[[np.random.Generator, int], Gray]]] = {
    "noise": _draw_field,
    "crowded shapes": _draw_leaves,
    "text": _draw_text,
    "strokes": _draw_strokes,
    "round shapes": _draw_bodies,
}
KINDS: Final = (*_SCENES, PIECES)
"""What there is, in the order in which it is drawn."""
