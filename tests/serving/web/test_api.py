"""What the API answers, and how it refuses."""

import base64
import io
import json
import zipfile
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from pydicom.uid import UID

from brainmri.serving.answers import NOT_FOR_DIAGNOSIS, ZERO_SHOT
from brainmri.serving.judging import Predictor
from brainmri.serving.model import read_model
from brainmri.serving.predict import predict_scans
from brainmri.serving.runtimes import Runtime
from brainmri.serving.tables import to_csv
from brainmri.serving.web.api import Served
from brainmri.serving.web.guard import HEADERS
from tests.pictures import draw_head
from tests.scans.samples import dicom, save_dicom, save_nifti
from tests.serving.conftest import LIMITS, SERVE, Trained
from tests.serving.web.running import Server, show

HEADS = np.stack([draw_head(number, tumor=number > 6) for number in range(10)])


def png(number: int = 1, *, tumor: bool = True) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(draw_head(number, tumor=tumor)).save(buffer, "png")
    return buffer.getvalue()


def packed(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def series(folder: Path, **header: object) -> dict[str, bytes]:
    """A DICOM series of the heads, whose files are named in another order than they lie."""
    files = {}
    for number, pixels in enumerate(HEADS):
        found = dicom(pixels, ImagePositionPatient=[0, 0, 5.0 * number], **header)
        found.SOPInstanceUID = UID(f"1.2.3.{number}")
        found.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        path = save_dicom(folder / f"{9 - number}.dcm", found)
        files[path.name] = path.read_bytes()
    return files


def problem(response: httpx.Response) -> tuple[int, str]:
    content = response.json()
    assert {"code", "message", "rejected"} == set(content)
    assert content["message"].isprintable()
    return response.status_code, content["code"]


def test_answers_are_those_of_predict(server: Server, trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "head.png").write_bytes(png())
    volume = save_nifti(tmp_path / "volume.nii.gz", HEADS)
    predictor = Predictor(read_model(trained.model), Runtime.TORCH)
    expected = predict_scans([tmp_path], predictor, LIMITS)
    response = server.ask(("head.png", png()), ("volume.nii.gz", volume.read_bytes()))
    assert 200 == response.status_code
    found = Served.model_validate_json(response.text)
    assert [Path(scan.scan).name for scan in expected.scans] == [scan.scan for scan in found.scans]
    for one, other in zip(expected.scans, found.scans, strict=True):
        assert one.probability_max == pytest.approx(other.probability_max, abs=1e-6)
        assert [piece.slice for piece in one.slices] == [piece.slice for piece in other.slices]
        assert [piece.novelty for piece in one.slices] == pytest.approx(
            [piece.novelty for piece in other.slices], rel=1e-3
        )
    assert (NOT_FOR_DIAGNOSIS, (), None) == (found.notice, found.views, found.csv)


def test_views_are_the_scan_its_heat_and_the_sides_that_its_file_knows(
    server: Server, tmp_path: Path
) -> None:
    volume = save_nifti(tmp_path / "volume.nii.gz", HEADS)
    files = ("head.png", png()), ("volume.nii.gz", volume.read_bytes())
    found = Served.model_validate_json(server.ask(*files, views=True).text)
    assert [0, 1] == [view.place for view in found.views]
    picture, stack = (view.slices for view in found.views)
    assert [piece.slice for piece in found.scans[1].slices] == [piece.slice for piece in stack]
    assert picture[0].edges is None
    assert ("R", "L", "A", "P") == tuple(vars(stack[0].edges).values())
    pixels = np.frombuffer(base64.b64decode(picture[0].pixels), np.uint8).reshape(64, 64)
    # The same picture by another scale of gray.
    assert np.corrcoef(pixels.ravel(), draw_head(1, tumor=True).ravel())[0, 1] > 0.99
    heat = np.frombuffer(base64.b64decode(str(picture[0].heat)), np.uint8).reshape(32, 32)
    assert (heat.max() > 0) == (picture[0].hottest is not None) or found.scans[0].decision == "no"
    assert 1 < len(np.unique(np.frombuffer(base64.b64decode(str(stack[0].heat)), np.uint8)))
    assert picture[0].outline is None
    assert len(found.scans) == len(found.readings)
    assert to_csv(found) == found.csv


def test_a_zipped_series_is_one_scan_in_the_order_of_its_positions(server: Server, tmp_path: Path) -> None:
    files = series(tmp_path)
    zipped = server.ask(("all.zip", packed(**files)), views=True)
    plain = server.ask(*files.items(), views=True)
    first, second = (Served.model_validate_json(each.text) for each in (zipped, plain))
    assert ["all.zip/0.dcm"] == [scan.scan for scan in first.scans]
    assert ["0.dcm"] == [scan.scan for scan in second.scans]
    assert [piece.probability for piece in first.scans[0].slices] == pytest.approx(
        [piece.probability for piece in second.scans[0].slices]
    )
    assert first.views[0].slices[0].pixels == second.views[0].slices[0].pixels
    assert ("R", "L", "A", "P") == tuple(vars(first.views[0].slices[0].edges).values())
    assert "P0001" == first.scans[0].patient


def test_names_are_shown_and_never_used(server: Server) -> None:
    names = "../../../etc/passwd", "..\\..\\boot.ini", "/etc/head.png", "a\x1b[31m\u202eb.png", "n" * 500
    response = server.ask(*((name, png()) for name in names))
    shown = {scan["scan"] for scan in response.json()["scans"]}
    assert len(names) == len(response.json()["scans"])
    assert {"etc/passwd", "boot.ini", "etc/head.png", f"…{'n' * 200}"} <= shown
    assert not {"\x1b", "\u202e"} & set("".join(shown))
    inside = packed(**{"../../../evil.png": png(), "a/.hidden.png": png(), "__MACOSX/x.png": png()})
    (scan,) = server.ask(("x.zip", inside)).json()["scans"]
    assert "x.zip/evil.png" == scan["scan"]
    alike = packed(**{"first/1.png": png(1), "second/1.png": png(2)})
    found = [scan["scan"] for scan in server.ask(("x.zip", alike)).json()["scans"]]
    assert ["x.zip/first/1.png", "x.zip/second/1.png"] == found
    assert not list(server.temporary.rglob("*evil*"))


def test_what_can_t_be_read_is_named_and_the_rest_is_answered(server: Server) -> None:
    response = server.ask(("head.png", png()), ("notes.txt", b"no picture"), ("empty.png", b""))
    content = response.json()
    assert (200, ["head.png"]) == (response.status_code, [scan["scan"] for scan in content["scans"]])
    assert ["empty.png", "notes.txt"] == [item["scan"] for item in content["rejected"]]
    nothing = server.ask(("notes.txt", b"no picture"))
    assert (422, "nothing_readable") == problem(nothing)
    assert ["notes.txt"] == [item["scan"] for item in nothing.json()["rejected"]]


def test_requests_that_are_none_are_refused_in_one_shape(server: Server) -> None:
    place = f"{server.url}/api/v1/predict"
    assert (400, "bad_request") == problem(httpx.post(place))
    assert (400, "bad_request") == problem(httpx.post(place, json={"files": []}))
    assert (400, "bad_request") == problem(httpx.post(place, files={"scan": ("a.png", png())}))
    assert (400, "bad_request") == problem(httpx.post(place, data={"files": "text"}, files={"files": b""}))
    broken = {"content-type": "multipart/form-data; boundary=x"}
    assert (400, "bad_request") == problem(httpx.post(place, content=b"no lines", headers=broken))
    many = [("files", (f"{number}.png", b"x")) for number in range(SERVE.max_files + 1)]
    assert (400, "bad_request") == problem(httpx.post(place, files=many))
    assert (422, "bad_request") == problem(server.ask(("a.png", png()), views="perhaps"))
    assert (404, "not_found") == problem(httpx.get(f"{server.url}/api/v2"))
    assert (404, "not_found") == problem(httpx.get(f"{server.url}/static/..%2fapi.py"))
    assert (405, "wrong_method") == problem(httpx.get(place))


def test_other_hosts_and_other_sites_pages_are_refused(server: Server) -> None:
    """A page of another site could else send a person's browser here (DNS rebinding, forged requests)."""
    named = httpx.get(f"{server.url}/health", headers={"host": "evil.example:80"})
    assert (403, "not_allowed") == problem(named)
    foreign = httpx.post(
        f"{server.url}/api/v1/predict",
        files={"files": ("a.png", png())},
        headers={"sec-fetch-site": "cross-site"},
    )
    assert (403, "not_allowed") == problem(foreign)
    origin = {"origin": "http://evil.example"}
    older = httpx.post(f"{server.url}/api/v1/predict", files={"files": ("a.png", png())}, headers=origin)
    assert (403, "not_allowed") == problem(older)


@pytest.mark.parametrize("path", ["/", "/quality", "/static/page.js", "/health", "/api/v1/about", "/nowhere"])
def test_every_answer_carries_the_headers_of_the_house(server: Server, path: str) -> None:
    found = httpx.get(server.url + path).headers
    assert HEADERS == {name: found[name] for name in HEADERS}
    assert "server" not in found


def test_health_about_metrics_and_the_document(server: Server) -> None:
    server.ask(("head.png", png()))
    assert "ok" == httpx.get(f"{server.url}/health").json()["status"]
    about = httpx.get(f"{server.url}/api/v1/about").json()
    assert (True, False, SERVE.model_dump()) == (about["heat_maps"], about["outlines"], about["limits"])
    metrics = httpx.get(f"{server.url}/metrics").text
    assert 'brainmri_requests_total{status="200"}' in metrics
    assert "brainmri_answer_seconds_bucket" in metrics
    document = httpx.get(f"{server.url}/api/v1/openapi.json").json()
    responses = document["paths"]["/api/v1/predict"]["post"]["responses"]
    assert {"200", "400", "401", "403", "408", "413", "422", "500", "503"} == set(responses)
    assert "multipart/form-data" in json.dumps(document)


def test_a_model_that_has_seen_no_scan_of_a_person_is_told_by_about_and_health(
    server: Server, shipped_weights: Path
) -> None:
    trained = httpx.get(f"{server.url}/api/v1/about").json()
    assert (NOT_FOR_DIAGNOSIS, None) == (trained["notice"], trained["warning"])
    assert httpx.get(f"{server.url}/health").json()["zero_shot"] is False
    with show(read_model(shipped_weights / "resnet18")) as url:
        about = httpx.get(f"{url}/api/v1/about").json()
        assert (f"{NOT_FOR_DIAGNOSIS} {ZERO_SHOT}", ZERO_SHOT) == (about["notice"], about["warning"])
        assert about["model"]["zero_shot"] is True
        assert httpx.get(f"{url}/health").json()["zero_shot"] is True


def test_the_card_of_the_model_is_shown(server: Server) -> None:
    page = httpx.get(f"{server.url}/quality").text
    assert '<td class="number">0.9 (0.8 to 1.0)</td>' in page
