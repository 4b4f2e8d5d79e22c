"""`python -m brainmri COMMAND`: what isn't a stage."""

import argparse
import os
import sys
import warnings
from importlib import import_module
from typing import Final

from brainmri.errors import BadInput

# Each is a module with `add_arguments(parser)`, `run(arguments)` and a docstring; one alone is imported.
COMMANDS: Final = {
    "predict": "brainmri.serving.predict_command",
    "export": "brainmri.serving.export_command",
    "report": "brainmri.reporting.report_command",
    "offline": "brainmri.reporting.offline_command",
}
_FAILED: Final = 2


# What libraries tell their own developers is not for the reader of an answer.
warnings.filterwarnings("ignore", category=FutureWarning, module="torch")
os.environ.setdefault("PYTHONWARNINGS", "ignore::FutureWarning:torch.jit._script")  # of workers


def main() -> None:
    """Calls the command; what a user can mend ends in one line."""
    parser = argparse.ArgumentParser(prog="python -m brainmri", description="See README.md.")
    parser.add_argument("command", choices=COMMANDS, help="`COMMAND --help` says what it does")
    name = parser.parse_args(sys.argv[1:2]).command
    module = import_module(COMMANDS[name])
    own = argparse.ArgumentParser(prog=f"python -m brainmri {name}", description=module.__doc__)
    module.add_arguments(own)
    given = own.parse_args(sys.argv[2:])
    try:
        sys.exit(module.run(given))
    except BadInput as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(_FAILED)


if __name__ == "__main__":
    main()
