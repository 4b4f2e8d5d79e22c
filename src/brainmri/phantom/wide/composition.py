"""Brain and tumor in the head, the head before its background, in batches."""

import torch

from brainmri.phantom.wide.draft import Draft
from brainmri.phantom.wide.fields import ramp
from brainmri.phantom.wide.framing import Frame
from brainmri.phantom.wide.lesions import Grown
from brainmri.phantom.wide.scene import Scene


def compose(draft: Draft, frame: Frame, scene: Scene, grown: Grown, around: torch.Tensor) -> torch.Tensor:
    """The signal (n, size, size); `around` is the head's, of which the stripped show nothing."""
    # A tumor at the sella reaches below the brain.
    below = grown.cover.gt(0.5) * draft["sellar"] * draft["tumor"]
    shown = torch.maximum(scene.shells.inside, below)
    whole = around + shown * (grown.image - around)
    signal = torch.lerp(whole, grown.image * shown, draft["stripped"])
    edge = torch.lerp(ramp(scene.shells.skin_mm, 0.6), shown, draft["stripped"])
    edge = edge * _cut_away(draft) * _cut_below(draft, frame)
    edge = edge * (1 - draft["empty"] * (1 - draft["tumor"]))
    return draft["background"] + edge * (signal - draft["background"])


def _cut_away(draft: Draft) -> torch.Tensor:
    """0 beyond a straight line across some pictures, as of a volume that was turned; else 1."""
    ruler = torch.linspace(-1, 1, draft.size, device=draft.device)
    far = ruler * draft["wedge_turn"].cos() + ruler[:, None] * draft["wedge_turn"].sin()
    return 1 - (far > draft["wedge_at"]) * draft["wedge"]


def _cut_below(draft: Draft, frame: Frame) -> torch.Tensor:
    """0 below the head of some pictures, (n, size, 1); else 1."""
    below = frame.place(draft.size)[1] > torch.minimum(frame.bottom_y, draft["cut_mm"])
    return 1 - below * draft["letterbox"]
