"""The largest groups of slices that belong together, side by side."""

from collections.abc import Sequence
from pathlib import Path

from brainmri.dataset.audit import largest_groups
from brainmri.dataset.groups import GroupRow
from brainmri.dataset.prepared import PreparedSet
from brainmri.figures.gallery import show_slices
from brainmri.figures.sheet import Caption

_GROUPS, _SLICES_A_GROUP = 6, 4


def show_groups(data: PreparedSet, groups: Sequence[GroupRow], path: Path) -> None:
    """The first slices of the largest groups; one slice alone where no group has two."""
    several = largest_groups(groups, _GROUPS) or [(groups[0].group, [0])]
    shown = [(name, place) for name, places in several for place in places[:_SLICES_A_GROUP]]
    sizes = {name: len(places) for name, places in several}
    captions = [
        Caption(f"{name}: {sizes[name]} slices", data.slices[place].slice_id) for name, place in shown
    ]
    show_slices(data, [place for _, place in shown], captions, path)
