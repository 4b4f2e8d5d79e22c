"""Novelty: what lies beyond the validation images, in the metric of the training images."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2

from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.errors import BadInput
from brainmri.scoring.novelty import (
    DIRECTION,
    FACTS,
    STATISTICS,
    NoveltyParams,
    measure_novelty,
    project,
    read_familiar,
    squared_distance,
    write_familiar,
)
from brainmri.scoring.novelty_fit import (
    divide_outliers,
    find_direction,
    fit_familiar,
    learn_familiar,
    summarize_novelty,
)
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


def _manifest(subsets: list[Subset]) -> list[ManifestRow]:
    return [
        ManifestRow(slice_id=str(place), group=f"G{place // 2}", label="a", subset=subset, fold=0)
        for place, subset in enumerate(subsets)
    ]


def _draw_band(count: int) -> np.ndarray:
    """A narrow heap amid the training images' wide one, away from their middle: near by distance."""
    return (np.array([4.6, 4.0]) + 0.05 * GENERATOR.normal(size=(count, 2))).astype(np.float32)


def test_the_direction_of_outliers_is_learnt_beside_the_distance(tmp_path: Path) -> None:
    train, valid = TRAIN[TRAIN[:, 0] < 4], VALID[VALID[:, 0] < 4]
    features = np.concatenate([train, valid])
    manifest = _manifest([Subset.TRAIN] * len(train) + [Subset.VALID] * len(valid))
    outliers = divide_outliers(_draw_band(400))
    assert (300, 100) == (len(outliers.learnt), len(outliers.held_out))
    plain = learn_familiar(features, manifest, PARAMS, SHA256)
    found = learn_familiar(features, manifest, PARAMS, SHA256, outliers)
    assert plain.direction is None
    assert plain.facts.outliers is None
    assert 300 == found.facts.outliers
    assert (measure_novelty(outliers.held_out, plain) > 1).mean() < 0.1
    assert (measure_novelty(outliers.held_out, found) > 1).mean() > 0.9
    # Of familiar images at most twice the rate, since there are two limits.
    assert (measure_novelty(valid, found) > 1).mean() <= 0.1
    assert (measure_novelty(valid, found) >= measure_novelty(valid, plain)).all()
    write_familiar(tmp_path / "novelty", found)
    read = read_familiar(tmp_path / "novelty")
    assert found.facts == read.facts
    np.testing.assert_allclose(measure_novelty(features, found), measure_novelty(features, read), rtol=1e-5)
    summary = summarize_novelty(found, features, manifest, 0.95, outliers)
    assert 100 == summary["outliers"]["n"]
    assert summary["outliers"]["flagged"]["value"] > 0.9
    write_familiar(tmp_path / "novelty", plain)
    assert not (tmp_path / "novelty" / DIRECTION).exists()


def test_of_a_direction_0_is_the_middle_and_1_the_rank_of_the_rate() -> None:
    direction = find_direction(TRAIN, VALID[:399], _draw_band(300), FAMILIAR, PARAMS)
    along = np.sort(project(VALID[:399], FAMILIAR.mean, direction))
    assert 0 == pytest.approx(np.median(along), abs=1e-5)
    assert along[379] == pytest.approx(1, rel=1e-4)
    assert along[379] < 1 < along[380]


def test_a_direction_by_hand() -> None:
    direction, mean = np.array([2.0, -1.0, 0.5], np.float32), np.array([1.0, 1.0], np.float32)
    assert [2 * 2 - 3 + 0.5] == project(np.array([[3.0, 4.0]], np.float32), mean, direction).tolist()


@pytest.mark.parametrize(
    "stored", [np.zeros(2, np.float32), np.zeros(3), np.array([0, 1, np.nan], np.float32)]
)
def test_another_direction_is_refused(tmp_path: Path, stored: np.ndarray) -> None:
    facts = FAMILIAR.facts.model_copy(update={"outliers": 7})
    write_familiar(tmp_path, replace(FAMILIAR, facts=facts, direction=np.zeros(3, np.float32)))
    np.save(tmp_path / DIRECTION, stored)
    with pytest.raises(BadInput, match=r"direction\.npy: expected 3 finite numbers, one more than channels"):
        read_familiar(tmp_path)
    (tmp_path / DIRECTION).unlink()
    with pytest.raises(BadInput, match="run `dvc repro novelty`"):
        read_familiar(tmp_path)


def test_each_subset_has_its_part() -> None:
    manifest = _manifest([Subset.TRAIN] * 6 + [Subset.VALID] * 4 + [Subset.TEST] * 4)
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
