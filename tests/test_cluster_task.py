"""What a node does with an item."""

import errno
import os
import pickle
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from ray.exceptions import RayTaskError

from brainmri.cluster_failures import Sent, find_node
from brainmri.cluster_queue import Tasks, run_all
from brainmri.cluster_task import Outcome, Place, describe_node, list_differences, run_item
from brainmri.compute import no_files
from brainmri.confinement import Failure, Limits
from brainmri.errors import BadInput, Diverged, Unfit
from brainmri.isolated_batches import Work, accept, pack_work, work_on
from tests.cluster_functions import (
    die,
    double,
    fail,
    kill_itself,
    list_checked,
    lose_gpu,
    read_as,
    read_names,
    read_sent,
    refuse_three,
    run_out_at_three,
    run_out_of_gpu,
    sleep,
    tell_process,
)
from tests.house.closure import ROOT

ALONE = Place(None, None)
LIMITS = Limits(500, 30.0)


def test_a_function_runs_among_the_files_that_were_sent_and_leaves_nothing(tmp_path: Path) -> None:
    before = Path.cwd()
    content = np.frombuffer(b"text", np.uint8)
    assert ["a/b.txt"] == run_item(read_names, 0, ALONE, ["a/b.txt"], content).value
    assert before == Path.cwd()


def test_a_function_runs_in_the_folder_that_all_nodes_see(tmp_path: Path) -> None:
    (tmp_path / "own.txt").touch()
    assert ["own.txt"] == run_item(read_names, 0, Place(tmp_path, None), []).value


def test_the_workspace_of_an_experiment_is_known_while_it_runs(tmp_path: Path) -> None:
    seen = run_item(os.environ.get, "DVC_ROOT", Place(tmp_path, "/where/it/is"), [])
    assert "/where/it/is" == seen.value
    assert "DVC_ROOT" not in os.environ


def test_a_node_without_the_folder_says_so(tmp_path: Path) -> None:
    outcome = run_item(double, 1, Place(tmp_path / "none", None), [])
    assert outcome.value is None
    assert "none of this run, came none (No such file or directory); share it" in str(outcome.refused)
    assert isinstance(outcome.refused, Unfit)
    assert "\n" not in str(outcome.refused)


def test_another_folder_at_the_same_path_is_refused_and_the_process_is_where_it_was(tmp_path: Path) -> None:
    (tmp_path / "mark.txt").touch()
    assert ["mark.txt"] == run_item(read_names, 0, Place(tmp_path, None, mark=Path("mark.txt")), []).value
    before = Path.cwd()
    refused = run_item(read_names, 0, Place(tmp_path, None, mark=Path("gone")), []).refused
    assert f"expected the folder {tmp_path} of this run, came another one; share it" in str(refused)
    assert before == Path.cwd()


def test_what_a_shared_folder_has_on_the_driver_alone_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    assert ["a.txt"] == run_item(read_names, 0, Place(tmp_path, None, expected=("a.txt",)), []).value
    (tmp_path / "b.txt").symlink_to(tmp_path / "elsewhere")
    refused = run_item(read_names, 0, Place(tmp_path, None, expected=("a.txt", "b.txt")), []).refused
    assert isinstance(refused, Unfit)
    assert "expected b.txt as on the driver, came none (a link to a disk of the driver's own" in str(refused)


@pytest.mark.parametrize("size", [10, 10_000])
def test_what_was_sent_and_finds_no_room_is_said_however_small(size: int) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, before[1]))
    try:
        outcome = run_item(read_names, 0, ALONE, ["scan.txt"], np.zeros(size, np.uint8))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "can't be written (File too large); make room there" in str(outcome.refused)
    assert isinstance(outcome.refused, Unfit)


def test_other_versions_on_a_node_that_came_later_are_listed() -> None:
    own = (("python", "3.0.0"), ("numpy", np.__version__))
    refused = run_item(double, 1, Place(None, None, versions=own), []).refused
    assert "expected the versions of the driver, came python 3.1" in str(refused)
    assert "(here 3.0.0); install requirements.lock there" in str(refused)
    assert "numpy" not in str(refused)


def test_what_is_optional_is_compared_where_both_have_it() -> None:
    own, found = {"python": "3", "accelerate": "1"}, {"python": "3", "onnxruntime": "1"}
    assert [] == list_differences(own, found)
    assert ["accelerate 2 (here 1)"] == list_differences(own, found | {"accelerate": "2"})
    assert ["numpy 2 (here missing)"] == list_differences(own, found | {"numpy": "2"})


@pytest.mark.parametrize(
    ("function", "item", "expected"),
    [
        (run_out_at_three, 3, ": out of memory; run it again"),
        (run_out_of_gpu, 0, ": out of memory; run it again"),
        (lose_gpu, 0, ": CUDA error: unspecified launch failure; look at its GPUs and their network"),
        (fail, errno.EIO, ": out.bin: Input/output error; look at its disk,"),
        (fail, errno.ESTALE, ": out.bin: Stale file handle; look at its disk,"),
        (die, 0, "this: expected 2 processes, came one that died"),
    ],
)
def test_what_another_try_may_do_better_is_no_bug(
    function: Callable[[int], Any], item: int, expected: str
) -> None:
    outcome = run_item(function, item, ALONE, [])
    assert (None, None) == (outcome.value, outcome.refused)
    assert expected in str(outcome.lost)


