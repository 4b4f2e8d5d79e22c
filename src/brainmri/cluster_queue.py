"""Items under way on the nodes of a Ray cluster: sent, waited for, sent again where they failed."""

import sys
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import ray
from ray.exceptions import RayTaskError

from brainmri.cluster_failures import LONGEST, TRIES, Sent, find_node, get_outcome, tell_cause
from brainmri.cluster_task import Outcome
from brainmri.errors import BadInput, Unfit

Result = TypeVar("Result")

# Items started for each that may be under way, from the first that isn't done: it holds back all results.
_FAR: Final = 4
# Before another try: what was wrong (memory that another took) may be over then, and a node that is gone is
# known to be.
_PAUSE_SECONDS: Final = 2.0
# For what is cancelled to remove its files.
_CLEAR_UP_SECONDS: Final = 5.0
# Between looks whether any node can still do what is waited for.
_LOOK_SECONDS: Final = 15.0


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
            named = f"{self.name(sent.item)[:LONGEST]} ({outcome.lost or outcome.refused})"
            if self._belongs_elsewhere(sent, outcome):
                sent.tries -= 1
                self._send_again(sent, outcome.node, named)
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

    def _belongs_elsewhere(self, sent: Sent, outcome: Outcome) -> bool:
        """Whether a node lacks something, and another may have it, as there is one that is known to work."""
        lacking = self.history.some_done and isinstance(outcome.refused, Unfit) and bool(outcome.node)
        return lacking and self.elsewhere({*sent.avoided, outcome.node})

    def _hear(self, reference: "ray.ObjectRef[Outcome]", sent: Sent) -> Outcome:
        sent.error = None
        try:
            return get_outcome(reference)
        except RayTaskError as error:
            if not self.patient:
                raise
            sent.error = error
            return Outcome(lost=tell_cause(error)[:LONGEST], node=find_node(error))

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


def run_all(
    tasks: Tasks, items: Iterator[Any], count: Callable[[], int], *, in_order: bool
) -> Iterator[tuple[int, Any]]:
    """At most `count()` under way; `in_order`: none far ahead of the first that is not done."""
    following, done = 0, 0
    more, finished = True, set[int]()
    most, counted = 0, -_LOOK_SECONDS
    while more or len(tasks):
        if time.monotonic() >= counted + _LOOK_SECONDS:  # nodes come and go
            most, counted = count(), time.monotonic()
        while more and len(tasks) < most and not (in_order and following >= done + _FAR * most):
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
