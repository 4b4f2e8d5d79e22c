"""Commands of the project, run in this process: one of their own takes seconds to import PyTorch."""

import contextlib
import io
import os
import sys
import warnings
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from unittest.mock import patch

# Both change the path of modules and the environment, for what runs in a process of its own.
with patch.object(sys, "path", list(sys.path)), patch.dict(os.environ):
    import stages
    from brainmri.__main__ import main

__all__ = ["main", "run_here", "run_stage_here"]


def run_stage_here(name: str, folder: Path, *arguments: object) -> "CompletedProcess[str]":
    """`python -m stages.NAME`, by `run_here`."""
    with patch.object(sys, "path", list(sys.path)):
        module = import_module(f"stages.{name}")
    return run_here(partial(stages.run, module.main), folder, *arguments)


def run_here(main: Callable[[], None], folder: Path, *arguments: object) -> "CompletedProcess[str]":
    """What `main` prints and ends with, given `arguments`, in `folder`, as from a shell there."""
    printed, said = _open(), _open()
    words = ["-m", *map(str, arguments)]
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(said),
        patch.object(sys, "argv", words),
        # A command keeps what it has imported for good; this process goes on.
        patch("brainmri.__main__.pause_collector"),
        warnings.catch_warnings(),
    ):
        # As Python shows them, not as pytest gathers them.
        warnings.showwarning = partial(_show, said)
        code: object = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        if isinstance(code, str):
            print(code, file=sys.stderr)
            code = 1
    return CompletedProcess(words, int(str(code)), _read(printed), _read(said))


def _show(said: io.TextIOWrapper, *warning: Any) -> None:
    message, category, filename, number, *_ = warning
    said.write(warnings.formatwarning(message, category, filename, number))


def _open() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), "utf-8", newline="")


def _read(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()
