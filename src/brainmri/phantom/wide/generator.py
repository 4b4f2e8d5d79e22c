"""An endless, seeded stream of phantoms to pretrain on: rendered in batches, on any device, never stored."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch.nn.functional import adaptive_avg_pool2d

from brainmri.phantom.wide.columns import Drawn
from brainmri.phantom.wide.description import describe
from brainmri.phantom.wide.fields import Noise, blend, enlarge, ramp
from brainmri.phantom.wide.framing import Frame, find_frame, locate, turn
from brainmri.phantom.wide.head import AIR, BRAIN, ORBIT, draw_patterns, measure_shells, paint_head
from brainmri.phantom.wide.lesions import Coarse, Room, measure, place_foci, push, shade, shade_tail
from brainmri.phantom.wide.marks import burn, draw_sprites
from brainmri.phantom.wide.oddities import shade_all
from brainmri.phantom.wide.scanner import compress, scan
from brainmri.phantom.wide.settings import WideParams
from brainmri.phantom.wide.volumes import load_template

VERSION: Final = 1
# A tumor smaller or fainter than this can't be asked for.
_LEAST_SHARE, _LEAST_DIFFERENCE = 0.0025, 0.05
# So many pictures at a time keep a processor's caches warm; a GPU wants all at once.
_AT_ONCE = 32


@dataclass(frozen=True)
class PhantomBatch:
    """Pictures and what is known of them, all on the generator's device.

    `images` uint8 (n, 1, size, size), cropped and stretched as `prepare` does it; `tumor` bool (n,); `clear`
    bool (n,), False where a tumor was drawn that can't be seen; `maps` float32 (n, 4, size // 8, size // 8),
    shares of tumor, fluid, gray and white matter; `kind` int64 (n,), of `Kind`; `area` float32 (n,), the
    tumor's share of the picture.
    """

    images: torch.Tensor
    tumor: torch.Tensor
    clear: torch.Tensor
    maps: torch.Tensor
    kind: torch.Tensor
    area: torch.Tensor

    def part(self, rows: slice) -> "PhantomBatch":
        """Some of the pictures."""
        return PhantomBatch(*(column[rows] for column in vars(self).values()))


@dataclass(frozen=True)
class _Brain:
    fluid: torch.Tensor
    white: torch.Tensor
    level: torch.Tensor
    ventricle_mm: torch.Tensor


class PhantomGenerator:
    """Renders batch after batch."""

    def __init__(self, params: WideParams, device: torch.device) -> None:
        """Loads the template, which takes some seconds."""
        self._params, self.device = params, device
        self._template = load_template(device)
        self._sprites = torch.from_numpy(draw_sprites()).to(device)

    @torch.no_grad()
    def render(self, seed: int, index: int, count: int, size: int) -> PhantomBatch:
        """Batch `index` of the stream `seed`; the same arguments give the same batch on one type of device.

        `size` is a multiple of 16 from 64 to 256.
        """
        most = count if self.device.type == "cuda" else _AT_ONCE
        rng = np.random.default_rng([seed, index])
        columns = describe(rng, count, self._params)
        noise = Noise(int(rng.integers(2**62)), self.device)
        parts = []
        for first in range(0, count, most):
            own = {name: column[first : first + most] for name, column in columns.items()}
            with torch.autocast(self.device.type, enabled=False):
                parts.append(self._render(Drawn(own, self.device), noise, size))
        if len(parts) == 1:
            return parts[0]
        whole = zip(*(vars(part).values() for part in parts), strict=True)
        return PhantomBatch(*(torch.cat(tensors) for tensors in whole))

    def _render(self, drawn: Drawn, noise: Noise, size: int) -> PhantomBatch:
        frame = find_frame(drawn, self._template.head)
        coarse, head = self._sample_head(drawn, noise, frame, size // 2)
        foci = place_foci(drawn, noise, coarse)
        points, ventricle_mm, white = self._displace(drawn, noise, coarse, foci[0], size)
        brain = self._sample_brain(drawn, points, ventricle_mm, white)
        shells = enlarge(measure_shells(drawn, noise, head), size)
        inside = ramp(shells[:, 0], 0.45)
        image = self._shade_brain(drawn, noise, brain, size)
        image = shade_all(image, drawn, noise, points, brain.white * (1 - brain.fluid), inside, brain.ventricle_mm, shells[:, 0])
        healthy = image
        image, cover = self._grow(image, drawn, noise, frame, foci, brain, shells, inside)
        around = paint_head(drawn, noise, shells, head)
        picture = self._compose(drawn, image, around, shells, inside, cover, frame)
        shown = compress(burn(scan(picture, drawn, noise), drawn, self._sprites), drawn)
        return self._collect(drawn, shown, healthy, image, cover, brain, inside, size)

    def _sample_head(
        self, drawn: Drawn, noise: Noise, frame: Frame, half: int
    ) -> tuple[Coarse, torch.Tensor]:
        u, v = turn(drawn, *frame.place(half))
        waves = drawn["elastic_waves"]
        du, dv = (drawn["elastic_mm"] * noise.smooth(waves, half) for _ in range(2))
        points = locate(drawn, u + du, v + dv)
        head = self._template.head.sample(points)
        edge = torch.linspace(-1, 1, half, device=drawn.device).abs() < 0.94
        in_frame = (edge & edge[:, None])[None].float() * (frame.place(half)[1] < drawn["cut_mm"])
        return Coarse(u + du, v + dv, points, head[:, BRAIN], in_frame), head

    def _displace(
        self, drawn: Drawn, noise: Noise, coarse: Coarse, focus: object, size: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The points of brain that each pixel shows (n, size, size, 3), their distance to the ventricles."""
        u, v = push(drawn, coarse, focus)
        half = size // 2
        fold = [drawn["fold_mm"] * noise.smooth(drawn["fold_waves"], half) for _ in range(2)]
        u, v = u + fold[0], v + fold[1]
        points = locate(drawn, u, v)
        ventricle_mm, white = (
            grid.sample(points)[:, 0] for grid in (self._template.ventricle, self._template.white)
        )
        u, v, ventricle_mm, white = enlarge(torch.stack([u, v, ventricle_mm, white], dim=1), size).unbind(1)
        return locate(drawn, u, v), ventricle_mm, white

    def _sample_brain(self, drawn: Drawn, points: torch.Tensor, ventricle_mm: torch.Tensor, white: torch.Tensor) -> _Brain:
        level = self._template.brain.sample(points)[:, 0]
        side = torch.tanh(points[..., 0] / 6)
        ventricle_mm = ventricle_mm - drawn["ventricle_mm"] - drawn["ventricle_side_mm"] * side
        fluid = ramp(level - 0.5 - drawn["atrophy"], drawn["fluid_softness"])
        fluid = torch.maximum(fluid, ramp(ventricle_mm, 0.7))
        crisp = ((level - drawn["gray_level"]) / 0.2).clamp_(0, 1)
        return _Brain(fluid, torch.lerp(crisp, white, drawn["trust"]), level, ventricle_mm)

    def _shade_brain(self, drawn: Drawn, noise: Noise, brain: _Brain, size: int) -> torch.Tensor:
        half = size // 2
        matter = drawn["gray"] + brain.white * (drawn["white"] - drawn["gray"])
        bump = ((brain.level - drawn["nuclei_level"]) / 0.09).square_().neg_().exp_()
        fine, slow = (
            drawn[name] * noise.smooth(waves, half)
            for name, waves in (("texture", drawn["texture_waves"]), ("unrest", torch.full_like(drawn["unrest"], 5.0)))
        )
        grain = drawn["grain"] * noise.white(len(bump), half, half)
        matter = matter + drawn["nuclei"] * bump + enlarge(fine + slow + grain, size)
        image = matter + brain.fluid * (drawn["csf"] - matter)
        lines = enlarge(noise.smooth(drawn["vessel_waves"], half), size).abs()
        vessels = ramp(lines * 14 - 1, 0.35) * (0.04 + 0.8 * brain.fluid) * drawn["vessels"]
        return blend(image, vessels.clamp_(0, 1), drawn["blood"])

    def _grow(self, image, drawn, noise, frame, foci, brain, shells, inside):
        size = image.shape[-1]
        u, v = turn(drawn, *frame.place(size))
        image, total = image.clone(), torch.zeros_like(image)
        for focus in foci:
            rows = np.flatnonzero(drawn.host["tumor"] * drawn.host[f"present_{focus.number}"])
            if not len(rows):
                continue
            chosen, part = torch.from_numpy(rows).to(image.device), drawn.take(rows)
            own = type(focus)(focus.number, focus.u[chosen], focus.v[chosen])
            solid = 1 - brain.fluid[chosen]
            white = brain.white[chosen] * solid
            fluid_mm = shells[chosen, 0]
            space = ramp(fluid_mm - 14 * part["sellar"], 0.5)
            room = Room(space, white, solid - white, fluid_mm)
            relative = measure(part, noise, own, u[chosen], v[chosen], white)
            grown, cover = shade(image[chosen], part, noise, relative, focus.number, room)
            if focus.number == 0:
                grown = shade_tail(grown, part, relative, room)
            image[chosen], total[chosen] = grown, torch.maximum(total[chosen], cover)
        return image, total

    def _compose(self, drawn, image, around, shells, inside, cover, frame):
        """Brain and tumor in the head, the head before its background."""
        size = image.shape[-1]
        skin = shells[:, 2]
        shown = torch.maximum(inside, cover.gt(0.5) * drawn["sellar"] * drawn["tumor"])
        whole = around + shown * (image - around)
        bare = image * shown
        signal = torch.lerp(whole, bare, drawn["stripped"])
        edge = torch.lerp(ramp(skin, 0.6), shown, drawn["stripped"])
        below = frame.place(size)[1] > torch.minimum(frame.high_y, drawn["cut_mm"])
        edge = edge * self._cut_away(drawn, size) * (1 - below * drawn["letterbox"]) * (1 - drawn["empty"] * (1 - drawn["tumor"]))
        return drawn["background"] + edge * (signal - drawn["background"])

    def _cut_away(self, drawn: Drawn, size: int) -> torch.Tensor:
        """0 beyond a straight line across some pictures, as of a volume that was turned."""
        ruler = torch.linspace(-1, 1, size, device=drawn.device)
        beyond = ruler * drawn["wedge_turn"].cos() + ruler[:, None] * drawn["wedge_turn"].sin() > drawn["wedge_at"]
        return 1 - beyond * drawn["wedge"]

    def _collect(self, drawn, shown, healthy, image, cover, brain, inside, size):
        tumor = (cover > 0.5).float()
        area = tumor.mean((1, 2))
        changed = ((image - healthy).abs() * tumor).sum((1, 2)) / (tumor.sum((1, 2)) + 1e-3)
        spread = drawn["gray"] - drawn["white"]
        faintest = _LEAST_DIFFERENCE + 0.1 * spread.abs() + 0.8 * drawn["noise"]
        clear = (area > _LEAST_SHARE) & (changed > faintest.flatten())
        ill = drawn["tumor"].flatten() > 0
        matter = inside * (1 - cover)
        fluid = matter * brain.fluid
        white = (matter - fluid) * brain.white
        maps = torch.stack([cover, fluid, matter - fluid - white, white], dim=1)
        return PhantomBatch(
            images=(shown * 255).round_().clamp_(0, 255).to(torch.uint8)[:, None],
            tumor=ill,
            clear=clear | ~ill,
            maps=adaptive_avg_pool2d(maps, size // 8).clamp_(0, 1),
            kind=(drawn["kind"].flatten() * ill).long(),
            area=area * ill,
        )

