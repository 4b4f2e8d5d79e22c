"""Units of an arm: the same bytes whatever runs beside them, and nothing done twice after a kill."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.dataset.predictions import Epoch
from brainmri.dataset.prepared import PreparedSet
from brainmri.dataset.units import CaseChoice, plan_units
from brainmri.learning import crossval, shipped, unit_mapping
from brainmri.learning.arm_network import count_network, list_arm_looks
from brainmri.learning.arms import read_arms
from brainmri.learning.cards import Look
from brainmri.learning.catalogue import Architecture
from brainmri.learning.crossval import UnitJob, train_unit
from brainmri.learning.model_folder import WEIGHTS
from brainmri.learning.prediction import predict_logits, read_classifier
from brainmri.learning.recipe import Pooling
from brainmri.learning.unit_mapping import train_units
from tests.dataset.test_units import SPLIT, make_manifest
from tests.house.closure import ROOT
from tests.learning.samples import SMALL, make_set
from tests.learning.shipping import ship
from tests.learning.test_arms import SHARED, make_comparison

ARMS = read_arms(
    SHARED,
    make_comparison(
        {
            "fixed": {"lr": 1e-3} | SMALL,
            "searched": {"train": {"lr_find": {"highest": 0.05}}} | SMALL,
            "paper": {"lr": 1e-3, "protocol": "paper"} | SMALL,
        }
    ),
)


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[PreparedSet, list[ManifestRow]]:
    prepared, manifest = make_set(32)[0], make_manifest()
    monkeypatch.setattr(crossval, "read_prepared", lambda _: prepared)
    monkeypatch.setattr(crossval, "read_manifest", lambda _: manifest)
    monkeypatch.chdir(tmp_path)
    return prepared, manifest


def make_job(arm: str, place: int = 0) -> UnitJob:
    """The training of a unit of one of `ARMS`; its set is no file."""
    protocol = ARMS[arm].protocol
    units = [unit for unit in plan_units(make_manifest(), [0], CaseChoice.ALL) if unit.protocol is protocol]
    return UnitJob(Path(), Path(), ARMS[arm], units[place], CaseChoice.ALL, SPLIT, Path("out.csv"))


@pytest.mark.usefixtures("data")
def test_a_unit_scores_what_it_watched_and_what_it_never_saw() -> None:
    outcome = train_unit(make_job("searched"))
    assert {Subset.VALID: 8, Subset.TEST: 8} == {
        subset: sum(row.subset is subset for row in outcome.scored) for subset in (Subset.VALID, Subset.TEST)
    }
    assert {(0, 0, Epoch.BEST)} == {(row.seed, row.fold, row.epoch) for row in outcome.scored}
    assert 0 < outcome.facts["learning_rate"] < 1
    assert "fold 0, seed 0: learning rate" in outcome.words


@pytest.mark.usefixtures("data")
def test_the_shipped_detector_is_asked_and_nothing_trained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "weights")
    ship(tmp_path / "weights", Architecture.RESNET18)
    arms = read_arms(SHARED, make_comparison({"plain": {}, "shipped": {"task": "zero_shot"}}))
    first, second = (train_unit(replace(make_job("fixed", place), arm=arms["shipped"])) for place in (0, 1))
    assert "fold 0, seed 0: nothing to train" == first.words
    watched = {row.slice_id: row.logit for row in first.scored if row.subset is Subset.VALID}
    scored = {row.slice_id: row.logit for row in second.scored if row.subset is Subset.TEST}
    assert watched == scored


def test_the_shipped_detector_looks_at_its_own_sizes_whatever_was_prepared(
    data: tuple[PreparedSet, list[ManifestRow]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    images = data[0].images
    # A card of 32 px, to which the set is brought, and a second look at 24.
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "weights")
    ship(tmp_path / "weights", Architecture.RESNET18, second_size=24)
    large = replace(data[0], images=images.repeat(2, axis=1).repeat(2, axis=2))
    monkeypatch.setattr(crossval, "read_prepared", lambda _: large)
    arm = read_arms(SHARED, make_comparison({"plain": {}, "shipped": {"task": "zero_shot"}}))["shipped"]
    outcome = train_unit(replace(make_job("fixed"), arm=arm))
    classifier = read_classifier(tmp_path / "weights" / "resnet18" / "classifier", WEIGHTS)
    expected = dict(zip([row.slice_id for row in data[1]], predict_logits(classifier, images), strict=True))
    twice = (Look(32), Look(24))
    assert twice == classifier.card.looks == list_arm_looks(arm, 64)
    for row in outcome.scored:
        assert expected[row.slice_id] == pytest.approx(row.logit, abs=1e-4)
    started = read_arms(SHARED, make_comparison({"plain": {}, "started": {"weights": "phantom"}}))["started"]
    assert (Look(64), Look(24)) == list_arm_looks(started, 64)
    attentive = arm.train.model_copy(update={"pooling": Pooling.ATTENTION})
    once = twice[:1]
    assert count_network(arm, once) == count_network(arm.model_copy(update={"train": attentive}), once)
    both, one = (count_network(arm, looks)["multiply_adds"] for looks in (twice, once))
    assert both > 1.4 * one


@pytest.mark.long
@pytest.mark.usefixtures("data")
def test_a_share_of_the_training_groups_trains_another_network() -> None:
    whole = train_unit(make_job("fixed"))
    job = make_job("fixed")
    part = train_unit(replace(job, arm=job.arm.model_copy(update={"share": 0.5})))
    assert [row.slice_id for row in whole.scored] == [row.slice_id for row in part.scored]
    assert whole.key != part.key


@pytest.mark.long
def test_units_of_classifiers_start_without_monai() -> None:
    code = "import sys, stages.crossval, stages.search; sys.exit('monai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.usefixtures("data")
def test_the_paper_s_protocol_keeps_the_last_epoch_too() -> None:
    outcome = train_unit(make_job("paper"))
    assert {Epoch.BEST, Epoch.LAST} == {row.epoch for row in outcome.scored}
    assert "seed 0" == outcome.unit.name


@pytest.mark.usefixtures("data")
def test_order_and_neighbours_change_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [make_job("searched", place) for place in (0, 1)]
    monkeypatch.setattr(unit_mapping, "available_cores", lambda: 64)
    first = {outcome.unit.fold: outcome.scored for outcome in train_units(jobs, threads=64)}
    monkeypatch.chdir(tmp_path.parent)
    torch.rand(5)
    second = {outcome.unit.fold: outcome.scored for outcome in train_units(jobs[::-1], threads=64)}
    assert first == second


@pytest.mark.usefixtures("data")
def test_a_finished_unit_is_read_not_trained_again(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = train_unit(make_job("fixed"))

    def train(*_: object) -> None:
        raise AssertionError("it was trained again")

    monkeypatch.setattr(crossval, "train_network", train)
    assert expected == train_unit(make_job("fixed"))
    with pytest.raises(AssertionError, match="trained again"):
        train_unit(make_job("fixed", 1))


@pytest.mark.usefixtures("data")
def test_a_broken_outcome_is_noticed_and_done_anew(capsys: pytest.CaptureFixture[str]) -> None:
    expected = train_unit(make_job("fixed"))
    path = next(Path(".dvc").rglob("outcome.json"))
    assert not list(Path(".dvc").rglob("checkpoint.safetensors"))
    path.write_text(path.read_text().replace("0", "1", 1))
    assert expected == train_unit(make_job("fixed"))
    assert "is broken; its training is done anew" in capsys.readouterr().out


def test_another_arm_has_another_store(data: tuple[PreparedSet, list[ManifestRow]]) -> None:
    job = make_job("fixed")
    other = replace(job, arm=job.arm.model_copy(update={"lr": 2e-3}))
    assert train_unit(job).key != train_unit(other).key
    assert len(data[1]) == 32
