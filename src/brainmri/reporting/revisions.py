"""The files of a commit, an experiment of DVC's or the working tree, by plain git."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from brainmri.errors import BadInput

WORKSPACE = "workspace"


@dataclass(frozen=True)
class Revision:
    """A state of the repository: `commit` is None for the working tree."""

    name: str
    commit: str | None

    def read(self, path: str) -> bytes | None:
        """A tracked file's content, None where there is none."""
        if self.commit is None:
            own = Path(path)
            return own.read_bytes() if own.is_file() else None
        done = _git("show", f"{self.commit}:{path}")
        return done.stdout if done.returncode == 0 else None

    def list_files(self, folder: str) -> list[str]:
        """The files below `folder` that git tracks, or would, sorted."""
        if self.commit is None:
            listed = _git("ls-files", "-coz", "--exclude-standard", "--", folder).stdout
        else:
            listed = _git("ls-tree", "-rz", "--name-only", self.commit, "--", folder).stdout
        names = sorted(name for name in listed.decode().split("\0") if name)
        return [name for name in names if self.commit is not None or Path(name).is_file()]


def find_revision(name: str) -> Revision:
    """What `name` means: `workspace`, anything that git knows, or an experiment's name.

    Raises `BadInput` where nothing or more than one experiment has that name, or here is no repository.
    """
    if _git("rev-parse", "--git-dir").returncode:
        raise BadInput("report: expected a git repository here, came none; run it at the checkout's root")
    if name == WORKSPACE:
        return Revision(name, None)
    done = _git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if done.returncode == 0:
        return Revision(name, done.stdout.decode().strip())
    listed = _git("for-each-ref", "--format=%(objectname) %(refname)", "refs/exps").stdout.decode()
    found = {line.split()[0] for line in listed.splitlines() if line.endswith(f"/{name}")}
    if len(found) != 1:
        came = "none" if not found else f"{len(found)} experiments"
        raise BadInput(
            f"report: {name}: expected a commit, branch, tag or experiment of that name, came {came}"
        )
    return Revision(name, found.pop())


def _git(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(["git", *arguments], capture_output=True, check=False)
