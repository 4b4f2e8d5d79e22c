"""What is drawn lies where it is: the model's square on the slice, and an error that is one."""

import base64
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from brainmri.dataset.scan_preparation import PreparationRule
from brainmri.scans.folder import Scan
from brainmri.serving.answers import ScanAnswer, SliceAnswer
from brainmri.serving.intake import Taken
from brainmri.serving.runtimes import HeatMap
from brainmri.serving.web.views import ViewedScan, Viewer, make_square_of, view_scan
from tests.rules import IMAGE_RULE, RULE
from tests.scans.samples import dicom, save_dicom

PREPARATION = PreparationRule(**dict(RULE) | dict(IMAGE_RULE))


def _spotted(rows: int, columns: int, spot: tuple[int, int]) -> NDArray[np.uint8]:
    """A head in one corner of the picture, with one bright spot."""
    image = np.zeros((rows, columns), np.uint8)
    center, axes = (int(0.4 * columns), int(0.55 * rows)), (int(0.3 * columns), int(0.35 * rows))
    cv2.ellipse(image, center, axes, 0, 0, 360, 100, -1)
    cv2.circle(image, spot[::-1], max(2, min(rows, columns) // 20), 255, -1)
    return image


def _save(path: Path, image: NDArray[np.uint8], spacing: list[float] | None) -> Scan:
    if spacing is None:
        Image.fromarray(image).save(path)
    else:
        save_dicom(path, dicom(image, PixelSpacing=spacing))
    return Scan(path.name, None, None, None, None)


@pytest.mark.parametrize(
    ("rows", "columns", "spacing"),
    [
        (200, 200, None),
        (120, 260, None),
        (260, 120, None),
        (1300, 900, None),
        (100, 200, [2.0, 1.0]),
        (400, 900, [2.5, 1.0]),
    ],
)
def test_a_spot_of_the_model_s_picture_lies_on_the_spot_of_the_slice(
    tmp_path: Path, rows: int, columns: int, spacing: list[float] | None
) -> None:
    spot = int(0.5 * rows), int(0.3 * columns)
    scan = _save(tmp_path / "scan.png", _spotted(rows, columns, spot), spacing)
    seen: ViewedScan = view_scan(tmp_path, PREPARATION, scan)
    (view,), (box,), (prepared,) = seen.views, seen.boxes, seen.slices
    assert max(view.shape) <= 512
    size, square = prepared.image.shape[-1], make_square_of(box)
    row, column = np.argwhere(prepared.image > 200).mean(axis=0) + 0.5
    step = square.side / size
    found = np.array([square.top + row * step, square.left + column * step])
    expected = np.argwhere(view > 200).mean(axis=0) + 0.5
    assert np.abs(found - expected).max() < step


def test_an_error_of_ours_is_a_problem_too() -> None:
    from fastapi import FastAPI  # noqa: PLC0415 - of this test alone

    from brainmri.serving.web.api import add_errors  # noqa: PLC0415
    from brainmri.serving.web.guard import Door, Guard, Hall  # noqa: PLC0415
    from tests.serving.conftest import SERVE  # noqa: PLC0415

    app = FastAPI()
    add_errors(app)

    @app.get("/broken")
    async def broken() -> None:
        raise ValueError("Roe^Jane")

    counted: list[int] = []
    guard = Guard(app, Door(None, ()), SERVE, Hall(lambda: None, lambda status, _: counted.append(status)))

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(guard, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return await client.get("/broken")

    import asyncio  # noqa: PLC0415

    response = asyncio.run(ask())
    assert (500, "failed") == (response.status_code, response.json()["code"])
    assert "Roe" not in response.text


def _answer(count: int, probability: float) -> ScanAnswer:
    pieces = tuple(
        SliceAnswer(slice=place, probability=probability, decision="yes", novelty=0.1, unlike=False)
        for place in range(count)
    )
    return ScanAnswer(
        scan="scan",
        patient=None,
        probability_max=probability,
        probability_mean=probability,
        decision="yes",
        unlike=False,
        unlike_slices=0,
        notices=(),
        slices=pieces,
    )


@pytest.mark.parametrize(
    ("probability", "highest", "expected"), [(0.9, 1.0, (3, 7)), (0.1, 1.0, None), (0.9, 0.0, None)]
)
def test_outline_and_cross_are_drawn_where_there_is_something_to_show(
    tmp_path: Path, probability: float, highest: float, expected: tuple[int, int] | None
) -> None:
    """A cross where tumor is called and something speaks for it; an outline as the segmenter has it."""
    scan = _save(tmp_path / "scan.png", _spotted(64, 64, (30, 20)), None)
    seen = view_scan(tmp_path, PREPARATION, scan)
    size = seen.slices[0].image.shape[-1]
    heat, mask = np.full((size, size), -1, np.float32), np.zeros((1, size, size), np.uint8)
    heat[3, 7], mask[0, 2:5, 6:9] = highest, 1
    viewer = Viewer(lambda _: iter([HeatMap(heat, (3, 7))]), lambda _: mask, 0.5, most=1)
    taken = Taken("scan", None, [tmp_path / "scan.png"], seen)
    answers = [_answer(1, probability)]
    viewer.watch([taken], answers, np.stack([piece.image for piece in seen.slices]))
    viewer.watch([taken], answers, np.stack([piece.image for piece in seen.slices]))
    (view,) = viewer.views
    (drawn,) = view.slices
    assert (0, size, expected) == (view.place, drawn.size, drawn.hottest)
    assert mask.tobytes() == base64.b64decode(str(drawn.outline))
    found = np.frombuffer(base64.b64decode(str(drawn.heat)), np.uint8).reshape(size, size)
    assert (255 * highest, 0) == (found[3, 7], found[0, 0])
