"""What strangers send: too much, too slowly, broken, or meant to harm. The server stays up."""

import contextlib
import gzip
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import nibabel
import numpy as np
import pytest
from PIL import Image

from tests.scans.bombs import deflated, nest, nifti_header
from tests.scans.mutations import mutate
from tests.scans.samples import HEAD, dicom, save_dicom
from tests.serving.conftest import SERVE, Trained
from tests.serving.web.running import Server, write_limits
from tests.serving.web.test_api import packed, png, problem

MEGABYTE = 1_000_000


def assert_up(server: Server) -> None:
    assert server.process.poll() is None
    assert 200 == server.ask(("head.png", png())).status_code
    assert not list(server.temporary.glob("brainmri-*/*"))


def test_files_are_gone_after_the_answer(server: Server) -> None:
    server.ask(("head.png", png()), ("all.zip", packed(a=png(), b=b"x")))
    server.ask(("notes.txt", b"x"))
    assert_up(server)


def _endless(megabytes: int) -> Iterator[bytes]:
    yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
    for _ in range(megabytes):
        yield bytes(MEGABYTE)


@pytest.mark.parametrize("declared", [True, False])
def test_a_gigabyte_is_refused_in_words(server: Server, declared: bool) -> None:
    before = server.megabytes()
    headers = {"content-type": "multipart/form-data; boundary=x"}
    if declared:
        headers["content-length"] = str(sum(len(piece) for piece in _endless(1000)))
    response = httpx.post(f"{server.url}/api/v1/predict", content=_endless(1000), headers=headers, timeout=60)
    assert (413, "too_large") == problem(response)
    assert server.megabytes() < before + 200
    assert_up(server)


def test_a_zip_bomb_is_refused(server: Server) -> None:
    buffer = io.BytesIO()
    packer = zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED)
    with packer as archive, archive.open("zeros", "w") as file:
        for _ in range(2000):
            file.write(bytes(MEGABYTE))
    before, began = server.megabytes(), time.monotonic()
    most = _Most(server.temporary)
    refused = server.ask(*((f"{number}.zip", buffer.getvalue()) for number in range(8)))
    assert (422, "nothing_readable") == problem(refused)
    reasons = {item["reason"] for item in refused.json()["rejected"]}
    assert {"expected no more in zip files than is left of the request's room, came more"} == reasons
    assert time.monotonic() - began < 30
    assert most.end() < (SERVE.max_unpacked_megabytes + SERVE.max_upload_megabytes) * MEGABYTE
    assert server.megabytes() < before + 200
    assert_up(server)


