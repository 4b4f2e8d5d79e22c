"""What a generator gives: pictures, and what is known of them."""

from dataclasses import dataclass
from typing import Final, Self

import torch
from torch.nn.functional import adaptive_avg_pool2d

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
    tumor = (grown.cover > 0.5).float()
    area = tumor.mean((1, 2))
    changed = ((grown.image - healthy).abs() * tumor).sum((1, 2)) / (tumor.sum((1, 2)) + 1e-3)
    ill = draft["tumor"].flatten() > 0
    return PhantomBatch(
        images=(shown * 255).round_().clamp_(0, 255).to(torch.uint8)[:, None],
        tumor=ill,
        clear=(area > _LEAST_SHARE) & (changed > _find_faintest(draft)) | ~ill,
        maps=_make_maps(draft, scene, grown.cover),
        kind=(draft["kind"].flatten() * ill).long(),
        area=area * ill,
    )


def _find_faintest(draft: Draft) -> torch.Tensor:
    """The least difference of signal (n,) that is seen beside matter's own and the noise."""
    between = (draft["gray"] - draft["white"]).abs()
    return (_LEAST_DIFFERENCE + 0.1 * between + 0.8 * draft["noise"]).flatten()


def _make_maps(draft: Draft, scene: Scene, cover: torch.Tensor) -> torch.Tensor:
    """Shares of tumor, fluid, gray and white matter, (n, 4, size // 8, size // 8)."""
    matter = scene.shells.inside * (1 - cover)
    fluid = matter * scene.brain.fluid
    white = (matter - fluid) * scene.brain.white
    maps = torch.stack([cover, fluid, matter - fluid - white, white], dim=1)
    return adaptive_avg_pool2d(maps, draft.size // _MAP_STEP).clamp_(0, 1)
