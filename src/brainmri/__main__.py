"""`python -m brainmri COMMAND`: what isn't a stage."""

import os
import sys

# `python -m` looks for modules in the folder that it is started in first, which may be a stranger's.
# Python's own start has looked there by then: `python -P -m brainmri` doesn't.
sys.path[:] = [place for place in sys.path if place not in ("", os.getcwd())]  # noqa: PTH109 - as it stands there

import argparse  # noqa: E402 - the path above decides which one
import traceback  # noqa: E402
import warnings  # noqa: E402
from importlib import import_module  # noqa: E402
from typing import Final  # noqa: E402

from brainmri.collector import pause_collector, resume_collector  # noqa: E402
from brainmri.errors import BadInput  # noqa: E402
from brainmri.excuses import explain_file  # noqa: E402

# Each is a module with `add_arguments(parser)`, `run(arguments)` and a docstring; one alone is imported.
COMMANDS: Final = {
    "predict": "brainmri.serving.predict_command",
    "serve": "brainmri.serving.serve_command",
    "export": "brainmri.serving.export_command",
    "report": "brainmri.reporting.report_command",
    "offline": "brainmri.reporting.offline_command",
}
_FAILED: Final = 2
# As shells have it: 128 and the number of the signal.
_INTERRUPTED: Final = 130
_CLOSED: Final = 141


# What libraries tell their own developers is not for the reader of an answer.
warnings.filterwarnings("ignore", category=FutureWarning, module="torch")
os.environ.setdefault("PYTHONWARNINGS", "ignore::FutureWarning:torch.jit._script")  # of workers


def main() -> None:
    """Calls the command; what a user can mend ends in one line."""
    parser = argparse.ArgumentParser(prog="python -m brainmri", description="See README.md.")
    parser.add_argument("command", choices=COMMANDS, help="`COMMAND --help` says what it does")
    name = parser.parse_args(sys.argv[1:2]).command
    pause_collector()
    module = import_module(COMMANDS[name])
    resume_collector()
    own = argparse.ArgumentParser(prog=f"python -m brainmri {name}", description=module.__doc__)
    module.add_arguments(own)
    given = own.parse_args(sys.argv[2:])
    # A name that the terminal has no letters for ends nothing.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        code = module.run(given)
        sys.stdout.flush()
    except BadInput as error:
        code = _fail(str(error))
    except KeyboardInterrupt:
        code = _INTERRUPTED
    except BrokenPipeError:  # nobody reads on, as `head` ends; nor what is left, at the exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = _CLOSED
    except OSError as error:
        said = f"{error.filename or name}: {error.strerror or error}; make room, or name another place"
        code = _fail(explain_file(error) or said)
    except Exception:  # a bug of ours: never the exit code of an answer
        traceback.print_exc()
        code = _FAILED
    sys.exit(code)


def _fail(reason: str) -> int:
    print(f"error: {reason}", file=sys.stderr)
    return _FAILED


if __name__ == "__main__":
    main()
