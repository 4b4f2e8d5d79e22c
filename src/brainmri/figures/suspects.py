"""The slices whose labels look wrong, for a person to look at."""

from collections.abc import Sequence
from pathlib import Path

from brainmri.dataset.prepared import PreparedSet
from brainmri.figures.gallery import name_slices, show_slices
from brainmri.figures.sheet import Caption
from brainmri.scoring.suspects import SuspectRow


def show_suspects(suspects: Sequence[SuspectRow], data: PreparedSet, path: Path) -> None:
    """A contact sheet in the order given: label, its probability, slice."""
    places = {row.slice_id: place for place, row in enumerate(data.slices)}
    names = name_slices(data)
    chosen = [places[row.slice_id] for row in suspects]
    captions = [
        Caption(f"{row.label}? p = {row.probability:.2f}", names[place])
        for row, place in zip(suspects, chosen, strict=True)
    ]
    show_slices(data, chosen, captions, path, "no label looks wrong")
