"""Settings of tests: how scans are read and prepared."""

from typing import Any

from brainmri.dataset.preparation import ImageRule
from brainmri.scans.settings import Channel, ReadingRule, SliceRule, Window

RULE = ReadingRule(
    channel=Channel.GRAY,
    window=Window.NONE,
    slices=SliceRule(most=8, least_brain=0.1),
    max_megapixels=40.0,
    max_volume_megabytes=64,
    max_memory_megabytes=500,
    max_seconds=20.0,
)
IMAGE_RULE = ImageRule(
    channel=RULE.channel,
    window=RULE.window,
    size=32,
    crop=True,
    low_percentile=1.0,
    high_percentile=99.5,
    equalize=False,
)


def describe_preparation(channels: int, size: int = 32) -> dict[str, Any]:
    """What preparation.json of a prepared set says."""
    return {
        "name": "heads",
        "classes": {"negative": "no tumor", "positive": "tumor"},
        "channels": channels,
        "rule": dict(IMAGE_RULE) | {"size": size},
        "slices": dict(RULE.slices),
    }
