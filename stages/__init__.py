"""The pipeline's stages, one script each, run as `python -m stages.NAME --input PATH … --output PATH …`.

Importing this package puts the own checkout's `src/` first on the path: with an editable install
alone a queued experiment would silently run the workspace's code and record the wrong provenance.
"""

import argparse
import inspect
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

# What libraries tell their own developers is not for the reader of a run.
warnings.filterwarnings("ignore", category=FutureWarning, module="torch")

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT / "src"))

import brainmri  # noqa: E402 - the path above decides which one
from brainmri.errors import BadInput  # noqa: E402


def run(main: Callable[..., None]) -> None:
    """Calls `main` with one option per parameter, each a path; what the user can mend ends in one line."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    parser = argparse.ArgumentParser(description=sys.modules[main.__module__].__doc__)
    for name in inspect.signature(main).parameters:
        parser.add_argument(f"--{name.replace('_', '-')}", type=Path, required=True, metavar="PATH")
    arguments = parser.parse_args()
    try:
        _refuse_other_code()
        main(**vars(arguments))
    except BadInput as error:
        sys.exit(f"error: {error}")


def _refuse_other_code() -> None:
    package = Path(brainmri.__file__).resolve()
    if "DVC_STAGE" in os.environ and not package.is_relative_to(Path.cwd().resolve()):
        raise BadInput(
            f"stage {os.environ['DVC_STAGE']}: expected the code of {Path.cwd()}, came {package.parent}; "
            "run it as `python -m stages.NAME` from the checkout's root"
        )
