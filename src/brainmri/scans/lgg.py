"""The LGG segmentation set, as Kaggle has it, -> a raw folder: copies of its files and a scans.csv.

    python -m brainmri.scans.lgg SOURCE RAW

SOURCE (M. Buda, 2019, out of TCGA-LGG) has a folder a patient; each slice `*.tif` has its `*_mask.tif`.
A slice's class is that of its mask, its patient the name of its folder.
"""

import argparse
import shutil
import sys
from pathlib import Path
from typing import Final

from brainmri.errors import BadInput
from brainmri.scans.folder import TABLE_NAME, ScanRow
from brainmri.tables import write_rows

_MASK: Final = "_mask"


def collect_lgg(source: Path, raw: Path) -> list[ScanRow]:
    """Copies every slice of `source` that has a mask, and the mask, below `raw`, and writes its table.

    Raises `BadInput` where there is no such slice, or where `raw` already holds something.
    """
    if raw.exists() and not raw.is_dir():
        raise BadInput(f"{raw}: expected a new folder, came a file; name another")
    if raw.exists() and any(raw.iterdir()):
        raise BadInput(f"{raw}: expected a new folder, came one with files in it; name another")
    rows = []
    for path in sorted(source.glob("*/*.tif")):
        mask = path.with_stem(path.stem + _MASK)
        if path.stem.endswith(_MASK) or not mask.is_file():
            continue
        patient = path.parent.name
        (raw / patient).mkdir(parents=True, exist_ok=True)
        for file in (path, mask):
            shutil.copyfile(file, raw / patient / file.name)
        rows.append(ScanRow(path=f"{patient}/{path.name}", patient=patient, mask=f"{patient}/{mask.name}"))
    if not rows:
        raise BadInput(
            f"{source}: expected a folder a patient with slices *.tif and *_mask.tif, came none; name another"
        )
    write_rows(raw / TABLE_NAME, rows, ScanRow)
    return rows


def main() -> None:
    """Copies, and says how many."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("raw", type=Path)
    given = parser.parse_args()
    try:
        rows = collect_lgg(given.source, given.raw)
    except BadInput as error:
        sys.exit(f"error: {error}")
    print(f"{len(rows)} slices of {len({row.patient for row in rows})} patients -> {given.raw}")


if __name__ == "__main__":
    main()
