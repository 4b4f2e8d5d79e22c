"""Batches of strangers' files on a node: passed on unread, each failure its own, and a bug no rejection."""

import pickle
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from brainmri.cluster_task import Place, run_item
from brainmri.confinement import Failure, Limits
from brainmri.isolated_batch import BatchTask, unpack
from brainmri.isolation import map_isolated
from tests.cluster_functions import read_as, read_sent, tell_unpicklable
from tests.house.closure import ROOT

LIMITS = Limits(500, 30.0)
# Runs a task that comes by standard input, as a node's worker does, and gives back what comes of it.
WORKER = """
import pickle, sys
if __name__ == "__main__":
    task, items = pickle.load(sys.stdin.buffer)
    results = task(items)
    assert not any(name.startswith("tests") for name in sys.modules)
    sys.stdout.buffer.write(pickle.dumps(results))
"""


def test_batch_after_batch_is_read_from_its_own_folder() -> None:
    work = BatchTask.of(read_sent, LIMITS, 1)
    for text in ("first", "second"):
        content = np.frombuffer(text.encode(), np.uint8)
        outcome = run_item(work, ["set/a.txt"], Place(None, None), ["set/a.txt"], content)
        assert [text] == [unpack(result) for result in outcome.value]


def test_what_an_item_fails_by_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    work = BatchTask.of(partial(read_as, "utf-8"), LIMITS, 2)
    outcome = run_item(work, ["a.txt", "none.txt", "a.txt"], Place(tmp_path, None), [])
    failure = Failure("can't be decoded (FileNotFoundError)")
    assert ["text", failure, "text"] == [unpack(result) for result in outcome.value]


def test_the_worker_imports_nothing_of_what_it_passes_on(tmp_path: Path) -> None:
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    (tmp_path / "a.txt").write_text("text")
    sent = pickle.dumps((BatchTask.of(read_sent, LIMITS, 1), ["a.txt"]))
    paths = {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, input=sent, env=paths, capture_output=True, check=True
    )
    assert ["text"] == [unpack(result) for result in pickle.loads(done.stdout)]  # noqa: S301


def test_a_function_that_a_node_has_not_is_an_error_and_no_rejection() -> None:
    # As pickle names a function of a module.
    work = BatchTask(b"cno_such_module\nread\n.", LIMITS, 1)
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        work(["a.txt"])


def test_a_result_that_cannot_be_sent_is_what_it_is_on_this_machine() -> None:
    results = BatchTask.of(tell_unpicklable, LIMITS, 1)(["a.txt"])
    assert list(map_isolated(tell_unpicklable, ["a.txt"], LIMITS, "")) == results
