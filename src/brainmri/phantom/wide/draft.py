"""Pictures in the making: what is drawn of them, their stream of random fields, their size."""

from dataclasses import dataclass

import torch

from brainmri.phantom.wide.columns import Drawn
from brainmri.phantom.wide.fields import Noise, enlarge


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

    def smooth(self, waves: torch.Tensor) -> torch.Tensor:
        """Fields of `Noise.smooth` at the pictures' size."""
        return enlarge(self.noise.smooth(waves, self.half), self.size)

    def having(self, *names: str) -> "Part | None":
        """The pictures that have none of these columns 0; None without one."""
        places = self.drawn.find(*names)
        if not len(places):
            return None
        chosen = torch.from_numpy(places).to(self.device, non_blocking=True)
        return Part(self.drawn.take(places), self.noise, self.size, chosen)


@dataclass(frozen=True)
class Part(Draft):
    """Some of the pictures of another draft; `places` (n,) in it."""

    places: torch.Tensor

    def pick(self, maps: torch.Tensor) -> torch.Tensor:
        """Theirs of all maps."""
        return maps[self.places]
