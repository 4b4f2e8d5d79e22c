"""The user's own subsets, out of the column `subset` of scans.csv."""

from collections.abc import Sequence

from brainmri.dataset.manifest import Subset
from brainmri.dataset.prepared import SliceRow
from brainmri.errors import BadInput

_COLUMN = "subset (scans.csv)"


def read_given(slices: Sequence[SliceRow]) -> list[Subset] | None:
    """The given subset of each slice, None where nothing is given.

    `valid` may be missing altogether. Raises `BadInput` for another word, for a subset that only some
    slices have, and where nothing is `train` or nothing is `test`.
    """
    if all(row.given_subset is None for row in slices):
        return None
    given = [_read_word(row) for row in slices if row.given_subset is not None]
    if len(given) < len(slices):
        first = next(row.slice_id for row in slices if row.given_subset is None)
        raise BadInput(
            f"{_COLUMN}: expected one for every scan or for none, came none for {len(slices) - len(given)} "
            f"of {len(slices)} slices, the first {first}; complete the column or remove it"
        )
    for needed in (Subset.TRAIN, Subset.TEST):
        if needed not in given:
            raise BadInput(
                f"{_COLUMN}: expected some {needed} (only valid may be left out), came "
                f"{' and '.join(sorted(set(given)))} alone; name them anew or remove the column"
            )
    return given


def check_classes(subsets: Sequence[Subset], labels: Sequence[str]) -> None:
    """Raises `BadInput` for a subset without one of the classes."""
    for subset in Subset:
        inside = {label for label, own in zip(labels, subsets, strict=True) if own is subset}
        missing = sorted(set(labels) - inside)
        if missing:
            raise BadInput(
                f"{_COLUMN}: expected both classes in {subset}, came none of class {missing[0]}; "
                "add scans to it or remove the column"
            )


def _read_word(row: SliceRow) -> Subset:
    try:
        return Subset(str(row.given_subset))
    except ValueError:
        raise BadInput(
            f"{_COLUMN}: expected train, valid or test, came {row.given_subset!r} for {row.slice_id}; "
            "correct it"
        ) from None
