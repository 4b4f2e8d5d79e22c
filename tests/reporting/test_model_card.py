"""The card says what the files say, and shows as a gap what they don't."""

import copy
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from brainmri.reporting.claim import ITEMS
from brainmri.reporting.model_card import CardFacts, write_card
from tests.house.closure import ROOT

NAMES = ("audit", "split", "train", "test", "novelty")
METRICS = {name: json.loads((ROOT / f"metrics/{name}.json").read_text()) for name in NAMES}
MODEL = {
    "architecture": "resnet34",
    "classes": {"negative": "no tumor", "positive": "tumor"},
    "rule": {"size": 128},
    "training": {"precision": "bf16", "start": {"name": "none"}},
    "versions": {"torch": "2.14.1"},
}
SHA256 = "0123456789abcdef" * 4
POINT = {"temperature": 1.2, "threshold": 0.3, "rule": "youden"}


def _make(name: str = "phantom", **changes: Any) -> CardFacts:
    facts = copy.deepcopy(METRICS) | {"preparation": {"name": name}, "model": MODEL, "point": POINT}
    facts |= {"weights_sha256": SHA256}
    return CardFacts(**(facts | changes))


def test_every_figure_with_its_interval_is_the_metrics() -> None:
    card = write_card(_make())
    area = METRICS["test"]["slice"]["auroc"]
    assert f"| AUROC | {area['value']:.3f} ({area['low']:.3f} to {area['high']:.3f}) |" in card
    assert f"{METRICS['train']['parameters']:,} parameters" in card


def test_the_card_names_the_weights_that_it_is_of() -> None:
    assert f"\nweights: sha256 `{SHA256}`\n" in write_card(_make())


def test_a_network_that_goes_on_from_the_detector_says_with_what_and_how_it_looks() -> None:
    card = _make()
    assert "begun from weights `none`; images of" in write_card(card)
    start = {"name": "phantom", "parts": "body, head"}
    model = dict(card.model) | {"second_size": 96, "training": card.model["training"] | {"start": start}}
    said = write_card(replace(card, model=model))
    assert "begun from weights `phantom` (body, head); images of" in said
    both = write_card(replace(card, model=model | {"flips": True}))
    assert "pixels, looked at once more at 96 pixels, each time mirrored too, where the mean" in both
    alone = write_card(replace(card, model=dict(card.model) | {"flips": True}))
    assert "pixels, mirrored too, where the mean" in alone
    assert "pixels, looked at once more at 96 pixels, where the mean of the log odds counts; bf16" in said


def test_pointing_stands_beside_a_random_network_and_chance() -> None:
    pointing = {
        "n": 31,
        "n_groups": 12,
        "trained": {"value": 0.7096, "low": 0.4183, "high": 0.8926},
        "random_network": {"value": 0.0},
        "mask_share": 0.0524,
    }
    card = write_card(_make(test=METRICS["test"] | {"pointing": pointing}))
    assert "whose heat map is hottest in the tumor's mask (n = 31, 12 groups;" in card
    assert "| this network | 0.710 (0.418 to 0.893) |\n| one with random weights | 0.000 |" in card
    assert "| chance: the share of a slice that a mask covers | 0.052 |" in card


def test_the_flag_has_its_threshold_its_rates_and_how_often_it_is_wrong() -> None:
    test = {"n": 70, "n_groups": 20, "flagged": {"value": 0.0143, "low": 0.001, "high": 0.1379}}
    novelty = METRICS["novelty"] | {
        "threshold": 124.728,
        "rate": 0.01,
        "attainable_rate": 0.0137,
        "test": test,
    }
    card = write_card(_make(novelty=novelty))
    assert "beyond a squared Mahalanobis distance of 124.728" in card
    assert "for a share of 0.01 of familiar images; so many slices allow 0.014" in card
    assert "Of 70 test slices (20 groups) this share is flagged: 0.014 (0.001 to 0.138)." in card
    for subset in ("train", "valid"):
        assert f"{METRICS['novelty'][subset]['n']} {subset}" in card


def test_without_test_slices_how_often_the_flag_is_wrong_is_a_gap() -> None:
    novelty = {key: value for key, value in METRICS["novelty"].items() if key != "test"}
    assert "No slices were held out to say how often that is wrong: a gap." in write_card(
        _make(novelty=novelty)
    )


def test_a_figure_that_is_undefined_is_called_so() -> None:
    test = copy.deepcopy(METRICS["test"])
    del test["slice"]["auroc"]
    assert "| AUROC | undefined |" in write_card(_make(test=test))


def test_synthetic_data_are_no_result_and_others_are_not_called_so() -> None:
    assert "no figure here is a result" in write_card(_make())
    assert "synthetic" not in write_card(_make("hospital"))


def test_without_masks_or_patients_the_gap_is_shown() -> None:
    test = copy.deepcopy(METRICS["test"])
    test.pop("by_tumor_size", None)
    test.pop("pointing", None)
    audit = METRICS["audit"] | {"patients": 0}
    card = write_card(_make("hospital", test=test, audit=audit))
    assert "No masks, so nothing by the tumor's size" in card
    assert "No masks, so nothing on whether heat maps point at tumors" in card
    assert "patients unknown" in card


def test_the_paper_s_protocol_is_warned_of() -> None:
    warned = METRICS["split"] | {"warning": "not held out"}
    assert "**not held out**" in write_card(_make(split=warned))


def test_all_items_of_the_checklist_are_there_each_with_a_place_or_a_gap() -> None:
    assert list(range(1, 45)) == [item.number for item in ITEMS]
    assert all(bool(item.place) != bool(item.gap) for item in ITEMS)


@pytest.mark.parametrize("item", [item for item in ITEMS if item.place], ids=lambda item: str(item.number))
def test_the_files_and_keys_that_an_item_names_are_there(item: Any) -> None:
    names = re.findall(r"[\w./]+\.(?:json|csv|md|png|yaml|lock)\b", item.place)
    assert names or item.place.startswith("data/")
    made = {"data/prepared/rejected.csv", "data/split.csv", "models/classifier/model.json", "MODEL_CARD.md"}
    assert all((ROOT / name).exists() for name in set(names) - made)
    for name, keys in re.findall(r"(metrics/\w+\.json): ([\w, ]+)", item.place):
        content = json.loads((ROOT / name).read_text())
        assert all(key in content for key in re.findall(r"\w+", keys) if key not in {"low", "high", "and"})


def test_a_name_with_bars_leaves_the_tables_whole(tmp_path: Path) -> None:
    split = copy.deepcopy(METRICS["split"])
    split["test"]["labels"] = {"a|b": 3}
    rows = [line for line in write_card(_make(split=split)).splitlines() if line.startswith("| test |")]
    assert [6] == [len(re.findall(r"(?<!\\)\|", row)) for row in rows]
