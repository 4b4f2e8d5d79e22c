"""A clone of the project's working tree with tiny params, in which real DVC runs."""

import copy
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Self

import psutil

from brainmri.params import load_yaml
from tests.house.closure import ROOT

# For a whole pipeline beside others; DVC's queue has waited forever (its issue 10428).
SECONDS = 900

TINY = {
    "patients: 120": "patients: 15",
    "slices_per_patient: 3": "slices_per_patient: 2",
    "size_px: 192": "size_px: 64",
    "size: 128": "size: 32",
    "folds: 5": "folds: 3",
    "arch: resnet34": "arch: resnet18",
    "epochs: 15": "epochs: 1",
    "epochs: 30": "epochs: 2",
    "trees: 200": "trees: 10",
    "draws: 2000": "draws: 200",
    "threads: 2": "threads: 1",
    "    resnet50:\n      arch: resnet50\n": (
        "    focal:\n      lr: 1e-3\n      train:\n        loss: focal\n"
    ),
    "    resnet101:\n      arch: resnet101\n    resnet152:\n      arch: resnet152\n": "",
}


class Workspace:
    """A folder with a commit of its own, and commands run in it as a user would."""

    def __init__(self, folder: Path) -> None:
        """Copies what git knows, and what it doesn't ignore, of the working tree."""
        self.folder = folder
        listed = subprocess.run(
            ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
        ).stdout.decode()
        for name in filter(None, listed.split("\0")):
            if (
                (ROOT / name).is_file()
                and not name.startswith(("metrics/", "plots/"))
                # Of the shipped weights the list is enough, which stages depend on.
                and not name.endswith(("dvc.lock", ".safetensors"))
            ):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes((ROOT / name).read_bytes())
        self.change("params.yaml", TINY)
        self.run("git", "init", "-q")
        self.commit("Start")

    def clone(self, folder: Path) -> Self:
        """All of it once more, caches too, in another folder."""
        shutil.copytree(self.folder, folder, symlinks=True)
        made = copy.copy(self)
        made.folder = folder
        return made

    def change(self, name: str, replacements: dict[str, str]) -> None:
        """Replaces texts in a file, each of which must be there."""
        text = (self.folder / name).read_text()
        for old, new in replacements.items():
            if old not in text:
                raise AssertionError(f"{name} has no {old!r}")
            text = text.replace(old, new)
        (self.folder / name).write_text(text)

    def commit(self, message: str) -> None:
        """Commits all, as somebody."""
        self.run("git", "add", "-A")
        self.run("git", "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", message)

    def restore(self) -> None:
        """Brings the committed outputs back, as the README says, and the params, by hand there."""
        self.run("git", "checkout", "-q", "dvc.lock", "metrics", "plots", "params.yaml")
        self.run("dvc", "checkout", "-q", "dvc.yaml")

    def locked(self) -> dict[str, Any]:
        """What dvc.lock holds. Stages that don't depend on one another stand in it in the order of DVC's run,
        which differs from run to run: networkx walks a part of a graph in the order of a set.
        """
        return dict(load_yaml((self.folder / "dvc.lock").read_text()))

    def run(self, *command: str, code: int = 0, **variables: str) -> str:
        """What a command prints; fails with all of it if it doesn't end with `code`, or doesn't end."""
        process = self.start(*command, **variables)
        try:
            output, _ = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            self._kill_strays()
            output, _ = process.communicate(timeout=10)
            raise AssertionError(f"{' '.join(command)} had not ended after {SECONDS} s:\n{output}") from None
        if process.returncode != code:
            raise AssertionError(f"{' '.join(command)} ended with {process.returncode}:\n{output}")
        return output

    def start(self, *command: str, **variables: str) -> "subprocess.Popen[str]":
        """A command on its way, in a process group of its own."""
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith(("DVC_", "GIT_", "AWS_"))
        }
        environment |= {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}",
            "DVC_NO_ANALYTICS": "1",
            "GIT_AUTHOR_NAME": "a",
            "GIT_AUTHOR_EMAIL": "a@b.c",
            "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a@b.c",
            "DVC_SITE_CACHE_DIR": str(self.folder / ".dvc" / "tmp" / "site"),
        } | variables
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def _kill_strays(self) -> None:
        """Ends what works in the folder in a process group of its own, as the worker of DVC's queue."""
        for process in psutil.process_iter():
            try:
                if Path(process.cwd()).is_relative_to(self.folder):
                    process.kill()
            except psutil.Error:
                continue


def read_until(process: "subprocess.Popen[str]", pattern: str, seconds: float = SECONDS) -> str:
    """What it prints, up to a line that begins with `pattern`, or to its end, by a kill after `seconds`."""
    text = ""
    end = threading.Timer(seconds, os.killpg, (process.pid, signal.SIGKILL))
    end.start()
    try:
        for line in process.stdout or ():
            text += line
            if re.match(pattern, line):
                break
    finally:
        end.cancel()
    return text


def kill_all(process: "subprocess.Popen[str]") -> None:
    """Ends a process and those of its group, as a machine that dies would."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