def test_what_is_refused_comes_back_as_it_is_and_what_is_wrong_is_raised() -> None:
    outcome = run_item(refuse_three, 3, ALONE, [])
    assert isinstance(outcome.refused, BadInput)
    assert not isinstance(outcome.refused, Diverged)
    with pytest.raises(TypeError):
        run_item(double, None, ALONE, [])


def test_a_full_disk_is_said_in_one_line_and_what_is_a_bug_is_raised() -> None:
    outcome = run_item(fail, errno.ENOSPC, ALONE, [])
    assert "out.bin: can't be written (No space left on device); make room there" in str(outcome.refused)
    # Of a folder that all share no node has more; but another may write where this one may not.
    shared, denied = (
        run_item(fail, number, Place(Path.cwd(), None), []).refused for number in (errno.ENOSPC, errno.EACCES)
    )
    assert [True, False, True] == [isinstance(own, Unfit) for own in (outcome.refused, shared, denied)]
    assert "out.bin: Permission denied; let the user that runs this use it" in str(denied)
    with pytest.raises(FileNotFoundError):
        run_item(fail, errno.ENOENT, ALONE, [])


def test_a_function_sees_no_gpu_but_those_it_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert "3" == run_item(os.environ.get, "CUDA_VISIBLE_DEVICES", Place(None, None, hidden=False), []).value
    assert not run_item(os.environ.get, "CUDA_VISIBLE_DEVICES", ALONE, []).value


def _take(outcome: Outcome) -> list[Any]:
    """Of items without files."""
    return [accept(result, "", no_files) for result in outcome.value]


def test_batch_after_batch_is_read_from_its_own_folder() -> None:
    work = partial(work_on, pack_work(read_sent, no_files, LIMITS, "", 1))
    for text in ("first", "second"):
        content = np.frombuffer(text.encode(), np.uint8)
        assert [text] == _take(run_item(work, ["set/a.txt"], ALONE, ["set/a.txt"], content))


def test_what_an_item_of_a_batch_fails_by_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    work = partial(work_on, pack_work(partial(read_as, "utf-8"), no_files, LIMITS, "", 2))
    outcome = run_item(work, ["a.txt", "none.txt", "a.txt"], Place(tmp_path, None), [])
    assert ["text", Failure("can't be decoded (FileNotFoundError)"), "text"] == _take(outcome)


def _work_there(work: Work, folder: Path, *paths: Path) -> subprocess.CompletedProcess[bytes]:
    """In a folder, in a process that has imported nothing: what comes of a.txt, and which modules it has."""
    code = (
        "import pickle, sys; from brainmri.isolated_batches import accept, work_on;"
        "(result,) = work_on(pickle.loads(sys.stdin.buffer.read()), ['a.txt']);"
        "print({'reader', 'argument'} & set(sys.modules), accept(result, 'a.txt', None))"
    )
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, [ROOT, ROOT / "src", *paths]))}
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, input=pickle.dumps(work), cwd=folder, env=variables, capture_output=True, check=False
    )


def test_what_reads_files_is_imported_where_they_are_read_before_memory_is_limited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = "import resource\n\nLIMIT = resource.getrlimit(resource.RLIMIT_AS)[0]\n\n"
    (tmp_path / "argument.py").write_text(limit + "class Rule:\n    limit = LIMIT\n")
    (tmp_path / "reader.py").write_text(limit + "def read(rule, name):\n    return LIMIT, rule.limit\n")
    monkeypatch.syspath_prepend(tmp_path)
    rule = import_module("argument").Rule()
    work = pack_work(partial(import_module("reader").read, rule), no_files, LIMITS, "", 1)
    for name in ("reader", "argument"):
        monkeypatch.delitem(sys.modules, name)
    done = _work_there(work, tmp_path, tmp_path)
    own = resource.getrlimit(resource.RLIMIT_AS)[0]
    assert (f"set() ({own}, {own})\n", 0) == (done.stdout.decode(), done.returncode), done.stderr
    (tmp_path / "reader.py").unlink()
    shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
    done = _work_there(work, tmp_path, tmp_path)
    assert done.stderr.endswith(b"ModuleNotFoundError: No module named 'reader'\n")


