"""Commands of the project, run in this process: one of their own takes seconds to import PyTorch."""

import contextlib
import gc
import io
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from unittest.mock import patch

# The command line leaves the folder that it is started in out of the path of modules; tests need theirs.
with patch.object(sys, "path", list(sys.path)):
    from brainmri.__main__ import main

__all__ = ["main", "run_here"]


def run_here(main: Callable[[], None], folder: Path, *arguments: object) -> "CompletedProcess[str]":
    """What `main` prints and ends with, given `arguments`, in `folder`, as from a shell there."""
    printed, said = _open(), _open()
    words = ["-m", *map(str, arguments)]
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(said),
        patch.object(sys, "argv", words),
        # The modules of a command that goes on no longer than its answer are not to be looked through again.
        patch.object(gc, "freeze"),
    ):
        code: object = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        if isinstance(code, str):
            print(code, file=sys.stderr)
            code = 1
    return CompletedProcess(words, int(str(code)), _read(printed), _read(said))


def _open() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), "utf-8", newline="")


def _read(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()
