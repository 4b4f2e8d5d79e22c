"""What was joined, side by side: the largest groups, and the near twins that are least alike."""

from collections.abc import Sequence
from pathlib import Path

from brainmri.dataset.audit import largest_groups
from brainmri.dataset.findings import describe_twin
from brainmri.dataset.groups import GroupRow
from brainmri.dataset.prepared import PreparedSet
from brainmri.dataset.twins import Likeness, Twin
from brainmri.figures.gallery import name_slices, show_slices
from brainmri.figures.sheet import Caption

_GROUPS, _SLICES_A_GROUP = 6, 4
_PAIRS = 12


def show_groups(
    data: PreparedSet, groups: Sequence[GroupRow], path: Path, twins: Sequence[Twin] = ()
) -> None:
    """The first slices of the largest groups, with what joins each; one alone where no group has two."""
    several = largest_groups(groups, _GROUPS) or [(groups[0].group, [0])]
    shown = [(name, places, place) for name, places in several for place in places[:_SLICES_A_GROUP]]
    names = name_slices(data)
    captions = [
        Caption(f"group {name}", _join(data, places, place, twins), names[place])
        for name, places, place in shown
    ]
    show_slices(data, [place for _, _, place in shown], captions, path)


def show_weakest_twins(data: PreparedSet, twins: Sequence[Twin], path: Path) -> None:
    """The near twins of lowest correlation, pair by pair: whether the threshold is right for this set."""
    near = [twin for twin in twins if twin.likeness is Likeness.DETAIL]
    weakest = sorted(near, key=lambda twin: (twin.correlation, twin.first, twin.second))[:_PAIRS]
    shown = [(twin, place) for twin in weakest for place in (twin.first, twin.second)]
    names = name_slices(data)
    captions = [Caption(describe_twin(twin), names[place]) for twin, place in shown]
    show_slices(data, [place for _, place in shown], captions, path, "no near-duplicates found")


def _join(data: PreparedSet, places: Sequence[int], place: int, twins: Sequence[Twin]) -> str:
    """What ties a slice to its group, in a few words; the strongest tie first."""
    own = [twin for twin in twins if place in (twin.first, twin.second)]
    if own:
        return describe_twin(
            max(own, key=lambda twin: (twin.likeness is not Likeness.DETAIL, twin.correlation))
        )
    patient = data.slices[place].patient
    return f"patient {patient}" if patient else ("one scan" if len(places) > 1 else "alone")
