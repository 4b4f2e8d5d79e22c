"""The pipeline's stages, one script each, run as `python -m stages.NAME --input PATH … --output PATH …`.

Importing this package puts the own checkout's `src/` first on the path: with an editable install
alone a queued experiment would silently run the workspace's code and record the wrong provenance.
"""

import argparse
import inspect
import os
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

# What libraries tell their own developers is not for the reader of a run.
warnings.filterwarnings("ignore", category=FutureWarning, module="torch")
os.environ.setdefault("PYTHONWARNINGS", "ignore::FutureWarning:torch.jit._script")  # of workers

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT / "src"))

import brainmri  # noqa: E402 - the path above decides which one
from brainmri.collector import pause_collector, resume_collector  # noqa: E402
from brainmri.errors import BadInput  # noqa: E402
from brainmri.excuses import explain_file  # noqa: E402


def stop(*_: object) -> None:
    """Ends this process as Ctrl-C does."""
    sys.exit("error: interrupted; the same command runs what is left (a training from its checkpoint)")


if sys.argv[0] == "-m":  # run as a script
    pause_collector()
    # From here on, for the seconds of imports too; not where a shell had it ignored.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, stop)


def run(main: Callable[..., None]) -> None:
    """Calls `main` with an option per parameter, a path or a name; what users can mend ends in one line."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    parser = argparse.ArgumentParser(description=sys.modules[main.__module__].__doc__)
    for name, parameter in inspect.signature(main).parameters.items():
        kind, shown = (str, "NAME") if parameter.annotation is str else (Path, "PATH")
        known = {} if parameter.default is parameter.empty else {"default": parameter.default}
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=kind, required=not known, metavar=shown, **known)
    arguments = parser.parse_args()
    resume_collector()
    try:
        _refuse_other_code()
        _choose_backend()
        main(**vars(arguments))
    except BadInput as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        stop()
    except OSError as error:
        said = explain_file(error)
        if said is None:
            raise
        sys.exit(f"error: {said}")


def _choose_backend() -> None:
    # Takes a moment, which --help is spared.
    from brainmri.backend import ComputeSection, choose  # noqa: PLC0415
    from brainmri.params import read_params  # noqa: PLC0415

    choose(read_params(ComputeSection).compute)


def _refuse_other_code() -> None:
    package = Path(brainmri.__file__).resolve()
    if "DVC_STAGE" in os.environ and not package.is_relative_to(Path.cwd().resolve()):
        raise BadInput(
            f"stage {os.environ['DVC_STAGE']}: expected the code of {Path.cwd()}, came {package.parent}; "
            "run it as `python -m stages.NAME` from the checkout's root"
        )
