"""A file that eats memory, hangs or kills its reader costs that file only."""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from brainmri import compute
from brainmri.confinement import Failure, Limits
from brainmri.deadline import NEVER, Deadline, TooLate
from brainmri.errors import BadInput
from brainmri.isolation import _list_files, map_isolated
from brainmri.workers import Workers, staying_context

LIMITS = Limits(megabytes=300, seconds=2)


def _misbehave(kind: str) -> str | int:
    match kind:
        case "hang":
            time.sleep(60)
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "eat":
            return int(np.ones(10**9, np.uint8)[-1])
        case "refuse":
            raise BadInput("expected this, came that")
        case "raise":
            raise ValueError("two\nlines \x00")
        case "recurse":
            return _misbehave(kind)
        case "print":
            os.write(2, b"noise\n")
    return kind


def _take_time(kind: str) -> str:
    begin = time.process_time()
    while kind == "loop" or (kind == "busy" and time.process_time() < begin + 0.3):
        pass
    time.sleep(1 if kind == "wait" else 0)
    return kind


def _double(number: int) -> int:
    return 2 * number


def test_each_kind_of_failure_has_its_reason_and_the_rest_goes_on() -> None:
    kinds = ["fine", "hang", "crash", "eat", "refuse", "raise", "recurse", "fine"]
    fine, hung, crashed, ate, refused, raised, recursed, last = map_isolated(
        _misbehave, kinds, LIMITS, "test"
    )
    assert ("fine", "fine") == (fine, last)
    assert Failure("not read after 2 seconds (prepare.max_seconds)") == hung
    assert Failure(f"its decoder crashed (exit code {-signal.SIGSEGV})") == crashed
    assert Failure("needs more than 300 megabytes of memory (prepare.max_memory_megabytes)") == ate
    assert Failure("expected this, came that") == refused
    assert Failure("can't be decoded (ValueError)") == raised
    assert isinstance(recursed, Failure)
    assert "RecursionError" in recursed.reason


def test_of_items_sent_together_one_that_hangs_or_crashes_costs_itself_only() -> None:
    kinds = ["fine"] * 40
    kinds[3], kinds[17], kinds[20] = "crash", "hang", "refuse"
    found = list(map_isolated(_misbehave, kinds, LIMITS, "test", together=8))
    assert {3, 17, 20} == {number for number, result in enumerate(found) if result != "fine"}
    assert Failure(f"its decoder crashed (exit code {-signal.SIGSEGV})") == found[3]
    assert Failure("not read after 2 seconds (prepare.max_seconds)") == found[17]
    assert Failure("expected this, came that") == found[20]


def test_beside_another_thread_workers_start_from_a_process_without_one() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert [2 * number for number in range(20)] == list(map_isolated(_double, range(20), LIMITS, "test"))
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("depth", [71, 72, 150])
def test_workers_start_however_deep_temporary_files_lie(depth: int) -> None:
    program = """
from operator import neg
from brainmri.confinement import Limits
from brainmri.deadline import NEVER
from brainmri.workers import Workers, staying_context
if __name__ == "__main__":
    print(list(Workers(Limits(300, 20), [neg], staying_context(), 1).until(NEVER)(neg, [1, 2], "")))
"""
    with tempfile.TemporaryDirectory() as root:
        folder = root + "/" + "d" * (depth - len(root) - 1)
        Path(folder).mkdir()
        (script := Path(root) / "script.py").write_text(program)
        command = [sys.executable, str(script)]
        done = subprocess.run(
            command, env=os.environ | {"TMPDIR": folder}, capture_output=True, text=True, check=False
        )
    assert "[-1, -2]\n" == done.stdout, done.stderr


