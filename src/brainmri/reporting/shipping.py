"""A model folder as it is handed on: copies of its parts, with a card beside them."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from brainmri.replacement import replacing_folder

CARD: Final = "README.md"


def ship_model(folder: Path, parts: Mapping[str, Path], card: str) -> None:
    """Writes `folder` anew: each part, a file or a folder, under its name, and the card."""
    with replacing_folder(folder, (*parts, CARD)) as aside:
        for name, source in parts.items():
            if source.is_dir():
                # Contents alone: neither dates nor rights of the files that are copied.
                shutil.copytree(source, aside / name, copy_function=shutil.copyfile)
            else:
                shutil.copyfile(source, aside / name)
        (aside / CARD).write_text(card, encoding="utf-8")
