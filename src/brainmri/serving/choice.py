"""Which model folder a command uses: the trained one, or the zero-shot detector that the project ships."""

import argparse
import sys
from pathlib import Path
from typing import Final

from brainmri.learning.catalogue import Architecture
from brainmri.learning.shipped import find_shipped, find_shipped_in, list_shipped
from brainmri.serving.answers import ZERO_SHOT
from brainmri.serving.model import CLASSIFIER

_TRAINED: Final = Path("models")
_WORD: Final = "zero-shot"
# The detector where none is named, if it is shipped; else the largest that is.
_BEST: Final = Architecture.RESNET34


def add_model_argument(parser: argparse.ArgumentParser) -> None:
    """`--model`, which `choose_folder` takes; none given is None."""
    parser.add_argument(
        "--model",
        type=Path,
        metavar="DIR",
        help=f"a model folder, or {_WORD}[/ARCHITECTURE]: the detector that has seen synthetic MRI alone; "
        f"default: {_TRAINED}, or {_WORD} where no trained model is",
    )


def choose_folder(given: Path | None) -> Path:
    """The folder that `given` means; without, `models`, or what stands in for it, which is said.

    Raises `BadInput` where no detector of that architecture is shipped, or it isn't whole; a shipped one is
    checked by whichever name it comes.
    """
    if given is not None:
        if given.parts[:1] == (_WORD,) and not given.exists():  # a folder of that name is one's own
            return _find_detector(given.parts[1:])
        shipped = find_shipped_in(given)
        if shipped is not None:
            shipped.check()
        return given
    if (_TRAINED / CLASSIFIER).is_dir() or not list_shipped():
        return _TRAINED
    folder = _find_detector(())
    print(f"note: no trained model in {_TRAINED}: {folder} stands in. {ZERO_SHOT}", file=sys.stderr)
    return folder


def _find_detector(named: tuple[str, ...]) -> Path:
    """That of an architecture, else the best; its path begins here where it can, since answers show it."""
    shipped = list_shipped()
    best = _BEST if _BEST in shipped or not shipped else [*shipped][-1]
    found = find_shipped("/".join(named) or best, f"--model {_WORD}")
    found.check()
    here = Path.cwd()
    return found.folder.relative_to(here) if found.folder.is_relative_to(here) else found.folder
