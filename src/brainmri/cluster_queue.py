"""Items under way on the nodes of a Ray cluster: sent, waited for, sent again where they failed."""

import sys
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import ray
from ray.exceptions import ObjectStoreFullError, OutOfDiskError, RayError, RayTaskError

from brainmri.cluster_task import NODE, Outcome
from brainmri.errors import BadInput, Unfit

Result = TypeVar("Result")

# Items started for each that may be under way, from the first that isn't done: it holds back all results.
_FAR: Final = 4
# How often an item is tried whose node or process is lost, or that came to an error that nobody foresaw, and
# after how many seconds: what was wrong (memory that another took) may be over then, and a node that is gone
# is known to be.
TRIES: Final = 3
_PAUSE_SECONDS: Final = 2.0
# For what is cancelled to remove its files.
_CLEAR_UP_SECONDS: Final = 5.0
# What Ray says where neither the store nor the disk that it spills to has room.
FULL: Final = (ObjectStoreFullError, OutOfDiskError)
# What to do where a node can't import something.
MISSING: Final = (
    "install requirements.lock there; a module of the project's own must be known to git here (`git add`)"
)
# Between looks whether any node can still do what is waited for.
_LOOK_SECONDS: Final = 15.0
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


@dataclass
class History:
    """Whether any item of a run has come to its end."""

    some_done: bool = False


@dataclass
class Tasks:
    """The items that are under way; one whose node or process is lost is sent again after a while.

    So is, with `patient`, one that came to an error that nobody foresaw: a library may say so of a GPU. It is
    sent to nodes where it is known to have failed only if there are no others (`elsewhere` says so of those
    to avoid). What a node refuses that lacks something is sent to others, if any item was done before. A line
    says what is tried again; `lose` is told what isn't any more. Both name it, with why.
    """

    send: Callable[[Any, Collection[str]], "ray.ObjectRef[Outcome]"]
    elsewhere: Callable[[Collection[str]], bool]
    check: Callable[[], None]
    name: Callable[[Any], str]
    lose: Callable[[Sent, str], None]
    patient: bool
    running: dict["ray.ObjectRef[Outcome]", Sent] = field(default_factory=dict)
    again: deque[tuple[float, Sent]] = field(default_factory=deque)
    history: History = field(default_factory=History)

    def __len__(self) -> int:
        """How many there are."""
        return len(self.running) + len(self.again)

    def start(self, sent: Sent) -> None:
        """Sends an item to nodes where it has not failed, or to any if there are no such."""
        if sent.avoided and not self.elsewhere(sent.avoided):
            sent.avoided.clear()
        sent.tries += 1
        self.running[self.send(sent.item, sent.avoided)] = sent

    def wait(self) -> Iterator[tuple[int, Outcome | None]]:
        """What has come of those under way, by place; None of one that was lost for the last time."""
        seconds = _LOOK_SECONDS
        if self.again:
            seconds = max(0.0, min(seconds, self.again[0][0] - time.monotonic()))
        heard = []
        for reference in self._look(seconds):
            sent = self.running.pop(reference)
            heard.append((sent, self._hear(reference, sent)))
        if any(outcome.lost is None and outcome.refused is None for _, outcome in heard):
            self.history.some_done = True
        for sent, outcome in heard:
            named = f"{self.name(sent.item)[:LONGEST]} ({outcome.lost})"
            if self._is_elsewhere_s(sent, outcome):
                sent.tries -= 1
                self._send_again(sent, outcome.node, f"{self.name(sent.item)[:LONGEST]} ({outcome.refused})")
            elif outcome.lost is None:
                yield sent.place, outcome
            elif sent.tries < TRIES:
                self._send_again(sent, outcome.node, named)
            else:
                self.lose(sent, named)
                yield sent.place, None
        while self.again and self.again[0][0] <= time.monotonic():
            self.start(self.again.popleft()[1])

    def _send_again(self, sent: Sent, node: str, named: str) -> None:
        """After a while, not to that node, if it is known."""
        sent.avoided |= {node} - {""}
        print(f"cluster: expected it done, came {named}; it is tried again", file=sys.stderr)
        self.again.append((time.monotonic() + _PAUSE_SECONDS, sent))

    def _is_elsewhere_s(self, sent: Sent, outcome: Outcome) -> bool:
        """Whether a node lacks something, and another may have it, as there is one that is known to work."""
        lacking = self.history.some_done and isinstance(outcome.refused, Unfit) and bool(outcome.node)
        return lacking and self.elsewhere({*sent.avoided, outcome.node})

    def _hear(self, reference: "ray.ObjectRef[Outcome]", sent: Sent) -> Outcome:
        sent.error = None
        try:
            return _get(reference)
        except RayTaskError as error:
            if not self.patient:
                raise
            sent.error = error
            return Outcome(lost=_tell_cause(error)[:LONGEST], node=_find_node(error))

    def _look(self, seconds: float) -> "list[ray.ObjectRef[Outcome]]":
        if not self.running:
            time.sleep(seconds)
            return []
        ready: list[ray.ObjectRef[Outcome]]
        running = list(self.running)
        ready, _ = ray.wait(running, num_returns=1, timeout=seconds)
        if ready:  # all that are: with many under way a look at each takes a while
            ready, _ = ray.wait(running, num_returns=len(running), timeout=0)
        if not ready and seconds == _LOOK_SECONDS:
            self.check()
            self._give_up_avoiding()
        return ready

    def _give_up_avoiding(self) -> None:
        """Sends anew what waits for nodes that are all gone."""
        avoiding = [reference for reference, sent in self.running.items() if sent.avoided]
        _, waiting = ray.wait(avoiding, num_returns=len(avoiding), timeout=0) if avoiding else ([], [])
        for reference in waiting:
            sent = self.running[reference]
            if not self.elsewhere(sent.avoided):
                ray.cancel(reference)
                del self.running[reference]
                sent.tries -= 1
                self.start(sent)


