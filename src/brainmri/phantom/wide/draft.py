"""Pictures in the making: what is drawn of them, their stream of random fields, their size."""

from dataclasses import dataclass

import torch

from brainmri.phantom.wide.columns import Drawn
from brainmri.phantom.wide.fields import Noise
from brainmri.phantom.wide.volumes import Points


@dataclass(frozen=True)
class Draft:
    """What every step of rendering needs; `draft["name"]` is a column, (n, 1, 1)."""

    drawn: Drawn
    noise: Noise
    size: int

    def __getitem__(self, name: str) -> torch.Tensor:
        """The column `name`, (n, 1, 1)."""
        return self.drawn[name]

    def __len__(self) -> int:
        """The number of pictures."""
        return len(self.drawn)

    @property
    def device(self) -> torch.device:
        """Where it is rendered."""
        return self.drawn.device

    @property
    def half(self) -> int:
        """Half the side in pixels: enough for what is smooth."""
        return self.size // 2

    def smooth(self, *waves: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Fields of `Noise.smooth`, (n, half, half) each."""
        return self.noise.smooth(self.half, *waves)

    def smooth_whole(self, *waves: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The same at the pictures' size."""
        return self.noise.smooth_twice(self.half, *waves)

    def having(self, *names: str) -> "Part | None":
        """The pictures that have none of these columns 0; None without one."""
        chosen = self.drawn.find(*names)
        if not len(chosen):
            return None
        places = torch.from_numpy(chosen).to(self.device, non_blocking=True)
        return Part(self.drawn.take(chosen, places), self.noise, self.size, places)


@dataclass(frozen=True)
class Part(Draft):
    """Some of the pictures of another draft; `places` (n,) in it."""

    places: torch.Tensor

    def pick(self, maps: torch.Tensor) -> torch.Tensor:
        """Theirs of all maps, as a copy."""
        return maps.index_select(0, self.places)

    def pick_points(self, points: Points) -> Points:
        """Theirs of the points of all, as a copy."""
        return points.index_select(1, self.places)
