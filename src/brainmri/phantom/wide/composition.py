"""Brain and tumor in the head, the head before its background, in batches."""

import torch

from brainmri.phantom.wide.draft import Draft
from brainmri.phantom.wide.fields import ramp
from brainmri.phantom.wide.framing import Frame
from brainmri.phantom.wide.lesions import Grown
from brainmri.phantom.wide.scene import Scene


def compose(draft: Draft, frame: Frame, scene: Scene, grown: Grown, around: torch.Tensor) -> torch.Tensor:
    """The signal (n, size, size); `around` is the head's, which the stripped don't show; written over."""
    shown = _show(draft, scene, grown)
    signal = around.mul_(1 - draft["stripped"]).lerp_(grown.image, shown)
    edge = ramp(scene.shells.skin_mm, 0.6).lerp_(shown, draft["stripped"])
    edge.mul_(_cut_below(draft, frame) * (1 - draft["empty"] * (1 - draft["tumor"])))
    _cut_away(draft, edge)
    return torch.lerp(draft["background"], signal, edge)


def _show(draft: Draft, scene: Scene, grown: Grown) -> torch.Tensor:
    """The share of each pixel that is brain or tumor: one at the sella reaches below the brain."""
    part = draft.having("sellar", "tumor")
    if part is None:
        return scene.shells.inside
    below = torch.maximum(part.pick(scene.shells.inside), part.pick(grown.cover).gt(0.5))
    return scene.shells.inside.index_copy(0, part.places, below)


def _cut_away(draft: Draft, edge: torch.Tensor) -> None:
    """Some pictures end at a straight line, as of a volume that was turned; in place."""
    part = draft.having("wedge")
    if part:
        ruler = torch.linspace(-1, 1, draft.size, device=draft.device)
        far = ruler * part["wedge_turn"].cos() + ruler[:, None] * part["wedge_turn"].sin()
        edge[part.places] = part.pick(edge).masked_fill_(far > part["wedge_at"], 0)


def _cut_below(draft: Draft, frame: Frame) -> torch.Tensor:
    """0 below the head of some pictures, (n, size, 1); else 1."""
    below = frame.place(draft.size)[1] > torch.minimum(frame.bottom_y, draft["cut_mm"])
    return 1 - below * draft["letterbox"]
