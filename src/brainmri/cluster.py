"""Joining a Ray cluster; this, the pool, the queue and its failures import Ray, only where it was asked for.

Workers run the driver's code: the files that git tracks in the checkout, as they are now, are sent to them.
"""

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from typing import Final

import ray
from ray.exceptions import GetTimeoutError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from brainmri.cluster_failures import MISSING
from brainmri.cluster_pool import RayPool
from brainmri.cluster_task import OPTIONAL, ROOT, Place, describe_node, list_differences
from brainmri.errors import BadInput
from brainmri.params import load_yaml

CHECKOUT: Final = Path(__file__).resolve().parents[2]
_PINS: Final = "pins.yaml"
# Whose versions matter beside those that stages depend on: a training's key has fastcore's too.
_BESIDE: Final = ("ray", "fastcore", *OPTIONAL)
_KNOCK_SECONDS: Final = 5.0
# For a node's first worker to start.
_ANSWER_SECONDS: Final = 120.0
_ADDRESS: Final = "RAY_ADDRESS"
_MARK: Final = ".brainmri-"
# A run keeps its own younger.
_LEFT_SECONDS: Final = 14 * 24 * 3600


def join_cluster(*, shared: bool) -> "RayPool":
    """The cluster at RAY_ADDRESS, or the one that was started on this machine.

    Raises `BadInput` where there is none, or where a node has other versions than this process.
    """
    if not (CHECKOUT / _PINS).is_file():
        raise BadInput(
            f"compute.backend: expected a checkout, whose files are sent to nodes, came {CHECKOUT} without "
            f"{_PINS}; run `pip install -e .` in a checkout, or set it to local"
        )
    address = os.environ.get(_ADDRESS) or "auto"
    if address == "local" or address.startswith("ray://"):
        raise _refuse(address, "no HOST:PORT of a head")
    _knock(_read_noted() if address == "auto" else address)
    # Nothing is told to anybody outside.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # What git tracks is sent even where a .gitignore names it.
    os.environ["RAY_RUNTIME_ENV_IGNORE_GITIGNORE"] = "1"
    try:
        with _copy_tracked() as code:  # sent when a cluster is joined
            ray.init(
                address=address,
                log_to_driver=False,
                logging_level="ERROR",
                runtime_env={"working_dir": str(code), "worker_process_setup_hook": _make_hook()},
            )
    except (ConnectionError, RuntimeError, ValueError, RayError) as error:
        raise _refuse(address, " ".join(str(error).split()) or type(error).__name__) from None
    atexit.register(ray.shutdown)
    packages = [*load_yaml((CHECKOUT / _PINS).read_text(encoding="utf-8")), *_BESIDE]
    own = describe_node(packages)
    _check_nodes(own, packages)
    place = Place(None, os.environ.get(ROOT), versions=tuple(own.items()))
    return RayPool(replace(place, shared=Path.cwd(), mark=_mark_folder()) if shared else place)


def _mark_folder() -> Path | None:
    """A new file below this folder, by which nodes know it until this process ends, if one can be made."""
    folder = Path(".dvc", "tmp") if Path(".dvc").is_dir() else Path()
    mark = folder / f"{_MARK}{uuid.uuid4().hex}"
    try:
        folder.mkdir(exist_ok=True)
        for left in folder.glob(f"{_MARK}*"):  # by one that was killed
            with suppress(FileNotFoundError):  # another driver clears up too
                if time.time() - left.stat().st_mtime > _LEFT_SECONDS:
                    left.unlink()
        mark.touch()
    except OSError:
        return None
    atexit.register(mark.absolute().unlink, missing_ok=True)
    return mark


def _refuse(address: str, came: str) -> BadInput:
    return BadInput(
        f"{_ADDRESS}: expected a Ray cluster at {address}, came {came}; start one by `ray start --head` in "
        "this environment, or set compute.backend to local"
    )


def _read_noted() -> str:
    """The head that was started last on this machine, as Ray notes it, though it may be gone; "" for none."""
    temporary = os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp"  # noqa: S108 - Ray's own
    noted = Path(temporary, "ray", "ray_current_cluster")
    return noted.read_text(encoding="utf-8").strip() if noted.is_file() else ""


def _knock(address: str) -> None:
    """Ray would wait for minutes for somebody to answer at a wrong address."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _KNOCK_SECONDS):
            return
    except (OSError, UnicodeError) as error:
        raise _refuse(address, getattr(error, "strerror", None) or "no answer") from None


@contextmanager
def _copy_tracked() -> Iterator[Path]:
    """A folder with the checkout's files that git tracks."""
    command = ["git", "ls-files", "-z"]
    try:
        listing = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        said = " ".join((getattr(error, "stderr", None) or str(error)).split())
        raise BadInput(
            f"compute.backend: expected {CHECKOUT} under git, whose files workers are sent, came: {said}; "
            "mend that, or set it to local"
        ) from None
    with tempfile.TemporaryDirectory(prefix="brainmri-code-") as folder:
        for name in listing.stdout.split("\0"):
            source = CHECKOUT / name
            if name and source.is_file():
                target = Path(folder, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
        yield Path(folder)


def _make_hook() -> Callable[[], None]:
    """What a worker begins with: the code it was sent comes first on its path.

    `__main__` forgets its file, so that multiprocessing doesn't run Ray's worker program again in each
    process that is started there (a second).
    Not at the module's top: so it is sent itself, and not the name by which a node would find its own.
    """

    def begin() -> None:
        import sys  # noqa: PLC0415 - a worker has nothing else yet
        from pathlib import Path  # noqa: PLC0415

        sys.path.insert(0, str(Path.cwd() / "src"))
        from brainmri.collector import pause_collector  # noqa: PLC0415

        pause_collector()
        vars(sys.modules["__main__"]).pop("__file__", None)

    return begin


def _check_nodes(own: Mapping[str, str], packages: Sequence[str]) -> None:
    """Raises `BadInput` with what differs on nodes or keeps them from answering; all are asked at once."""
    task = ray.remote(describe_node)
    asked = {}
    for node in filter(itemgetter("Alive"), ray.nodes()):
        strategy = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        reference = task.options(num_cpus=0, max_retries=0, scheduling_strategy=strategy).remote(packages)
        asked[reference] = node
    ray.wait(list(asked), num_returns=len(asked), timeout=_ANSWER_SECONDS)
    said: dict[str, list[str]] = {}
    for reference, node in asked.items():
        problem = _find_problem(reference, own)
        if problem and _is_alive(node["NodeID"]):
            said.setdefault(problem, []).append(node["NodeManagerAddress"])
    if said:
        problems = (f"node {', '.join(nodes)}: {problem}" for problem, nodes in said.items())
        raise BadInput("; ".join(problems))


def _find_problem(reference: "ray.ObjectRef[dict[str, str]]", own: Mapping[str, str]) -> str | None:
    """What is wrong with a node that was asked for its versions, in words."""
    try:
        differing = list_differences(own, ray.get(reference, timeout=0))
    except GetTimeoutError:
        return (
            f"expected an answer within {_ANSWER_SECONDS:.0f} s, came none; look at `ray status`, or run it "
            "again"
        )
    except RayError as error:
        words = (str(error).strip() or type(error).__name__).splitlines()[-1]
        return f"expected it to run the code it is sent, came: {words}; {MISSING}"
    if not differing:
        return None
    came = ", ".join(differing)
    return f"expected the versions of this machine, came {came}; install requirements.lock there"


def _is_alive(identity: str) -> bool:
    return any(node["Alive"] for node in ray.nodes() if node["NodeID"] == identity)
