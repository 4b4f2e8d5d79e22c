import time

import numpy as np
import pytest

from brainmri.scoring.catalogue import FIGURES
from brainmri.scoring.evaluation import EvaluateParams, evaluate_cases, evaluate_predictions
from brainmri.tables import read_mapping, write_mapping
from tests.scoring.samples import PARAMS, POINT, make_cases, make_prediction

HEAD = {"n", "groups", "prevalence", "threshold", "confidence", "confusion", "undefined", "without_interval"}
SECTION = EvaluateParams(confidence=0.95, draws=2000, seed=0, top_losses=6)


def make_slices(patients=True):
    generator = np.random.default_rng(0)
    logits = generator.normal(size=72) + generator.normal(size=24).repeat(3)
    return [
        make_prediction(
            f"s{index:02d}",
            "tumor" if index // 3 % 2 else "healthy",
            float(logit + (1 if index // 3 % 2 else -1)),
            group=f"G{index // 3:04d}",
            patient=f"P{index // 3:04d}" if patients else None,
        )
        for index, logit in enumerate(logits)
    ]


def test_the_report_has_a_mapping_a_unit_that_can_be_written(tmp_path):
    report = evaluate_predictions(make_slices(), POINT, SECTION)
    assert list(report) == ["slice", "patient_max", "patient_mean"]
    assert {"unit", *HEAD, *(figure.name for figure in FIGURES)} == set(report["slice"])
    assert (report["slice"]["n"], report["slice"]["groups"], report["patient_max"]["n"]) == (72, 24, 24)
    assert {"value", "low", "high"} == set(report["slice"]["auroc"])
    write_mapping(tmp_path / "test.json", report)
    assert read_mapping(tmp_path / "test.json")["slice"]["prevalence"] == 0.5


def test_without_patients_slices_stand_alone():
    assert list(evaluate_predictions(make_slices(patients=False), POINT, PARAMS)) == ["slice"]


def test_slices_left_out_of_the_patients_are_counted():
    rows = [*make_slices(), make_prediction("z", "healthy", 0.0)]
    report = evaluate_predictions(rows, POINT, PARAMS)
    assert (
        report["slice"]["n"],
        report["patient_max"]["n"],
        report["patient_max"]["slices_without_patient"],
    ) == (73, 24, 1)


def test_undefined_figures_are_absent_and_counted():
    report = evaluate_cases(make_cases([1, 0, 0], [0.2, 0.1, 0.3]), 0.5, PARAMS)
    assert {"precision", "mcc"} == {figure.name for figure in FIGURES} - set(report)
    assert report["undefined"] == 2
    assert report["confusion"] == {"tp": 0, "fp": 0, "fn": 1, "tn": 2}


def test_figures_without_an_interval_have_a_value_alone_and_are_counted():
    report = evaluate_cases(make_cases([1, 0, 0], [0.9, 0.1, 0.3]), 0.5, PARAMS)
    alone = [
        name
        for name, figure in report.items()
        if isinstance(figure, dict) and "value" in figure and "low" not in figure
    ]
    assert {"value", "bins"} == set(report["ece"])
    assert "sensitivity" in alone
    assert len(alone) == report["without_interval"]


def test_a_common_test_set_takes_no_noticeable_time():
    rows = make_slices()
    start = time.process_time()
    evaluate_predictions(rows, POINT, SECTION)
    assert time.process_time() - start < 1.5


@pytest.mark.long
def test_a_hundred_thousand_slices_take_less_than_a_minute():
    generator = np.random.default_rng(0)
    truth = generator.random(100_000) < 0.5
    cases = make_cases(truth, generator.random(100_000), np.arange(100_000) // 3)
    start = time.process_time()
    evaluate_cases(cases, 0.5, SECTION)
    assert time.process_time() - start < 60
