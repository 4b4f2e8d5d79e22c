"""Model cards for networks that were not trained."""

from brainmri.learning.cards import ChannelStatistics, ClassifierCard, ClassNames
from brainmri.learning.catalogue import Architecture
from brainmri.learning.recipe import Pooling
from tests.rules import IMAGE_RULE, RULE


def make_card(arch: Architecture, size: int, channels: int = 1) -> ClassifierCard:
    """The card of a network of seed 0 for prepared images of `size`, each scaled by itself."""
    return ClassifierCard(
        architecture=arch,
        classes=ClassNames(negative="no", positive="yes"),
        channels=channels,
        rule=IMAGE_RULE.model_copy(update={"size": size}),
        slices=RULE.slices,
        normalization=ChannelStatistics(mean={}, std={}),
        network_size=size,
        training={"recipe": {"seed": 0, "train": {"threads": 1}}},
        versions={},
        data_sha256="",
        pooling=Pooling.CONCAT,
        dropout=0.1,
    )
