"""The best baseline stands beside the network, in figures and in a sentence."""

import numpy as np
import pytest

from brainmri.dataset.baselines import Baseline, ShortcutRow
from brainmri.errors import BadInput
from brainmri.scoring.cases import Unit, gather_cases
from brainmri.scoring.shortcuts import evaluate_shortcuts
from tests.scoring.samples import PARAMS, POINT, make_prediction


def _network(skill: float):
    generator = np.random.default_rng(0)
    return [
        make_prediction(
            f"s{number:02d}",
            "tumor" if number % 2 else "healthy",
            float(skill * (number % 2 - 0.5) + generator.normal()),
            group=f"G{number // 2 % 30:02d}",
        )
        for number in range(60)
    ]


def _rows(baseline, skill, seed=1):
    generator = np.random.default_rng(seed)
    return [
        ShortcutRow(
            slice_id=f"s{number:02d}",
            baseline=baseline,
            fold=0,
            score=float(1 / (1 + np.exp(-skill * (number % 2 - 0.5) - generator.normal()))),
        )
        for number in range(60)
    ]


def _evaluate(network, rows):
    return evaluate_shortcuts(rows, network, gather_cases(network, POINT, Unit.SLICE), PARAMS)


ROWS = [*_rows(Baseline.HEADER, 1), *_rows(Baseline.RAW_FRAME, 0, 2), *_rows(Baseline.MAJORITY, 0, 3)]


@pytest.mark.parametrize(
    ("skill", "verdict", "words"),
    [
        (9, "better", "the network is better than the best shortcut baseline, file headers alone"),
        (1, "not separable", "the network can't be told from the best shortcut baseline"),
        (-2, "worse", "the network is worse than the best shortcut baseline"),
    ],
)
def test_the_network_is_held_against_the_best(skill: float, verdict: str, words: str) -> None:
    report = _evaluate(_network(skill), ROWS)
    assert (report["best"], report["verdict"]) == ("header", verdict)
    assert report["finding"].startswith(words)
    assert report["auroc_difference"].keys() == {"value", "low", "high"}
    assert list(report["baselines"]) == ["header", "raw_frame", "majority"]


def test_baselines_of_several_folds_are_scored_within_each_and_it_is_said() -> None:
    rows = _rows(Baseline.HEADER, 4)
    parts = [row.model_copy(update={"fold": int(row.slice_id[1:]) // 30}) for row in rows]
    moved = [row.model_copy(update={"score": (row.score + row.fold) / 2}) for row in parts]
    whole, still, lifted = (_evaluate(_network(3), found) for found in (rows, parts, moved))
    assert still["baselines"]["header"]["auroc"] == lifted["baselines"]["header"]["auroc"]
    assert still["auroc_difference"] == lifted["auroc_difference"]
    said = "the baselines were trained by group, whatever the split"
    assert [said in report["finding"] for report in (whole, still)] == [False, True]


def test_the_majority_is_never_the_best() -> None:
    rows = [*_rows(Baseline.HEADER, 0), *_rows(Baseline.MAJORITY, 9)]
    assert _evaluate(_network(3), rows)["best"] == "header"


def test_of_one_class_alone_nothing_is_concluded() -> None:
    network = [row for row in _network(3) if row.label == "tumor"]
    report = _evaluate(network, ROWS)
    assert report.keys() == {"baselines"}
    assert report["baselines"]["header"].keys() == {"accuracy"}


def test_a_slice_without_a_score_is_named() -> None:
    with pytest.raises(BadInput, match="expected a score of s59, came none; rerun shortcuts"):
        _evaluate(_network(3), ROWS[:59])