class _Most(threading.Thread):
    """Watches how many bytes lie below a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder, self._ended, self._most = folder, threading.Event(), 0
        self.start()

    def run(self) -> None:
        while not self._ended.wait(0.01):
            sizes = []
            # Folders and files are gone while it looks.
            with contextlib.suppress(OSError):
                for path in self._folder.rglob("*"):
                    with contextlib.suppress(OSError):
                        sizes.append(path.stat().st_size)
            self._most = max(self._most, sum(sizes))

    def end(self) -> int:
        """The most there were at once; more than none."""
        self._ended.set()
        self.join()
        assert self._most > MEGABYTE
        return self._most


def test_zip_files_that_are_locked_empty_crowded_or_broken_are_refused(server: Server) -> None:
    crowd = packed(**{f"{number}.png": b"" for number in range(SERVE.max_files + 1)})
    locked = bytearray(packed(a=png()))
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):
        place = locked.index(mark) + (6 if mark == b"PK\x03\x04" else 8)
        locked[place] |= 1
    cut = packed(a=png())[:-30]
    nested = packed(**{"inner.zip": packed(a=png())})
    names = {"crowd": crowd, "locked": bytes(locked), "empty": packed(), "cut": cut, "nested": nested}
    response = server.ask(*((f"{name}.zip", content) for name, content in names.items()))
    assert (422, "nothing_readable") == problem(response)
    reasons = {item["scan"].partition(".")[0]: item["reason"] for item in response.json()["rejected"]}
    assert set(names) == set(reasons)
    assert "expected at most 200 more files in this request, came 201 in a zip file" == reasons["crowd"]
    assert "encrypted" in reasons["locked"]
    assert "expected files in a zip file, came none" == reasons["empty"]
    assert "can't be decoded (BadZipFile)" == reasons["cut"]
    assert_up(server)


def test_bombs_are_rejected_and_memory_stays(server: Server, tmp_path: Path) -> None:
    deflated(tmp_path / "deflated.dcm", 512)
    nested = save_dicom(tmp_path / "nested.dcm", dicom(HEAD))
    nested.write_bytes(nested.read_bytes() + nest(500))
    (tmp_path / "huge.nii").write_bytes(nifti_header((30_000, 30_000, 3_000)))
    with gzip.open(tmp_path / "zeros.nii.gz", "wb", 1) as file:
        file.write(nifti_header((1000, 1000, 600)))
        for _ in range(600):
            file.write(bytes(MEGABYTE))
    for side in (8_000, 16_000):
        Image.new("1", (side, side)).save(tmp_path / f"{side}.png")
    before = server.megabytes()
    response = server.ask(*((path.name, path.read_bytes()) for path in tmp_path.iterdir()))
    assert response.status_code in (200, 422)
    rejected = {item["scan"] for item in response.json()["rejected"]}
    assert {"deflated.dcm", "huge.nii", "zeros.nii.gz", "8000.png", "16000.png"} <= rejected
    assert server.megabytes() < before + 200
    assert_up(server)


def slow() -> bytes:
    """A volume that lies askew: to resample it takes a decoder many seconds."""
    turn = np.eye(4)
    turn[:2, :2] = [[0.9, -0.436], [0.436, 0.9]]
    values = np.arange(400 * 400 * 300, dtype=np.uint32).astype(np.uint8).reshape(400, 400, 300)
    return gzip.compress(nibabel.Nifti1Image(values, turn).to_bytes(), 1)


def _head(server: Server, length: int) -> bytes:
    return (
        f"POST /api/v1/predict HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: {length}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
    ).encode()


def test_a_request_that_ends_early_harms_nobody(server: Server) -> None:
    for _ in range(SERVE.waiting + 2):
        with socket.create_connection(("127.0.0.1", server.port)) as half:
            half.sendall(_head(server, 100_000))
    time.sleep(0.5)
    assert 0 == httpx.get(f"{server.url}/health").json()["waiting"]
    assert_up(server)


@pytest.fixture
def hasty(trained: Trained, tmp_path: Path) -> Iterator[Server]:
    """A server that waits two seconds for files, lets one request in, and asks for a token."""
    shutil.copytree(trained.onnx, tmp_path / "model")
    write_limits(tmp_path / "model", SERVE.model_copy(update={"receive_seconds": 2.0, "waiting": 1}))
    started = Server.start(tmp_path / "model", tmp_path, {"BRAINMRI_TOKEN": "sixteen letters!"})
    yield started
    started.stop()


def test_slow_clients_queues_and_tokens(hasty: Server) -> None:
    place, bearer = f"{hasty.url}/api/v1/predict", {"authorization": "Bearer sixteen letters!"}
    files = {"files": ("head.png", png())}
    assert (401, "token_needed") == problem(httpx.post(place, files=files))
    wrong = {"authorization": "Bearer sixteen letters?"}
    assert (401, "token_needed") == problem(httpx.post(place, files=files, headers=wrong))
    assert (401, "token_needed") == problem(httpx.get(f"{hasty.url}/metrics"))
    assert 200 == httpx.get(f"{hasty.url}/").status_code
    about = httpx.get(f"{hasty.url}/api/v1/about").json()
    assert (None, True, False) == (about["model"], about["token_needed"], about["heat_maps"])
    assert 200 == httpx.post(place, files=files, headers=bearer).status_code
    head = _head(hasty, 100_000).replace(
        b"\r\n\r\n", b"\r\nAuthorization: Bearer sixteen letters!\r\n\r\n", 1
    )
    with socket.create_connection(("127.0.0.1", hasty.port)) as slow:
        slow.sendall(head)
        time.sleep(0.5)
        busy = httpx.post(place, files=files, headers=bearer)
        assert (503, "busy", "2") == (*problem(busy), busy.headers["retry-after"])
        answer = b"".join(iter(lambda: slow.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"too_slow"' in answer
    assert 200 == httpx.post(place, files=files, headers=bearer).status_code


def test_decoders_that_are_killed_while_they_wait_are_replaced(server: Server) -> None:
    assert_up(server)
    for pid in server.workers():
        os.kill(pid, signal.SIGKILL)
    for _ in range(3):
        assert_up(server)


def test_decoders_that_are_killed_at_work_cost_a_scan_and_no_more(server: Server) -> None:
    """While they work on volumes, one after the other is killed."""
    assert_up(server)
    volume = gzip.compress(nifti_header((200, 200, 200)) + bytes(range(256)) * 31250, 1)
    answered: list[int] = []

    def ask() -> None:
        answered.append(server.ask(*((f"{number}.nii.gz", volume) for number in range(6))).status_code)

    client = threading.Thread(target=ask)
    client.start()
    for _ in range(4):
        time.sleep(0.15)
        for pid in server.workers()[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    client.join()
    assert answered[0] in (200, 422)
    assert_up(server)


@pytest.mark.parametrize(
    ("number", "busy"),
    [
        (signal.SIGINT, True),
        (signal.SIGTERM, True),
        (signal.SIGTERM, False),
        pytest.param(signal.SIGINT, False, marks=pytest.mark.long),
    ],
)
def test_a_server_that_is_ended_leaves_nothing(
    trained: Trained, tmp_path: Path, number: signal.Signals, busy: bool
) -> None:
    shutil.copytree(trained.onnx, tmp_path / "model")
    write_limits(tmp_path / "model", SERVE)
    started = Server.start(tmp_path / "model", tmp_path)
    assert_up(started)
    workers = started.workers()
    statuses: list[object] = []

    def ask() -> None:
        try:
            statuses.append(started.ask(("slow.nii.gz", slow())).status_code)
        except httpx.HTTPError as error:
            statuses.append(type(error))

    client = threading.Thread(target=ask)
    if busy:
        client.start()
        ends = time.monotonic() + 20
        while httpx.get(f"{started.url}/health").json()["waiting"] < 1 and time.monotonic() < ends:
            time.sleep(0.05)
        time.sleep(0.5)  # by then it is being decoded
        assert 1 == httpx.get(f"{started.url}/health").json()["waiting"]
    began = time.monotonic()
    assert 0 == started.stop(number)
    assert time.monotonic() - began < 12
    if busy:
        client.join()
        assert 200 not in statuses
    assert 1 == started.said.count("\n"), started.said
    assert not list(started.temporary.glob("brainmri-*"))
    assert not [pid for pid in workers if Path(f"/proc/{pid}/cmdline").exists()]


def test_answers_have_their_time_whatever_comes(trained: Trained, tmp_path: Path) -> None:
    shutil.copytree(trained.onnx, tmp_path / "model")
    write_limits(tmp_path / "model", SERVE.model_copy(update={"answer_seconds": 4.0}))
    started = Server.start(tmp_path / "model", tmp_path)
    assert_up(started)
    content = slow()
    began = time.monotonic()
    late = started.ask(*((f"{number}.nii.gz", content) for number in range(5)))
    assert (503, "too_slow") == problem(late)
    assert "retry-after" not in late.headers
    assert time.monotonic() - began < 9
    assert_up(started)
    started.stop()


def test_nobody_works_for_a_client_that_has_left(server: Server) -> None:
    assert_up(server)
    files = {"files": ("slow.nii.gz", slow())}
    with pytest.raises(httpx.TimeoutException):
        httpx.post(f"{server.url}/api/v1/predict", files=files, timeout=3)
    ends = time.monotonic() + 3
    while httpx.get(f"{server.url}/health").json()["waiting"] and time.monotonic() < ends:
        time.sleep(0.1)
    assert 0 == httpx.get(f"{server.url}/health").json()["waiting"]
    assert_up(server)


@pytest.mark.long
def test_silent_connections_are_closed(server: Server) -> None:
    silent = [socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(150)]
    assert_up(server)
    for connection in silent:
        with connection:
            assert b"" == connection.recv(1)
    assert_up(server)


def test_nothing_of_a_scan_is_logged(server: Server, tmp_path: Path) -> None:
    header = dicom(HEAD, PatientName="Roe^Jane", PatientBirthDate="19700101")
    header.PatientID = "MRN-SECRET"
    content = save_dicom(tmp_path / "x", header).read_bytes()
    server.ask(("roe-jane-file.dcm", content), ("roe-jane-cut.dcm", content[:600]))
    broken = {"content-type": "multipart/form-data; boundary=x"}
    httpx.post(f"{server.url}/api/v1/predict", content=b"--x\r\nRoe: Jane\r\n--Roe", headers=broken)
    httpx.get(f"{server.url}/roe-jane-path")
    assert not [word for word in ("Roe", "roe", "MRN", "1970", "boundary") if word in server.said]


def test_a_port_that_is_taken_and_folders_of_no_or_half_a_model_end_in_one_line(
    server: Server, trained: Trained, tmp_path: Path
) -> None:
    shutil.copytree(trained.onnx, tmp_path / "model")
    write_limits(tmp_path / "model")
    command = [sys.executable, "-m", "brainmri", "serve", "--port", str(server.port), "--model"]
    shutil.copytree(trained.model, tmp_path / "outlines")
    write_limits(tmp_path / "outlines", SERVE)
    (tmp_path / "outlines" / "segmenter").mkdir()
    (tmp_path / "outlines" / "segmenter" / "model.json").write_text("{}")
    cases = {
        "model": "can't listen there",
        "gone": "expected a model folder",
        "outlines": "segmenter/model.json: ",
    }
    for model, said in cases.items():
        ended = subprocess.run(
            [*command, model], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        assert (2, 1, "") == (ended.returncode, ended.stderr.count("\n"), ended.stdout)
        assert said in ended.stderr


def _send_mutated(server: Server, seeds: range) -> set[int]:
    files = [mutate(seed) for seed in seeds]
    return {server.ask(*((f"{k}-{name}", content) for k, (name, content) in enumerate(files))).status_code}


def test_broken_files_are_answered_or_rejected(server: Server) -> None:
    assert _send_mutated(server, range(100)) <= {200, 422}
    assert_up(server)


@pytest.mark.long
def test_ten_thousand_broken_files_leave_the_server_up_and_its_memory_bounded(server: Server) -> None:
    statuses = _send_mutated(server, range(200))
    before = server.megabytes()
    for start in range(200, 10_000, 200):
        statuses |= _send_mutated(server, range(start, start + 200))
    assert statuses <= {200, 422}
    assert server.megabytes() < 1.1 * before + 100
    assert_up(server)


@pytest.mark.long
def test_thirty_clients_for_a_minute_get_answers_or_are_told_to_wait(server: Server) -> None:
    ends, statuses = time.monotonic() + 60, []

    def ask() -> None:
        while time.monotonic() < ends:
            response = server.ask(("head.png", png()))
            statuses.append(response.status_code)
            if response.status_code == 503:
                time.sleep(0.2)

    clients = [threading.Thread(target=ask) for _ in range(30)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert set(statuses) <= {200, 503}
    assert statuses.count(200) > 60
    assert_up(server)
