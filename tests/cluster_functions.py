"""What tests map over the nodes of a cluster."""

import gc
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_info

import brainmri
from brainmri.errors import BadInput, Died, Unfit
from brainmri.scans.files import check_regular

LOOKS = Counter[str]()


def double(number: int) -> int:
    """Twice the number, the first ones later than others."""
    time.sleep(0.2 if number < 2 else 0)
    return 2 * number


def collects(_: int) -> bool:
    """Whether this process looks for garbage, all that was imported left out."""
    return gc.isenabled() and gc.get_freeze_count() > 0


def refuse_three(number: int) -> int:
    """The number; three is refused after a second, and five takes a minute."""
    time.sleep({3: 1, 5: 60}.get(number, 0))
    if number == 3:
        raise BadInput("three: expected another number, came 3; take another")
    return number


def refuse_beside(number: int) -> int:
    """The second waits for a minute; the first is refused as soon as that one has a folder beside it."""
    ends = time.monotonic() + 60
    # In Python, not in one call of the system, which a cancelled process would sit through.
    while (
        number or len(list(Path(tempfile.gettempdir()).glob("brainmri-*"))) < 2
    ) and time.monotonic() < ends:
        time.sleep(0.05)
    if number:
        return number
    time.sleep(1)
    raise BadInput("this: expected another number, came 0; take another")


def crash_at_three(number: int) -> int:
    """The number; at three the process is gone."""
    if number == 3:
        os._exit(1)
    return number


def run_out_at_three(number: int) -> int:
    """The number; at three there is no memory."""
    if number == 3:
        raise MemoryError
    return number


def break_at_three(number: int) -> int:
    """The number; at three PyTorch says in its own words that a GPU failed."""
    if number == 3:
        raise RuntimeError("CUDA error: misaligned address\nCompile with `TORCH_USE_CUDA_DSA`")
    return number


def break_always(number: int) -> None:
    """What a mistake in the code does with every item."""
    raise RuntimeError(f"expected a mistake, came number {number >= 0}")


def break_once(folder: Path, number: int) -> int:
    """The number, at the second try."""
    if not (seen := folder / str(number)).exists():
        seen.touch()
        raise RuntimeError("CUDA error: misaligned address")
    return number


def break_there(node: str, number: int) -> str:
    """The node that this runs on, after a while; on that one PyTorch says that its GPU failed."""
    import ray  # noqa: PLC0415 - here alone

    here: str = ray.get_runtime_context().get_node_id()
    time.sleep(0.1)
    if here == node:
        raise RuntimeError(f"CUDA error: misaligned address of {number}")
    return here


def lack_there(node: str, number: int) -> str:
    """As `break_there`, but it is a folder that the node lacks; at first it waits for the other node."""
    time.sleep(2)
    try:
        return break_there(node, number)
    except RuntimeError:
        time.sleep(4)
        raise Unfit("a node: expected the folder of this run, came none; share it") from None


def import_missing(_: int) -> None:
    """As a node does where a package isn't installed."""
    import no_package_of_that_name  # noqa: F401, PLC0415


def kill_itself(_: int) -> None:
    """What the system does where it has no memory left."""
    os.kill(os.getpid(), signal.SIGKILL)


def tell_gpus(_: int) -> str:
    """The GPUs that this process sees, once others have theirs too."""
    time.sleep(3)
    return os.environ.get("CUDA_VISIBLE_DEVICES", "none")


def wait_beside(_: int) -> None:
    """Leaves a file and takes three seconds."""
    Path("begun").touch()
    time.sleep(3)


def sleep(seconds: float) -> float:
    """How long it took."""
    time.sleep(seconds)
    return seconds


def sum_up(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of how often each group is drawn, the sum of its numbers."""
    return weights @ (0.1 + np.arange(weights.shape[-1]))


def tell_process(_: int) -> int:
    """The process that this runs in."""
    return os.getpid()


def read_names(number: int) -> list[str]:
    """The files below the folder that this runs in."""
    assert number >= 0
    return sorted(path.as_posix() for path in Path().rglob("*.txt"))


def tell_blas(item: int) -> tuple[int, set[int]]:
    """The item, and how many threads a product of matrices takes here."""
    return item, {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def list_checked(name: str, folder: Path = Path()) -> list[Path]:
    """The file of that name, refused where it can't be read."""
    check_regular(folder / name)
    return [folder / name]


def tell_code(_: int) -> str:
    """The node, and what the code's own words are there; slow enough that all nodes are asked."""
    import ray  # noqa: PLC0415 - here alone

    time.sleep(0.5)
    return f"{ray.get_runtime_context().get_node_id()}: {brainmri.__doc__}"


def fill_store(size: int) -> NDArray[np.uint8]:
    """So many bytes."""
    return np.zeros(size, np.uint8)


def fail(number: int) -> None:
    """What a system says by that number when it can't do something with a file."""
    raise OSError(number, os.strerror(number), "out.bin")


def lose_gpu(_: int) -> None:
    """As PyTorch says that a GPU has failed."""
    raise type("AcceleratorError", (RuntimeError,), {})(
        "CUDA error: unspecified launch failure\nCompile with"
    )


def run_out_of_gpu(_: int) -> None:
    """What PyTorch says when a GPU has no memory left."""
    raise type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory")


def die(_: int) -> None:
    """What is said where one of several processes of a training is gone."""
    raise Died("this: expected 2 processes, came one that died; run it again")


def read_sent(name: str) -> str:
    """What a file says."""
    return Path(name).read_text()


def list_looked_for(name: str) -> list[Path]:
    """Of an item: looked for before it is sent, on its node, where reading failed, and once more."""
    LOOKS[name] += 1
    if (name, LOOKS[name]) in {("never", 1), ("gone", 2), ("gone", 3), ("unseen", 2)}:
        raise BadInput("can't be read (No such file or directory)")
    return [Path("scans", name)]


def read_as(encoding: str, name: str) -> str:
    """What a file says in an encoding."""
    return Path(name).read_text(encoding)


def tell_children(_: int) -> bool:
    """Whether a new process of this one imports Ray, which it has no use for."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_knows_ray)


def _knows_ray() -> bool:
    return "ray" in sys.modules
