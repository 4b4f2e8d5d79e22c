"""The generator of phantoms, on the device where networks learn."""

from brainmri.learning.batches import training_device
from brainmri.learning.pretraining.settings import PhantomSettings
from brainmri.phantom.wide.generator import PhantomGenerator


def draw_phantoms(params: PhantomSettings) -> PhantomGenerator:
    """Of `pretrain.generator`; reads the templates that it draws from, which takes seconds."""
    return PhantomGenerator(params.generator, training_device())