def _get(reference: "ray.ObjectRef[Outcome]") -> Outcome:
    """What has come of an item; where its node or process is gone, what Ray says of that."""
    try:
        outcome: Outcome = ray.get(reference)
    except FULL:
        raise refuse_full() from None
    except RayTaskError as error:
        # Of a function that can't be read there the last line alone says so.
        words = str(error).strip().splitlines()[-1]
        if isinstance(error.cause, ImportError):
            words = _tell_cause(error)
        elif "ModuleNotFoundError" not in words and "ImportError" not in words:
            raise
        raise BadInput(f"a node: expected it to run the code it is sent, came {words}; {MISSING}") from None
    except RayError as error:
        said = [type(error).__name__, *str(error).split("\n")[-1:]]
        return Outcome(lost=": ".join(filter(None, said))[:LONGEST])
    return outcome


def _tell_cause(error: RayTaskError) -> str:
    """The error that a function came to, by its first line: PyTorch's go on with advice."""
    words = str(error.cause).strip().splitlines()
    return ": ".join([type(error.cause).__name__, *words[:1]])


def _find_node(error: RayTaskError) -> str:
    """The node that an error's note names, "" where there is none; the note is taken off."""
    notes = [str(note) for note in getattr(error.cause, "__notes__", ())]
    vars(error.cause).pop("__notes__", None)
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


def run_all(tasks: Tasks, items: Iterator[Any], count: Callable[[], int]) -> Iterator[tuple[int, Any]]:
    """At most `count()` under way, and none far ahead of the first that isn't done: results wait for it."""
    following, done = 0, 0
    more, finished = True, set[int]()
    most, counted = 0, -_LOOK_SECONDS
    while more or len(tasks):
        if time.monotonic() >= counted + _LOOK_SECONDS:  # nodes come and go
            most, counted = count(), time.monotonic()
        while more and following < done + _FAR * most and len(tasks) < most:
            try:
                tasks.start(Sent(following, next(items)))
            except StopIteration:
                more = False
            else:
                following += 1
        for place, outcome in _refuse_last(tasks.wait()) if len(tasks) else ():
            finished.add(place)
            if outcome is not None:
                yield place, outcome.value
        while done in finished:
            finished.discard(done)
            done += 1


def _refuse_last(came: Iterable[tuple[int, Outcome | None]]) -> Iterator[tuple[int, Outcome | None]]:
    """The same; raises what one was refused for when those that came with it have been handed over."""
    refused: BadInput | None = None
    for place, outcome in came:
        if outcome is not None and outcome.refused is not None:
            refused = refused or outcome.refused
        else:
            yield place, outcome
    if refused is not None:
        raise refused


def put_in_order(results: Iterable[tuple[int, Result]]) -> Iterator[Result]:
    """What comes with its place, 0 and up, in the order of the places; what is early waits."""
    waiting: dict[int, Result] = {}
    following = 0
    for place, result in results:
        waiting[place] = result
        while following in waiting:
            yield waiting.pop(following)
            following += 1


def cancel_all(running: "list[ray.ObjectRef[Outcome]]") -> None:
    """Ends what is under way: at first so that it can clear up behind itself.

    What doesn't come back to Python in time, from one long call, leaves its files on its node.
    """
    if running:
        for force in (False, True):
            for reference in running:
                ray.cancel(reference, force=force)
            _, running = ray.wait(running, num_returns=len(running), timeout=_CLEAR_UP_SECONDS)


def refuse_full() -> BadInput:
    """What to say where there is no room."""
    return BadInput(
        "compute.backend: expected room in Ray's object stores and on the disks they spill to, came none; "
        "make room on these, start nodes with a larger --object-store-memory, or set compute.shared_folder "
        "to true"
    )