@pytest.mark.parametrize("together", [1, 7])
@pytest.mark.parametrize("cores", [1, 3])
def test_results_come_in_the_order_of_the_items_on_any_number_of_cores(
    cores: int, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("brainmri.compute.available_cores", lambda: cores)
    found = map_isolated(_double, range(200), LIMITS, "test", together)
    assert [2 * number for number in range(200)] == list(found)


@pytest.mark.parametrize(("gigabytes", "workers"), [(0.2, 1), (1, 3), (100, 8)])
def test_all_workers_limits_together_stay_below_the_machine_s_memory(
    gigabytes: float, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def remember(count: int, **_: object) -> None:
        asked.append(count)
        raise BadInput("enough")

    pages = {"SC_PHYS_PAGES": int(gigabytes * 10**9) // 4096, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr("brainmri.compute.available_cores", lambda: 8)
    monkeypatch.setattr("brainmri.workers.os.sysconf", pages.__getitem__)
    monkeypatch.setattr("brainmri.workers.ProcessPool", remember)
    with pytest.raises(BadInput, match="enough"):
        list(map_isolated(_double, range(100), LIMITS, "test"))
    assert [workers] == asked


def test_what_waits_for_a_disk_takes_no_seconds_of_the_processor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits = Limits(300, 0.5, patient=True)
    # Two are sent together, and have more than that between them.
    kinds = ["busy"] * 14 + ["wait", "loop"]
    monkeypatch.setattr(compute, "available_cores", lambda: 2)
    found = list(map_isolated(_take_time, kinds, limits, "test", together=2))
    late = Failure("not read after 0.5 seconds (prepare.max_seconds)")
    assert found == [*kinds[:15], late]


def test_nothing_gives_nothing() -> None:
    assert [] == list(map_isolated(_double, [], LIMITS, "test"))


def test_a_worker_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    assert ["print"] == list(map_isolated(_misbehave, ["print"], LIMITS, "test"))
    assert "" == capfd.readouterr().err


def test_leaving_early_ends_the_workers(tmp_path: Path) -> None:
    before = set(multiprocessing.active_children())
    results = map_isolated(_double, range(1000), LIMITS, "test")
    assert 0 == next(results)
    assert set(multiprocessing.active_children()) - before
    results.close()  # type: ignore[attr-defined]
    assert not set(multiprocessing.active_children()) - before


def test_workers_that_all_die_while_they_wait_are_replaced() -> None:
    before = _grandchildren()
    workers = Workers(LIMITS, [_double], staying_context(), 2)
    isolate = workers.until(NEVER)
    assert [2, 4] == list(isolate(_double, [1, 2], "test"))
    for pid in _grandchildren() - before:
        os.kill(pid, signal.SIGKILL)
    for _ in range(3):
        assert [2, 4] == list(isolate(_double, [1, 2], "test"))
    workers.close()
    assert before == _grandchildren()


def test_a_deadline_ends_the_waiting_and_the_work() -> None:
    before = _grandchildren()
    workers = Workers(Limits(300, 60), [_misbehave], staying_context(), 2)
    began = time.monotonic()
    with pytest.raises(TooLate):
        list(workers.until(Deadline.after(1))(_misbehave, ["hang"] * 20, "test"))
    assert time.monotonic() - began < 5
    gone = Deadline.after(60)
    threading.Timer(0.5, gone.end).start()
    with pytest.raises(TooLate):
        list(workers.until(gone)(_misbehave, ["hang"] * 20, "test"))
    assert ["print"] == list(workers.until(NEVER)(_misbehave, ["print"], "test"))
    assert time.monotonic() - began < 15
    workers.stop()
    assert before == _grandchildren()


def test_workers_that_are_started_are_all_there() -> None:
    before = _grandchildren()
    workers = Workers(LIMITS, [_double], staying_context(), 2)
    workers.start()
    assert min(2, compute.available_cores()) == len(_grandchildren() - before)
    workers.stop()


def test_workers_that_are_stopped_stay_so() -> None:
    workers = Workers(Limits(300, 60), [_misbehave], staying_context(), 2)
    threading.Timer(1.0, workers.stop).start()
    with pytest.raises(TooLate):
        list(workers.until(NEVER)(_misbehave, ["hang"] * 3, "test"))
    with pytest.raises(TooLate):
        list(workers.until(NEVER)(_misbehave, ["print"], "test"))


def _grandchildren() -> set[int]:
    return {below for child in _children(os.getpid()) for below in _children(child)}


def _children(pid: int) -> list[int]:
    try:
        return [child.pid for child in psutil.Process(pid).children()]
    except psutil.NoSuchProcess:
        return []


def test_an_item_whose_files_are_refused_by_now_sends_none(tmp_path: Path) -> None:
    def files(item: int) -> list[Path]:
        if item == 1:
            raise BadInput("1: expected a file, came none; look for it")
        return [tmp_path / str(item)]

    assert [tmp_path / "0", tmp_path / "2"] == list(_list_files(files, [0, 1, 2]))


def test_workers_answer_several_threads() -> None:
    workers = Workers(LIMITS, [_double], staying_context(), 2)

    def ask(number: int) -> list[object]:
        return list(workers.until(NEVER)(_double, [number, number + 1], "test"))

    with ThreadPoolExecutor(8) as threads:
        assert [[2 * n, 2 * n + 2] for n in range(40)] == list(threads.map(ask, range(40)))
    workers.stop()
