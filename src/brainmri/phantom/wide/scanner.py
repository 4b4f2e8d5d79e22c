"""From signal to picture, in batches: coil, noise, window."""

from typing import Final

import numpy as np
import torch

from brainmri.phantom.wide.draft import Draft
from brainmri.phantom.wide.fields import enlarge
from brainmri.phantom.wide.resolution import see

# Of the unevenness of the coil.
_COIL_WAVES: Final = 2.0
# The window is found on about so many pixels a side.
_SAMPLES: Final = 32


def scan(draft: Draft, signal: torch.Tensor) -> torch.Tensor:
    """Signal (n, size, size) -> pictures, 0 to 1, percentiles stretched as `prepare` does it; in place."""
    return _stretch(draft, receive(draft, signal))


def receive(draft: Draft, signal: torch.Tensor) -> torch.Tensor:
    """Signal (n, size, size) as the scanner's coils receive it, before the display's window; in place."""
    speckle = draft.noise.white(len(draft), draft.half, draft.half)
    part = draft.having("smooth_noise")
    if part:
        signal.index_add_(0, part.places, enlarge(part.pick(speckle).mul_(part["smooth_noise"])))
    image = signal.clamp_(min=0).mul_(_light(draft))
    image = torch.bmm(torch.bmm(see(draft, "y"), image), see(draft, "x").mT)
    return _add_noise(draft, image)


def _add_noise(draft: Draft, image: torch.Tensor) -> torch.Tensor:
    """Rician noise (Gudbjartsson and Patz 1995): the magnitude of a complex signal; in place."""
    real, imaginary = (draft.noise.white(*image.shape) for _ in range(2))
    image = image.addcmul_(real, draft["noise"]).square_()
    return image.addcmul_(imaginary.square_(), draft["noise"] ** 2).sqrt_()


def _light(draft: Draft) -> torch.Tensor:
    """How bright each place is: an uneven coil, sometimes a slope, sometimes brighter all around."""
    (field,) = draft.smooth(torch.full_like(draft["bias"], _COIL_WAVES))
    ruler = torch.linspace(-1, 1, draft.half, device=draft.device)
    angle = draft["slope_turn"]
    slope = draft["slope"] * (ruler * angle.cos() + ruler[:, None] * angle.sin())
    rise = draft["near_coil"] * (ruler * ruler + (ruler * ruler)[:, None])
    return enlarge(torch.exp(draft["bias"] * field + slope + rise))


def _stretch(draft: Draft, image: torch.Tensor) -> torch.Tensor:
    """The display's window, curve and, at times, reversal: 0 to 1."""
    low, high = _find_window(draft, image)
    scale = 1 / (high - low + 1e-3)
    shown = image.mul_(scale).sub_(low * scale).clamp_(0, 1).pow_(draft["gamma"])
    return torch.addcmul(draft["inverted"], shown, 1 - 2 * draft["inverted"])


def _find_window(draft: Draft, image: torch.Tensor) -> list[torch.Tensor]:
    """Both ends, (n, 1, 1) each."""
    step = max(1, draft.size // _SAMPLES)
    ordered = _sort(image[:, ::step, ::step].flatten(1))
    last = ordered.shape[1] - 1
    places = ((draft[name].flatten(1) * last).long() for name in ("lowest", "highest"))
    return [ordered.gather(1, place)[:, :, None] for place in places]


def _sort(values: torch.Tensor) -> torch.Tensor:
    """Rows in rising order; numpy's is thirty times as fast on a processor."""
    if values.device.type == "cpu":
        return torch.from_numpy(np.sort(values.numpy(), axis=1))
    return values.sort(dim=1).values
