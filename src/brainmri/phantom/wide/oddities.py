"""Healthy things that look like a tumor at a glance, in batches."""

import torch

from brainmri.phantom.wide.columns import Drawn
from brainmri.phantom.wide.fields import Noise, blend, enlarge, ramp

_PITUITARY_MM, _PINEAL_MM = (0.0, 2.0, -33.0), (0.0, -28.0, 2.0)


def shade_all(
    image: torch.Tensor,
    drawn: Drawn,
    noise: Noise,
    points: torch.Tensor,
    white: torch.Tensor,
    inside: torch.Tensor,
    ventricle_mm: torch.Tensor,
    fluid_mm: torch.Tensor,
) -> torch.Tensor:
    """The image with each picture's own oddities; `points` (n, rows, columns, 3) of MNI space in mm."""
    image = image.clone()
    for name, painter in (("spots", _shade_spots), ("caps", _shade_caps), ("dots", _shade_dots)):
        rows = drawn.rows(name)
        if len(rows):
            chosen = torch.from_numpy(rows).to(image.device)
            part = painter(
                image[chosen], drawn.take(rows), noise, white[chosen], inside[chosen], ventricle_mm[chosen]
            )
            image[chosen] = part
    for name, painter in (("twins", _shade_twins), ("sinus", _shade_sinus), ("falx", _shade_falx), ("pituitary", _shade_pituitary), ("pineal", _shade_pineal)):
        rows = drawn.rows(name)
        if len(rows):
            chosen = torch.from_numpy(rows).to(image.device)
            image[chosen] = painter(image[chosen], drawn.take(rows), points[chosen], inside[chosen], fluid_mm[chosen])
    return image


def _shade_spots(image, drawn, noise, white, inside, ventricle_mm):
    """White-matter spots."""
    size = image.shape[-1]
    field = enlarge(noise.smooth(drawn["spot_waves"], size // 2), size)
    cover = ramp(drawn["spot_level"] - field, 0.12) * white * inside
    return image + cover * drawn["edema_sign"] * drawn["spots"] * 0.45


def _shade_caps(image, drawn, noise, white, inside, ventricle_mm):
    """Bright (or dark) caps and rims of the ventricles."""
    cover = ramp(ventricle_mm - drawn["caps_mm"], 0.8) * white
    return image + cover * drawn["edema_sign"] * drawn["caps"]


def _shade_dots(image, drawn, noise, white, inside, ventricle_mm):
    """Vessels cut across and calcifications: a few small dots."""
    n, size, _ = image.shape
    places = noise.uniform(n, 5, 2) * size
    ruler = torch.arange(size, device=image.device) + 0.5
    cover = torch.zeros_like(image)
    radius = drawn["dot_mm"] * size / 190
    for number in range(5):
        x, y = places[:, number, 0, None, None], places[:, number, 1, None, None]
        far = ((ruler - x) ** 2 + (ruler[:, None] - y) ** 2).sqrt()
        cover = torch.maximum(cover, ramp(far - radius * (0.6 + 0.2 * number), 0.4))
    return blend(image, cover * inside * 0.9, drawn["dots_signal"])


def _shade_twins(image, drawn, points, inside, fluid_mm):
    """A pair that mirrors itself in the midline: nuclei, calcified ones, horns, vessels."""
    x, y, z = points.unbind(-1)
    far = (
        (x.abs() - drawn["twins_x"]) ** 2
        + ((y - drawn["twins_y"]) / drawn["twins_long"]) ** 2
        + (z - drawn["twins_z"]) ** 2
    ).sqrt()
    return image + ramp(far - drawn["twins_mm"], 0.7) * inside * drawn["twins_signal"]


def _shade_sinus(image, drawn, points, inside, fluid_mm):
    """The superior sagittal sinus above, behind and in front, and the transverse ones behind."""
    x, y, z = points.unbind(-1)
    sagittal = torch.maximum(x.abs(), (fluid_mm + 1.5).abs() * 0.8) - drawn["sinus_mm"]
    transverse = torch.maximum((z + 26).abs(), (fluid_mm + 1).abs() * 0.8) - drawn["sinus_mm"]
    transverse = torch.maximum(transverse, y + 50)
    cover = torch.maximum(ramp(sagittal, 0.5) * ramp(-z - 8, 3.0), ramp(transverse, 0.5))
    return blend(image, cover, drawn["sinus_signal"])


def _shade_falx(image, drawn, points, inside, fluid_mm):
    x, y, z = points.unbind(-1)
    cover = ramp(x.abs() - drawn["falx_mm"], 0.35) * ramp(8 - z, 3.0) * inside
    deep = ((y + 15) ** 2 / 60**2 + (z - 5) ** 2 / 38**2).sqrt()
    return blend(image, cover * ramp(1 - deep, 0.05), drawn["falx_signal"])


def _shade_pituitary(image, drawn, points, inside, fluid_mm):
    return _shade_ball(image, points, _PITUITARY_MM, drawn["pituitary_mm"], drawn["pituitary_signal"], 0.7)


def _shade_pineal(image, drawn, points, inside, fluid_mm):
    return _shade_ball(image, points, _PINEAL_MM, drawn["pineal_mm"], drawn["pineal_signal"], 1.0)


def _shade_ball(image, points, middle, radius, signal, high):
    x, y, z = (axis - place for axis, place in zip(points.unbind(-1), middle, strict=True))
    far = (x * x + y * y + (z / high) ** 2).sqrt()
    return blend(image, ramp(far - radius, 0.6), signal)
