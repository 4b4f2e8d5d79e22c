"""The card of a shipped folder says what its files say, and that none of it is of a person."""

from pathlib import Path
from typing import Any

from brainmri.reporting.phantom_card import PhantomFacts, write_phantom_card
from brainmri.reporting.shipping import ship_model
from brainmri.reporting.templates_notice import TEMPLATES_NOTICE


def _figure(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.01, "high": value + 0.01}


def _group(count: int, low: float, high: float) -> dict[str, Any]:
    shares = {"smallest_share": low, "largest_share": high}
    return {"n": count, **shares, "auroc": _figure(0.9), "sensitivity": {"value": 0.5}}


SHA256 = "0123456789abcdef" * 4
MODEL: dict[str, Any] = {
    "architecture": "resnet34",
    "classes": {"negative": "no tumor", "positive": "tumor"},
    "rule": {"size": 128},
    "training": {
        "pictures": 6_000_000,
        "precision": "bf16",
        "recipe": {
            "seed": 1,
            "pretrain": {"batch_size": 512, "lr": 1.5e-3, "sizes": {"128": 0.25, "96": 0.75}},
        },
        "generator": {"version": 1, "code": "abc"},
    },
    "versions": {"torch": "2.14.1"},
    "data_sha256": "d" * 64,
}
TEST: dict[str, Any] = {
    "data": "synthetic: no result on real data",
    "slice": {
        "n": 5500,
        "confidence": 0.95,
        "confusion": {"tp": 2500, "fn": 100, "tn": 2800, "fp": 100},
        "auroc": _figure(0.97),
        "sensitivity": _figure(0.96),
    },
    # As JSON has it, by the alphabet.
    "by_size": {"largest": _group(1300, 0.05, 0.3), "smallest": _group(1300, 0.003, 0.05), "unit": "tumors"},
    "by_kind": {"posterior_fossa": _group(200, 0.003, 0.3), "unit": "tumors"},
}
NOVELTY = {
    "train": {"n": 1900},
    "test": {"n": 5500, "flagged": _figure(0.011)},
    "outliers": {"n": 1000, "flagged": _figure(0.87)},
}
POINT = {"temperature": 1.2, "threshold": 0.4, "rule": "youden"}
CARD = write_phantom_card(PhantomFacts(MODEL, SHA256, POINT, TEST, NOVELTY))


def test_it_says_what_the_folder_is_made_of() -> None:
    for words in (
        SHA256,
        "dvc repro pretrain/dvc.yaml:ship@resnet34",
        "6,000,000 phantoms, each seen once (75% of 96 px, 25% of 128 px), in batches of 512",
        "Generator version 1, code abc",
        TEMPLATES_NOTICE,
    ):
        assert words in CARD


def test_it_says_at_which_sizes_the_detector_looks_again() -> None:
    twice = write_phantom_card(PhantomFacts(MODEL | {"second_size": 96}, SHA256, POINT, TEST, NOVELTY))
    assert "looked at once more at 96 pixels" in twice
    assert "once more" not in CARD


def test_it_says_first_that_no_figure_is_of_a_person() -> None:
    assert CARD.index("**Not for diagnosis.**") < CARD.index("AUROC")
    assert "**Synthetic: no result on real data.**" in CARD


def test_figures_stand_from_the_smallest_tumors_on_then_by_kind() -> None:
    rows = [line for line in CARD.splitlines() if line.startswith("| ") and "---" not in line]
    assert [
        "| tumors | n | AUROC, against all without tumor | sensitivity |",
        "| all | 2600 | 0.970 (0.960 to 0.980) | 0.960 (0.950 to 0.970) |",
        "| 0.3 to 5.0 % of the picture | 1300 | 0.900 (0.890 to 0.910) | 0.500 |",
        "| 5.0 to 30.0 % of the picture | 1300 | 0.900 (0.890 to 0.910) | 0.500 |",
        "| posterior fossa | 200 | 0.900 (0.890 to 0.910) | 0.500 |",
    ] == rows


def test_what_is_flagged_is_counted_on_phantoms_and_on_pictures_without_a_head() -> None:
    assert (
        "Of 5500 more phantoms this share is flagged: 0.011 (0.001 to 0.021); of 1000 more pictures" in CARD
    )
    assert "without a head: 0.870 (0.860 to 0.880)" in CARD


def test_an_undefined_figure_is_said_to_be() -> None:
    assert "specificity undefined at threshold 0.4" in CARD


def test_shipping_replaces_the_folder_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "model.json").write_text("{}")
    (tmp_path / "point.json").write_text("1")
    parts = {"classifier": tmp_path / "made", "operating_point.json": tmp_path / "point.json"}
    ship_model(tmp_path / "out", parts, "first")
    (tmp_path / "out" / "classifier" / "old").write_text("")
    ship_model(tmp_path / "out", parts, "second")
    files = {
        path.relative_to(tmp_path / "out").as_posix()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    assert {"README.md", "classifier/model.json", "operating_point.json"} == files
    assert "second" == (tmp_path / "out" / "README.md").read_text()
