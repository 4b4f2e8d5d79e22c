"""What a generator gives: pictures, and what is known of them."""

from dataclasses import dataclass
from typing import Final, Self

import torch
from torch.nn.functional import avg_pool2d

from brainmri.phantom.wide.draft import Draft
from brainmri.phantom.wide.lesions import Grown
from brainmri.phantom.wide.scene import Scene

# A tumor smaller than this share of the picture, or fainter, can't be asked for.
_LEAST_SHARE, _LEAST_DIFFERENCE = 0.0025, 0.05
# Pixels a side of one place of the maps.
_MAP_STEP: Final = 8


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

    def part(self, rows: slice) -> Self:
        """Those in a range of places."""
        return type(self)(*(column[rows] for column in vars(self).values()))


def join_batches(parts: list[PhantomBatch]) -> PhantomBatch:
    """One after the other."""
    if len(parts) == 1:
        return parts[0]
    columns = zip(*(vars(part).values() for part in parts), strict=True)
    return PhantomBatch(*(torch.cat(column) for column in columns))


def collect(
    draft: Draft, scene: Scene, healthy: torch.Tensor, grown: Grown, shown: torch.Tensor
) -> PhantomBatch:
    """The batch of the pictures `shown`, 0 to 1, with what is known of them.

    `healthy` are the signals without tumor; all are (n, size, size).
    """
    ill = draft["tumor"].flatten() > 0
    area, changed = _measure_tumor(draft, healthy, grown)
    return PhantomBatch(
        images=(shown * 255).round_().to(torch.uint8)[:, None],
        tumor=ill,
        clear=(area > _LEAST_SHARE) & (changed > _find_faintest(draft)) | ~ill,
        maps=_make_maps(scene, grown.cover),
        kind=(draft["kind"].flatten() * ill).long(),
        area=area,
    )


def _measure_tumor(draft: Draft, healthy: torch.Tensor, grown: Grown) -> tuple[torch.Tensor, torch.Tensor]:
    """Of each picture the share that is tumor, and the mean change of signal there, (n,); 0 without one."""
    area = healthy.new_zeros(len(draft))
    changed = area.clone()
    part = draft.having("tumor")
    if part:
        tumor = part.pick(grown.cover).round_()
        change = part.pick(grown.image).sub_(part.pick(healthy)).abs_().mul_(tumor)
        area[part.places] = tumor.mean((1, 2))
        changed[part.places] = change.sum((1, 2)) / (tumor.sum((1, 2)) + 1e-3)
    return area, changed


def _find_faintest(draft: Draft) -> torch.Tensor:
    """The least difference of signal (n,) that is seen beside matter's own and the noise."""
    between = (draft["gray"] - draft["white"]).abs()
    return (_LEAST_DIFFERENCE + 0.1 * between + 0.8 * draft["noise"]).flatten()


def _make_maps(scene: Scene, cover: torch.Tensor) -> torch.Tensor:
    """Shares of tumor, fluid, gray and white matter, (n, 4, size // 8, size // 8)."""
    matter = torch.addcmul(scene.shells.inside, scene.shells.inside, cover, value=-1)
    fluid = matter * scene.brain.fluid
    white = torch.sub(matter, fluid).mul_(scene.brain.white)
    tumor, matter, fluid, white = (avg_pool2d(share, _MAP_STEP) for share in (cover, matter, fluid, white))
    return torch.stack([tumor, fluid, matter - fluid - white, white], dim=1).clamp_(0, 1)
