"""Healthy things that look like a tumor at a glance, in batches."""

from collections.abc import Callable
from typing import Final, TypeAlias

import torch

from brainmri.phantom.wide.draft import Draft, Part
from brainmri.phantom.wide.fields import blend, ramp
from brainmri.phantom.wide.landmarks import PINEAL_MM, SELLA_MM
from brainmri.phantom.wide.scene import Scene

# Images of a part, and the scene of all pictures -> the images with an oddity.
Painter: TypeAlias = Callable[[Part, torch.Tensor, Scene], torch.Tensor]
_DOTS: Final = 5
# A dot's radius is one in a picture of so many mm.
_DOT_FIELD_MM: Final = 190


def shade_oddities(draft: Draft, image: torch.Tensor, scene: Scene) -> torch.Tensor:
    """The images (n, size, size) with each picture's own oddities."""
    image = image.clone()
    for name, paint in _PAINTERS.items():
        part = draft.having(name)
        if part:
            image[part.places] = paint(part, part.pick(image), scene)
    return image


def _shade_spots(part: Part, image: torch.Tensor, scene: Scene) -> torch.Tensor:
    """Spots in the white matter, as bright or dark as edema."""
    field = part.smooth(part["spot_waves"])
    cover = ramp(part["spot_level"] - field, 0.12) * part.pick(scene.brain.white_matter)
    cover = cover * part.pick(scene.shells.inside)
    return image + cover * part["edema_sign"] * part["spots"] * 0.45


def _shade_caps(part: Part, image: torch.Tensor, scene: Scene) -> torch.Tensor:
    """Bright or dark caps and rims of the ventricles."""
    cover = ramp(part.pick(scene.brain.ventricle_mm) - part["caps_mm"], 0.8)
    cover = cover * part.pick(scene.brain.white_matter)
    return image + cover * part["edema_sign"] * part["caps"]


def _shade_dots(part: Part, image: torch.Tensor, scene: Scene) -> torch.Tensor:
    """Vessels cut across and calcifications: a few small dots."""
    places = part.noise.uniform(len(part), _DOTS, 2) * part.size
    ruler = torch.arange(part.size, device=part.device) + 0.5
    radius = part["dot_mm"] * part.size / _DOT_FIELD_MM
    cover = torch.zeros_like(image)
    for number in range(_DOTS):
        x, y = places[:, number, 0, None, None], places[:, number, 1, None, None]
        far = ((ruler - x) ** 2 + (ruler[:, None] - y) ** 2).sqrt()
        cover = torch.maximum(cover, ramp(far - radius * (0.6 + 0.2 * number), 0.4))
    return blend(image, cover * part.pick(scene.shells.inside) * 0.9, part["dots_signal"])


def _shade_twins(part: Part, image: torch.Tensor, scene: Scene) -> torch.Tensor:
    """A pair that mirrors itself in the midline: nuclei, calcified ones, horns, vessels."""
    x, y, z = part.pick(scene.brain.points).unbind(-1)
    far = (
        (x.abs() - part["twins_x"]) ** 2
        + ((y - part["twins_y"]) / part["twins_long"]) ** 2
        + (z - part["twins_z"]) ** 2
    ).sqrt()
    cover = ramp(far - part["twins_mm"], 0.7) * part.pick(scene.shells.inside)
    return image + cover * part["twins_signal"]


def _shade_sinus(part: Part, image: torch.Tensor, scene: Scene) -> torch.Tensor:
    """The superior sagittal sinus above, behind and in front, and the transverse ones behind."""
    x, y, z = part.pick(scene.brain.points).unbind(-1)
    fluid_mm = part.pick(scene.shells.fluid_mm)
    sagittal = torch.maximum(x.abs(), (fluid_mm + 1.5).abs() * 0.8) - part["sinus_mm"]
    transverse = torch.maximum((z + 26).abs(), (fluid_mm + 1).abs() * 0.8) - part["sinus_mm"]
    transverse = torch.maximum(transverse, y + 50)
    cover = torch.maximum(ramp(sagittal, 0.5) * ramp(-z - 8, 3.0), ramp(transverse, 0.5))
    return blend(image, cover, part["sinus_signal"])


def _shade_falx(part: Part, image: torch.Tensor, scene: Scene) -> torch.Tensor:
    """The dura between the hemispheres, from above down to the corpus callosum."""
    x, y, z = part.pick(scene.brain.points).unbind(-1)
    cover = ramp(x.abs() - part["falx_mm"], 0.35) * ramp(8 - z, 3.0) * part.pick(scene.shells.inside)
    deep = ((y + 15) ** 2 / 60**2 + (z - 5) ** 2 / 38**2).sqrt()
    return blend(image, cover * ramp(1 - deep, 0.05), part["falx_signal"])


def _shade_pituitary(part: Part, image: torch.Tensor, scene: Scene) -> torch.Tensor:
    """The gland in the sella, flatter than wide."""
    far = _measure_ball(part, scene, SELLA_MM, high=0.7)
    return blend(image, ramp(far - part["pituitary_mm"], 0.6), part["pituitary_signal"])


def _shade_pineal(part: Part, image: torch.Tensor, scene: Scene) -> torch.Tensor:
    """The gland behind the third ventricle, often calcified."""
    far = _measure_ball(part, scene, PINEAL_MM, high=1.0)
    return blend(image, ramp(far - part["pineal_mm"], 0.6), part["pineal_signal"])


def _measure_ball(part: Part, scene: Scene, middle_mm: tuple[float, ...], high: float) -> torch.Tensor:
    """The distance in mm from a place, heights counted as a share `high` of theirs."""
    points = part.pick(scene.brain.points)
    x, y, z = (axis - place for axis, place in zip(points.unbind(-1), middle_mm, strict=True))
    return (x * x + y * y + (z / high) ** 2).sqrt()


_PAINTERS: Final[dict[str, Painter]] = {
    "spots": _shade_spots,
    "caps": _shade_caps,
    "dots": _shade_dots,
    "twins": _shade_twins,
    "sinus": _shade_sinus,
    "falx": _shade_falx,
    "pituitary": _shade_pituitary,
    "pineal": _shade_pineal,
}
