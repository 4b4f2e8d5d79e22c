"""Novelty: what lies beyond the validation images, in the metric of the training images."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2

from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.errors import BadInput
from brainmri.scoring.novelty import (
    FACTS,
    STATISTICS,
    NoveltyParams,
    measure_novelty,
    read_familiar,
    squared_distance,
    write_familiar,
)
from brainmri.scoring.novelty_fit import fit_familiar, learn_familiar, summarize_novelty
from brainmri.tables import read_mapping, write_mapping

PARAMS = NoveltyParams(rate=0.05)
SHA256 = "0123456789abcdef" * 4
GENERATOR = np.random.default_rng(0)
SPREAD = np.array([[2.0, 0.0], [1.5, 0.5]])
TRAIN, VALID, OTHER = (
    (GENERATOR.normal(size=(count, 2)) @ SPREAD.T + 3).astype(np.float32) for count in (4000, 400, 2000)
)
FAMILIAR = fit_familiar(TRAIN, VALID, PARAMS, SHA256)


def test_a_distance_by_hand() -> None:
    precision = np.array([[1.0, 0.5], [0.5, 2.0]], np.float32)
    features = np.array([[3.0, 1.0]], np.float32)
    # (2, 1) P (2, 1) = 4 + 2 * 0.5 * 2 + 2
    assert [8.0] == squared_distance(features, np.array([1.0, 0.0], np.float32), precision).tolist()


def test_many_images_give_the_normal_distribution_s_own_distance() -> None:
    assert chi2.ppf(0.95, 2) == pytest.approx(FAMILIAR.facts.threshold, rel=0.15)
    assert np.linalg.inv(SPREAD @ SPREAD.T) == pytest.approx(FAMILIAR.precision, abs=0.2)


def test_familiar_images_are_flagged_at_the_rate_that_is_asked_for() -> None:
    assert 0.05 == pytest.approx((measure_novelty(OTHER, FAMILIAR) > 1).mean(), abs=0.025)


def test_an_image_away_from_the_others_is_flagged_even_if_no_single_feature_is_rare() -> None:
    along, across = np.array([[7.0, 6.0]], np.float32), np.array([[5.0, 1.5]], np.float32)
    assert measure_novelty(along, FAMILIAR) < 1 < measure_novelty(across, FAMILIAR)


def test_few_validation_images_set_the_threshold_at_their_farthest_and_flag_none_of_it() -> None:
    familiar = fit_familiar(TRAIN, VALID[:10], PARAMS, SHA256)
    assert 1 / 11 == pytest.approx(familiar.facts.attainable_rate, rel=1e-5)
    found = measure_novelty(VALID[:10], familiar)
    assert 1 == pytest.approx(found.max(), rel=1e-4)
    assert found.max() < 1


def test_a_feature_that_never_changes_is_no_division_by_zero() -> None:
    constant = np.ones((50, 1), np.float32)
    features = np.hstack([TRAIN[:50], constant])
    familiar = fit_familiar(features, features, PARAMS, SHA256)
    assert np.isfinite(familiar.precision).all()


def test_each_subset_has_its_part() -> None:
    subsets = [Subset.TRAIN] * 6 + [Subset.VALID] * 4 + [Subset.TEST] * 4
    manifest = [
        ManifestRow(slice_id=str(place), group=f"G{place // 2}", label="a", subset=subset, fold=0)
        for place, subset in enumerate(subsets)
    ]
    features = TRAIN[:14].copy()
    features[-1] = 100
    familiar = learn_familiar(features, manifest, PARAMS, SHA256)
    assert (6, 4) == (familiar.facts.train_slices, familiar.facts.valid_slices)
    summary = summarize_novelty(familiar, features, manifest, 0.95)
    assert {"threshold", "rate", "attainable_rate", "train", "valid", "test"} == set(summary)
    assert familiar.facts.threshold == summary["threshold"]
    assert (4, 2) == (summary["test"]["n"], summary["test"]["n_groups"])
    assert summary["test"]["flagged"]["value"] >= 0.25
    assert summary["test"]["flagged"]["low"] < summary["test"]["flagged"]["value"]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_familiar(tmp_path / "novelty", FAMILIAR)
    read = read_familiar(tmp_path / "novelty")
    assert FAMILIAR.facts == read.facts
    assert SHA256 == read.facts.weights_sha256
    assert measure_novelty(OTHER, FAMILIAR) == pytest.approx(measure_novelty(OTHER, read), rel=1e-6)


@pytest.mark.parametrize("name", [FACTS, STATISTICS])
@pytest.mark.parametrize("content", [None, b"", b"\x80\x04K\x01.", b"{}"])
def test_a_folder_that_is_none_of_ours_is_refused(tmp_path: Path, name: str, content: bytes | None) -> None:
    write_familiar(tmp_path / "novelty", FAMILIAR)
    if content is None:
        (tmp_path / "novelty" / name).unlink()
    else:
        (tmp_path / "novelty" / name).write_bytes(content)
    with pytest.raises(BadInput, match="novelty"):
        read_familiar(tmp_path / "novelty")


@pytest.mark.parametrize("value", [None, "", "0123", SHA256.upper(), 7])
def test_a_folder_that_names_no_weights_is_refused(tmp_path: Path, value: object) -> None:
    write_familiar(tmp_path / "novelty", FAMILIAR)
    facts = read_mapping(tmp_path / "novelty" / FACTS) | {"weights_sha256": value}
    kept = {key: fact for key, fact in facts.items() if fact is not None}
    write_mapping(tmp_path / "novelty" / FACTS, kept)
    with pytest.raises(BadInput, match=r"with weights_sha256: .*; run `dvc repro novelty`$"):
        read_familiar(tmp_path / "novelty")


def test_statistics_of_another_shape_are_refused(tmp_path: Path) -> None:
    write_familiar(tmp_path / "novelty", FAMILIAR)
    np.save(tmp_path / "novelty" / STATISTICS, np.zeros((2, 2), np.float32))
    with pytest.raises(BadInput, match=r"expected \(channels \+ 1, channels\) numbers, came \(2, 2\)"):
        read_familiar(tmp_path / "novelty")
