"""What Ray says of items that failed on nodes, and what to say of them."""

from dataclasses import dataclass, field
from typing import Any, Final

import ray
from ray.exceptions import ObjectStoreFullError, OutOfDiskError, RayError, RayTaskError

from brainmri.cluster_task import NODE, Outcome
from brainmri.errors import BadInput

# How often an item is tried whose node or process is lost, or that came to an error that nobody foresaw.
TRIES: Final = 3
# What Ray says where neither the store nor the disk that it spills to has room.
FULL: Final = (ObjectStoreFullError, OutOfDiskError)
# What to do where a node can't import something.
MISSING: Final = (
    "install requirements.lock there; a module of the project's own must be known to git here (`git add`)"
)
# Of what an item is called.
LONGEST: Final = 80


@dataclass
class Sent:
    """An item, its place among all, and how often it was tried.

    `error` is that of the last try, if nobody foresaw it; `avoided` are the nodes where it failed.
    """

    place: int
    item: Any
    tries: int = 0
    error: RayTaskError | None = None
    avoided: set[str] = field(default_factory=set)


def get_outcome(reference: "ray.ObjectRef[Outcome]") -> Outcome:
    """What has come of an item; where its node or process is gone, what Ray says of that."""
    try:
        outcome: Outcome = ray.get(reference)
    except FULL:
        raise refuse_full() from None
    except RayTaskError as error:
        # Of a function that can't be read there the last line alone says so.
        words = str(error).strip().splitlines()[-1]
        if isinstance(error.cause, ImportError):
            words = tell_cause(error)
        elif "ModuleNotFoundError" not in words and "ImportError" not in words:
            raise
        raise BadInput(f"a node: expected it to run the code it is sent, came {words}; {MISSING}") from None
    except RayError as error:
        said = [type(error).__name__, *str(error).split("\n")[-1:]]
        return Outcome(lost=": ".join(filter(None, said))[:LONGEST])
    return outcome


def tell_cause(error: RayTaskError) -> str:
    """The error that a function came to, by its first line: PyTorch's go on with advice."""
    words = str(error.cause).strip().splitlines()
    return ": ".join([type(error.cause).__name__, *words[:1]])


def find_node(error: RayTaskError) -> str:
    """The node that an error's note names, "" where there is none; the note is taken off."""
    notes = [str(note) for note in getattr(error.cause, "__notes__", ())]
    getattr(error.cause, "__dict__", {}).pop("__notes__", None)
    return next((note.removeprefix(NODE) for note in notes if note.startswith(NODE)), "")


class Failures:
    """The items that failed for the last time, by place; `none_done` until one came to its end."""

    def __init__(self) -> None:
        """None yet."""
        self.none_done = True
        self._names: dict[int, str] = {}
        self._errors: dict[int, RayTaskError] = {}

    def add(self, sent: Sent, name: str) -> None:
        """Raises where two came to the same error, and none to its end: that is no machine's fault."""
        self._names[sent.place] = name
        if sent.error is not None:
            same = str(sent.error.cause) in {str(error.cause) for error in self._errors.values()}
            self._errors[sent.place] = sent.error
            if same and self.none_done:
                self.end()

    def end(self) -> None:
        """Raises, if there are any, an error that nobody foresaw with all names, else a line with these."""
        if not self._names:
            return
        refused = refuse_lost([self._names[place] for place in sorted(self._names)])
        if not self._errors:
            raise refused
        error = self._errors[min(self._errors)]
        error.add_note(str(refused))
        raise error


def refuse_lost(names: list[str]) -> BadInput:
    """What to say of items that failed for the last time, each with why."""
    return BadInput(
        f"compute.backend: expected every item done, came {len(names)} that failed {TRIES} times: "
        f"{', '.join(names)}; the same command runs them again"
    )


def refuse_full() -> BadInput:
    """What to say where there is no room."""
    return BadInput(
        "compute.backend: expected room in Ray's object stores and on the disks they spill to, came none; "
        "make room on these, start nodes with a larger --object-store-memory, or set compute.shared_folder "
        "to true"
    )
