"""Until when work is worth doing for whoever waits for it."""

import time
from dataclasses import dataclass, field
from typing import Final


class TooLate(Exception):
    """A deadline has passed, or nobody waits any more."""


@dataclass
class Deadline:
    """When work for somebody has to be done; `end` says that they have gone."""

    ends: float = field(default=float("inf"))

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """So many seconds from now."""
        return cls(time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds, 0 or more."""
        return max(0.0, self.ends - time.monotonic())

    def end(self) -> None:
        """From any thread."""
        self.ends = 0.0

    def check(self) -> None:
        """Raises `TooLate` once it is over."""
        if not self.left:
            raise TooLate


NEVER: Final = Deadline()
