"""All that is known of the healthy heads that pictures show."""

from dataclasses import dataclass

from brainmri.phantom.wide.brain import Brain
from brainmri.phantom.wide.head import Shells


@dataclass(frozen=True)
class Scene:
    """The brain, and the shells around it."""

    brain: Brain
    shells: Shells
