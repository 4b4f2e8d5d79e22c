"""The arms whose scores aren't up to date, by DVC's own account."""

import json
import subprocess
import sys
from typing import Final

from brainmri.errors import BadInput

PIPELINE: Final = "comparison/dvc.yaml"
_ARM: Final = "crossval@"


def find_changed_arms() -> set[str]:
    """The names of the arms that `dvc repro` would train; what it may find in its run cache is among them.

    Raises `BadInput` where DVC is at work here, and where something is not up to date that units need.
    """
    command = [sys.executable, "-m", "dvc", "status", "--json", "--with-deps", f"{PIPELINE}:crossval"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    if asked.returncode:
        raise BadInput(f"dvc status: {' '.join(asked.stderr.split()) or 'no answer'}")
    changed = {name.rpartition(":")[2] for name in json.loads(asked.stdout)}
    before = sorted(name for name in changed if not name.startswith(_ARM))
    if before:
        raise BadInput(
            f"{PIPELINE}: expected all before the arms to be up to date, came {', '.join(before)}; run "
            f"`dvc repro {PIPELINE}:plan`"
        )
    return {name.removeprefix(_ARM) for name in changed if name.startswith(_ARM)}
