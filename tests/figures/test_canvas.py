"""What holds for every figure: its bytes, its size, its small print, and no trace left behind."""

import hashlib
import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox, BboxBase
from PIL import Image

from brainmri.figures import canvas
from tests.figures.samples import BUILDERS, SOURCE, Build, read_texts

_ROOT = Path(__file__).parents[2]
_DRAW_ALL = """
import hashlib, pathlib, sys, tempfile
from brainmri.figures.canvas import save
from tests.figures.samples import BUILDERS
path = pathlib.Path(tempfile.mkdtemp()) / "figure.png"
for name, build in BUILDERS.items():
    save(build(), path)
    print(name, hashlib.sha256(path.read_bytes()).hexdigest())
path.unlink()
print("pyplot", "matplotlib.pyplot" in sys.modules)
"""


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_same_input_gives_same_bytes_in_another_process(saved: dict[str, Path]) -> None:
    environment = os.environ | {"PYTHONPATH": f"{_ROOT / 'src'}:{_ROOT}", "PYTHONHASHSEED": "7"}
    ran = subprocess.run(
        [sys.executable, "-c", _DRAW_ALL], env=environment, capture_output=True, text=True, check=True
    )
    here = [f"{name} {_hash(path)}" for name, path in saved.items()]
    assert [*here, "pyplot False"] == ran.stdout.splitlines()


@pytest.mark.parametrize("name", ["sheet", "reliability"])
def test_saving_one_figure_twice_gives_the_same_bytes(
    name: str, saved: dict[str, Path], tmp_path: Path
) -> None:
    figure = BUILDERS[name]()
    canvas.save(figure, tmp_path / "first.png")
    canvas.save(figure, tmp_path / "second.png")
    assert _hash(tmp_path / "first.png") == _hash(tmp_path / "second.png") == _hash(saved[name])


@pytest.mark.parametrize("name", BUILDERS)
def test_file_is_a_small_png_of_readable_width(name: str, saved: dict[str, Path]) -> None:
    with Image.open(saved[name]) as picture:
        picture.load()
        assert (picture.format, picture.info.keys() & {"Software", "Creation Time"}) == ("PNG", set())
        assert 700 <= picture.width <= 1500
        assert 300 <= picture.height <= 1500
    assert saved[name].stat().st_size < 350_000


def test_figure_says_what_it_was_computed_on(build: Build) -> None:
    assert any(SOURCE in text for text in read_texts(build()))


def test_nothing_global_changes(tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    canvas.save(BUILDERS["confusion"](), tmp_path / "figure.png")
    assert dict(mpl.rcParams) == before


def test_users_own_settings_have_no_say(saved: dict[str, Path], tmp_path: Path) -> None:
    with mpl.rc_context({"font.size": 20, "lines.linewidth": 9, "savefig.dpi": 30, "axes.grid": True}):
        canvas.save(BUILDERS["curves"](), tmp_path / "figure.png")
    assert _hash(tmp_path / "figure.png") == _hash(saved["curves"])


@canvas.house_style
def _draw_boxes(figure: Figure, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Bbox]]:
    """Where each text that is really drawn stands, in pixels."""
    boxes: list[tuple[str, Bbox]] = []
    draw_text = Text.draw

    def note(text: Text, renderer: RendererBase) -> None:
        draw_text(text, renderer)
        if text.get_text() and text.get_visible():
            boxes.append((text.get_text(), text.get_window_extent(renderer)))

    monkeypatch.setattr(Text, "draw", note)
    FigureCanvasAgg(figure).draw()
    return boxes


def test_no_text_leaves_the_figure_or_covers_another(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    figure = build()
    boxes = _draw_boxes(figure, monkeypatch)
    outside = [name for name, box in boxes if not _holds(figure.bbox, box)]
    covered = [
        (one, other)
        for (one, box), (other, another) in combinations(boxes, 2)
        if box.padded(-1).overlaps(another.padded(-1))
    ]
    assert (outside, covered) == ([], [])


def _holds(outer: BboxBase, inner: BboxBase) -> bool:
    return outer.x0 <= inner.x0 and inner.x1 <= outer.x1 and outer.y0 <= inner.y0 and inner.y1 <= outer.y1


@pytest.mark.parametrize("width_in", [0.01, 0.3, 1.0, 2.0])
def test_shortened_text_fits_and_keeps_both_ends(width_in: float) -> None:
    name = "site-A/patient-0042/axial.nii.gz#077"
    shortened = canvas.shorten(name, width_in, 8)
    if width_in >= 0.3:
        assert canvas.measure(shortened, 8) <= width_in
        assert (shortened[0], shortened[-1]) == (name[0], name[-1])
    assert "…" in shortened


def test_text_that_fits_stays_as_it_is() -> None:
    assert canvas.shorten("no  tumor\n", 2, 8) == "no tumor"


def test_wrapped_text_keeps_every_word() -> None:
    lines = canvas.wrap(SOURCE, 1.5, canvas.SMALL_PT)
    assert " ".join(lines) == SOURCE
    assert max(canvas.measure(line, canvas.SMALL_PT) for line in lines) <= 1.5


def test_importing_is_light() -> None:
    heavy = "{'torch', 'fastai', 'sklearn', 'scipy', 'matplotlib.pyplot'}"
    code = f"import sys, brainmri.figures.top_losses; print({heavy} & set(sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=_ROOT / "src", capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "set()"
