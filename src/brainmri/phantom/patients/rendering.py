"""From the description of a patient to pictures and masks."""

from typing import Final

import numpy as np
import torch

from brainmri.phantom.patients.drawing import draw_patient, has_tumor, leave_out
from brainmri.phantom.patients.picture import Picture
from brainmri.phantom.patients.settings import PhantomParams
from brainmri.phantom.wide.columns import Columns, Drawn
from brainmri.phantom.wide.draft import Draft
from brainmri.phantom.wide.fields import SharedNoise
from brainmri.phantom.wide.foci import Focus
from brainmri.phantom.wide.framing import Frame
from brainmri.phantom.wide.generator import render
from brainmri.phantom.wide.kinds import FOCI
from brainmri.phantom.wide.scanner import receive
from brainmri.phantom.wide.sketch import Sketch
from brainmri.phantom.wide.template import load_template

_CPU: Final = torch.device("cpu")
_SEEDS: Final = 2**62


def render_patient(params: PhantomParams, number: int) -> list[Picture]:
    """The slices of patient `number` (from 0), uint8 (size_px, size_px), from low to high.

    A tumor that covers less than `params.tumor_area_min_mm2` of one is left out of it, with its edema and
    its push, so that every slice either shows a tumor or has none.
    """
    columns = draw_patient(params, number)
    seed = int(np.random.default_rng([params.seed, 2, number]).integers(_SEEDS))
    pictures = render_slices(columns, seed, params.size_px)
    if not has_tumor(params, number):
        return pictures
    pixel_mm2 = (float(columns["field_mm"][0]) / params.size_px) ** 2
    areas = np.array([picture.mask.sum() * pixel_mm2 for picture in pictures])
    small = areas < params.tumor_area_min_mm2
    return render_slices(leave_out(columns, small), seed, params.size_px) if small.any() else pictures


@torch.no_grad()
def render_slices(columns: Columns, seed: int, size_px: int) -> list[Picture]:
    """A picture (size_px, size_px), uint8, for each of `columns` (slices,); `seed` decides fields and grain.

    On one thread: for so few small pictures more threads only wait.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _render(Draft(Drawn.send(columns, _CPU), SharedNoise(seed, _CPU), size_px))
    finally:
        torch.set_num_threads(threads)


def _render(draft: Draft) -> list[Picture]:
    half_mm = draft["field_mm"] / 2
    middle = torch.zeros_like(half_mm)
    frame = Frame(middle, middle, half_mm, bottom_y=draft["cut_mm"])
    seen = render(draft, frame, load_template(_CPU), _read_foci)
    shown = receive(draft, seen.signal).mul_(draft["gain"]).clamp_(0, 1).pow_(draft["gamma"])
    images = shown.mul_(255).round_().to(torch.uint8).numpy()
    masks = seen.grown.cover.round_().mul_(draft["shown"]).to(torch.uint8).numpy()
    return [Picture(*own) for own in zip(images, masks, strict=True)]


def _read_foci(draft: Draft, _: Sketch) -> list[Focus]:
    """Where the patient's description says that they are."""
    return [Focus(number, draft[f"focus_u_{number}"], draft[f"focus_v_{number}"]) for number in range(FOCI)]