def test_a_scan_that_one_node_alone_does_not_see_ends_the_run_and_is_not_rejected(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    work = partial(work_on, pack_work(partial(read_as, "utf-8"), list_checked, LIMITS, "", 2))
    text, unseen = run_item(work, ["a.txt", "b.txt"], Place(tmp_path, None), []).value
    there = partial(list_checked, folder=tmp_path)
    assert "text" == accept(text, "a.txt", there)
    # Gone from here too by now: as where it is read.
    assert Failure("can't be read (No such file or directory)") == accept(unseen, "b.txt", there)
    (tmp_path / "b.txt").write_text("text")
    with pytest.raises(
        BadInput, match=r"b.txt: expected node .+ to read it as this machine does, came: can't"
    ):
        accept(unseen, "b.txt", there)


def test_a_scan_that_waits_is_no_late_one_and_a_server_that_gives_nothing_ends_in_a_line() -> None:
    for seconds, wait in ((2.0, 3.0), (0.5, 60.0)):
        work = partial(work_on, pack_work(sleep, no_files, Limits(500, seconds, patient=True), "", 1))
        outcome = run_item(work, [wait], ALONE, [])
        if wait < 10 * seconds:
            assert [wait] == _take(outcome)
        else:
            expected = "60.0: not read in 5 seconds, ten times prepare.max_seconds, by its file system or for"
            assert expected in str(outcome.lost)


def test_a_node_keeps_one_process_for_what_it_reads_last() -> None:
    processes = []
    for function in (tell_process, tell_process, double):
        work = partial(work_on, pack_work(function, no_files, LIMITS, "", 1))
        processes += _take(run_item(work, [1], ALONE, []))
    assert processes[0] == processes[1]
    assert not psutil.pid_exists(processes[0])


def test_a_scan_whose_file_system_fails_on_a_node_is_tried_again() -> None:
    work = partial(work_on, pack_work(fail, no_files, LIMITS, "", 1))
    said = run_item(work, [errno.ESTALE], ALONE, []).lost
    assert (
        "can't be decoded (OSError), by its file system or for want of time or memory; look at these"
        in str(said)
    )
    (outcome,) = run_item(work, [errno.ENOENT], ALONE, []).value
    assert Failure("can't be decoded (FileNotFoundError)") == outcome


def test_a_scan_at_which_a_node_has_no_memory_left_is_tried_again() -> None:
    work = partial(work_on, pack_work(kill_itself, no_files, LIMITS, "", 1))
    said = run_item(work, [0], ALONE, []).lost
    assert (
        "its decoder crashed (exit code -9), by its file system or for want of time or memory; look"
        in str(said)
    )


def test_what_waits_for_nodes_that_are_all_gone_is_sent_to_any(monkeypatch: pytest.MonkeyPatch) -> None:
    cancelled: list[object] = []
    monkeypatch.setattr("brainmri.cluster_queue.ray.cancel", cancelled.append)
    monkeypatch.setattr("brainmri.cluster_queue.ray.wait", lambda asked, **_: ([], asked))
    sent: list[tuple[str, list[str]]] = []
    others = ["second"]

    def send(item: str, avoided: Collection[str]) -> Any:
        sent.append((item, sorted(avoided)))
        return object()

    def elsewhere(avoided: Collection[str]) -> bool:
        return bool(set(others) - set(avoided))

    tasks = Tasks(send, elsewhere, lambda: None, str, lambda *_: None, patient=True)
    tasks.start(Sent(0, "a", tries=1, avoided={"first"}))
    tasks.start(Sent(1, "b"))
    tasks._give_up_avoiding()
    assert ([("a", ["first"]), ("b", [])], []) == (sent, cancelled)
    (waiting, _), others = tasks.running, []
    tasks._give_up_avoiding()
    assert ([("a", [])], [waiting]) == (sent[2:], cancelled)
    assert [1, 2] == sorted(own.tries for own in tasks.running.values())
    tasks._give_up_avoiding()
    assert 3 == len(sent)


class Ending:
    """Items of which the first is done last, once all others are."""

    def __init__(self) -> None:
        self.running: list[int] = []

    def __len__(self) -> int:
        return len(self.running)

    def start(self, sent: Sent) -> None:
        """Notes it."""
        self.running.append(sent.place)

    def wait(self) -> Iterator[tuple[int, Outcome]]:
        """The second of those under way, else the first."""
        yield self.running.pop(min(1, len(self.running) - 1)), Outcome()


@pytest.mark.parametrize("in_order", [True, False])
def test_what_nobody_waits_for_in_order_holds_back_no_other(*, in_order: bool) -> None:
    tasks: Any = Ending()
    told = [place for place, _ in run_all(tasks, iter(range(40)), lambda: 2, in_order=in_order)]
    assert sorted(told) == list(range(40))
    # Eight are started for the two that may be under way, from the first that is not done.
    assert told.index(0) == (7 if in_order else 39)


def test_the_node_of_an_error_is_read_from_its_note_if_it_has_one() -> None:
    noted = RuntimeError("CUDA error")
    noted.add_note("on node abc")
    errors = [RayTaskError("f", "", cause) for cause in (noted, RuntimeError("no note"), None)]
    assert ["abc", "", ""] == [find_node(error) for error in errors]
    assert not getattr(noted, "__notes__", None)


def test_a_node_says_which_versions_it_has() -> None:
    found = describe_node(["numpy", "no-such-package"])
    assert found.keys() == {"python", "numpy"}
    assert found["numpy"] == np.__version__
