"""Healthy things that look like a tumor at a glance, in batches."""

from collections.abc import Callable
from typing import Final, TypeAlias

import torch

from brainmri.phantom.wide.draft import Draft, Part
from brainmri.phantom.wide.fields import blend, ramp
from brainmri.phantom.wide.landmarks import PINEAL_MM, SELLA_MM
from brainmri.phantom.wide.scene import Scene
from brainmri.phantom.wide.volumes import measure_distance

# Images of a part, and the scene of all pictures -> the images with an oddity.
Painter: TypeAlias = Callable[[Part, torch.Tensor, Scene], torch.Tensor]
_DOTS: Final = 5
# A dot's radius is one in a picture of so many mm.
_DOT_FIELD_MM: Final = 190


def shade_oddities(draft: Draft, image: torch.Tensor, scene: Scene) -> torch.Tensor:
    """The images (n, size, size) with each picture's own oddities; in place."""
    for name, paint in _PAINTERS.items():
        part = draft.having(name)
        if part:
            image[part.places] = paint(part, part.pick(image), scene)
    return image


def _shade_spots(part: Part, image: torch.Tensor, scene: Scene) -> torch.Tensor:
    """Spots in the white matter, as bright or dark as edema."""
    (field,) = part.smooth_whole(part["spot_waves"])
    cover = ramp(field, -0.12, part["spot_level"]).mul_(scene.pick_matter(part)[0])
    cover.mul_(part.pick(scene.shells.inside))
    return image.addcmul_(cover, part["edema_sign"] * part["spots"] * 0.45)


def _shade_caps(part: Part, image: torch.Tensor, scene: Scene) -> torch.Tensor:
    """Bright or dark caps and rims of the ventricles."""
    cover = ramp(part.pick(scene.brain.ventricle_mm), 0.8, part["caps_mm"])
    cover.mul_(scene.pick_matter(part)[0])
    return image.addcmul_(cover, part["edema_sign"] * part["caps"])


def _shade_dots(part: Part, image: torch.Tensor, scene: Scene) -> torch.Tensor:
    """Vessels cut across and calcifications: a few small dots."""
    x, y = (part.noise.uniform(len(part), _DOTS, 2) * part.size).unbind(-1)
    ruler = torch.arange(part.size, device=part.device) + 0.5
    across, down = ((ruler - place[..., None]).square_() for place in (x, y))
    radii = part["dot_mm"] * part.size / _DOT_FIELD_MM
    nearest = torch.full_like(image, part.size)
    for number in range(_DOTS):
        far = torch.add(across[:, number, None, :], down[:, number, :, None]).sqrt_()
        nearest = torch.minimum(nearest, far.sub_(radii * (0.6 + 0.2 * number)))
    cover = ramp(nearest, 0.4).mul_(part.pick(scene.shells.inside)).mul_(0.9)
    return blend(image, cover, part["dots_signal"])


def _shade_twins(part: Part, image: torch.Tensor, scene: Scene) -> torch.Tensor:
    """A pair that mirrors itself in the midline: nuclei, calcified ones, horns, vessels."""
    x, y, z = part.pick_points(scene.brain.points)
    square = x.abs_().sub_(part["twins_x"]).square_()
    square.add_(y.sub_(part["twins_y"]).div_(part["twins_long"]).square_())
    far = square.add_(z.sub_(part["twins_z"]).square_()).sqrt_()
    cover = ramp(far, 0.7, part["twins_mm"]).mul_(part.pick(scene.shells.inside))
    return image.addcmul_(cover, part["twins_signal"])


def _shade_sinus(part: Part, image: torch.Tensor, scene: Scene) -> torch.Tensor:
    """The superior sagittal sinus above, behind and in front, and the transverse ones behind."""
    x, y, z = part.pick_points(scene.brain.points)
    fluid_mm = part.pick(scene.shells.fluid_mm)
    sagittal = torch.maximum(x.abs_(), (fluid_mm + 1.5).abs_().mul_(0.8))
    transverse = torch.maximum((z + 26).abs_(), fluid_mm.add_(1).abs_().mul_(0.8)).sub_(part["sinus_mm"])
    upper = ramp(sagittal, 0.5, part["sinus_mm"]).mul_(ramp(z, -3.0, -8.0))
    cover = torch.maximum(upper, ramp(torch.maximum(transverse, y.add_(50)), 0.5))
    return blend(image, cover, part["sinus_signal"])


def _shade_falx(part: Part, image: torch.Tensor, scene: Scene) -> torch.Tensor:
    """The dura between the hemispheres, from above down to the corpus callosum."""
    x, y, z = part.pick_points(scene.brain.points)
    cover = ramp(x.abs_(), 0.35, part["falx_mm"]).mul_(ramp(z, -3.0, 8.0))
    cover.mul_(part.pick(scene.shells.inside))
    deep = y.add_(15).div_(60).square_().add_(z.sub_(5).div_(38).square_()).sqrt_()
    return blend(image, cover.mul_(ramp(deep, -0.05, 1.0)), part["falx_signal"])


def _shade_pituitary(part: Part, image: torch.Tensor, scene: Scene) -> torch.Tensor:
    """The gland in the sella, flatter than wide."""
    far = measure_distance(part.pick_points(scene.brain.points), SELLA_MM, high=0.7)
    return blend(image, ramp(far, 0.6, part["pituitary_mm"]), part["pituitary_signal"])


def _shade_pineal(part: Part, image: torch.Tensor, scene: Scene) -> torch.Tensor:
    """The gland behind the third ventricle, often calcified."""
    far = measure_distance(part.pick_points(scene.brain.points), PINEAL_MM)
    return blend(image, ramp(far, 0.6, part["pineal_mm"]), part["pineal_signal"])


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
