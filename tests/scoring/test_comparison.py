"""The comparison: by hand where that goes, and in what it may and may not conclude."""

import json
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainmri.dataset.baselines import Baseline, ShortcutRow
from brainmri.dataset.manifest import Subset
from brainmri.dataset.predictions import Epoch
from brainmri.dataset.prepared import Classes
from brainmri.dataset.protocols import Protocol
from brainmri.dataset.units import NO_FOLD, ScoredRow
from brainmri.errors import BadInput
from brainmri.scoring.areas import Comparison, Verdict
from brainmri.scoring.calibration import CalibrateParams
from brainmri.scoring.comparison import ArmScores, ComparisonParams, compare_arms
from brainmri.scoring.comparison_table import tabulate_comparison
from brainmri.scoring.folded import fold_up, vote
from brainmri.scoring.pairing import Discordance, Pair, groups_needed, holm, judge, pair, say
from tests.scoring.samples import PARAMS

CLASSES = Classes("tumor", "healthy")
CALIBRATE = CalibrateParams(threshold="youden")
FOLDS = 3


def make_rows(
    distance: float, groups: int = 60, seeds: Sequence[int] = (0,), offset: float = 0.0, noise: int = 0
) -> list[ScoredRow]:
    """Two slices a group, groups dealt to folds; evidence is shared by all that have the same `noise`.

    The logits of fold k are shifted by `offset` times k, as those of networks of their own are.
    """
    rows = []
    for seed in seeds:
        generator = np.random.default_rng((noise, seed))
        evidence = generator.normal(size=(groups, 2)) + generator.normal(size=(groups, 1))
        for fold in range(FOLDS):
            for group in range(groups):
                own = group // 2 % FOLDS
                if own not in (fold, (fold + 1) % FOLDS):
                    continue
                for number in range(2):
                    tumor = group % 2 == 0
                    logit = float(distance * (tumor - 0.5) + evidence[group, number] + offset * fold)
                    rows.append(
                        ScoredRow(
                            slice_id=f"{group:03d}-{number}",
                            group=f"G{group:03d}",
                            patient=f"P{group:03d}",
                            label="tumor" if tumor else "healthy",
                            subset=Subset.TEST if own == fold else Subset.VALID,
                            epoch=Epoch.BEST,
                            score=0.5,
                            logit=logit,
                            seed=seed,
                            fold=fold,
                        )
                    )
    return rows


def make_shortcuts(rows: Sequence[ScoredRow]) -> list[ShortcutRow]:
    """A header that knows a little, and the majority."""
    generator = np.random.default_rng(1)
    slices = {row.slice_id: row for row in rows if row.subset is Subset.TEST}
    return [
        ShortcutRow(slice_id=name, baseline=baseline, fold=row.fold, score=score)
        for name, row in slices.items()
        for baseline, score in (
            (
                Baseline.HEADER,
                float(np.clip(0.5 + 0.1 * (row.label == "tumor") + generator.normal() / 5, 0, 1)),
            ),
            (Baseline.MAJORITY, 0.5),
        )
    ]


def compare(**arms: Sequence[ScoredRow]) -> dict:
    """The report on grouped arms."""
    scores = {name: ArmScores(rows, Protocol.GROUPED, {"parameters": 1}) for name, rows in arms.items()}
    shortcuts = make_shortcuts(next(iter(arms.values())))
    return compare_arms(scores, shortcuts, CLASSES, ComparisonParams(CALIBRATE, PARAMS))


def test_holm_by_hand() -> None:
    assert [0.03, 0.06, 0.06, 0.02] == pytest.approx(holm([0.01, 0.04, 0.03, 0.005]))
    assert [] == holm([])
    assert [1.0, 1.0] == holm([0.6, 0.9])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_lowers_and_keeps_the_order(values: list[float]) -> None:
    adjusted = holm(values)
    pairs = sorted(zip(values, adjusted, strict=True))
    assert all(before <= after <= 1 for before, after in pairs)
    assert sorted(adjusted) == [after for _, after in pairs]


def test_mcnemar_by_hand() -> None:
    # Of 10 discordant groups 9 or more on one side: 2 (10 + 1) / 2^10.
    assert Discordance(9, 1).p_value == pytest.approx(22 / 1024)
    assert Discordance(1, 9).p_value == pytest.approx(22 / 1024)
    assert 1.0 == Discordance(0, 0).p_value


def test_the_number_that_is_needed_by_hand() -> None:
    # (1.96 + 0.8416)^2 (0.05 / 0.05)^2 = 7.85 times as many.
    found = Comparison(0.05, (-0.05, 0.15), error=0.05, degrees=18)
    assert 314 == groups_needed(found, 40, 0.05)
    # (2.394 + 0.8416)^2 = 10.47 times, for a p-value that is smallest of three.
    assert 419 == groups_needed(found, 40, 0.05 / 3)
    assert None is groups_needed(Comparison(0.0, (-0.1, 0.1), 0.05, 20), 40, 0.05)
    assert None is groups_needed(Comparison(1e-4, (-0.1, 0.1), 0.05, 20), 40, 0.05)
    assert "about 320 would be needed" in say(Verdict.NOT_SEPARABLE, 314, 40, "patients")


def test_no_more_patients_are_asked_for_than_there_are() -> None:
    assert "needed" not in say(Verdict.NOT_SEPARABLE, 16, 16, "patients")


def test_an_interval_without_0_alone_does_not_separate() -> None:
    found = Pair(Comparison(0.1, (0.01, 0.2), 0.045, 30), Discordance(1, 2), 60)
    assert Verdict.BETTER is judge(found, 0.03, 0.95)
    assert Verdict.NOT_SEPARABLE is judge(found, 0.06, 0.95)


def test_each_slice_is_scored_once_by_its_own_fold_s_network_and_threshold() -> None:
    folded = fold_up(make_rows(5.0, offset=9.0), CLASSES, CALIBRATE)
    assert 120 == len(folded.rows) == len({row.slice_id for row in folded.rows})
    assert [0, 1, 2] == np.unique(folded.unit).tolist()
    assert 3 == len(np.unique(folded.threshold))
    # Logits of the third network are 18 higher, and so is the threshold that its watched slices ask for.
    share = [folded.called[folded.unit == unit].mean() for unit in range(FOLDS)]
    assert max(share) - min(share) < 0.35


def test_what_a_network_scored_never_tunes_it() -> None:
    rows = make_rows(2.0)
    turned = [
        row.model_copy(update={"logit": -row.logit}) if row.subset is Subset.TEST else row for row in rows
    ]
    expected, found = (fold_up(own, CLASSES, CALIBRATE) for own in (rows, turned))
    assert np.array_equal(expected.threshold, found.threshold)


def test_an_arm_beside_itself_is_not_separable() -> None:
    rows = make_rows(1.0)
    report = compare(a=rows, b=rows)["arms"]["b"]["against_first"]
    assert (0, 1, 1) == (
        report["auroc_difference"]["value"],
        report["p_value"],
        report["decisions"]["p_value"],
    )
    assert "not separable" == report["verdict"]
    assert "no number of patients" in report["finding"]


def test_a_far_better_arm_is_called_better_and_a_worse_one_worse() -> None:
    report = compare(a=make_rows(0.5), good=make_rows(5.0))
    assert "better" == report["arms"]["good"]["against_first"]["verdict"]
    assert report["arms"]["good"]["against_first"]["p_value"] < 0.01
    assert "better than a: good" == report["finding"]
    report = compare(a=make_rows(5.0), bad=make_rows(0.5), same=make_rows(5.0, noise=1))
    assert "worse than a: bad; not separable from a: same" == report["finding"]


def test_several_seeds_tell_their_spread_and_do_not_narrow_as_more_patients_would() -> None:
    one = compare(a=make_rows(1.0))["arms"]["a"]
    same = [row.model_copy(update={"seed": seed}) for seed in range(5) for row in make_rows(1.0)]
    five = compare(a=same)
    assert (5, 15) == (five["seeds"], five["units_each"])
    found = five["arms"]["a"]
    assert found["auroc_within_folds_by_seed"]["lowest"] == found["auroc_within_folds_by_seed"]["highest"]
    for name in ("auroc_within_folds", "accuracy", "sensitivity"):
        widths = [own[name]["high"] - own[name]["low"] for own in (one, found)]
        assert widths[1] == pytest.approx(widths[0], rel=0.1), name


def test_an_offset_of_folds_shows_in_the_pooled_area_alone() -> None:
    report = compare(a=make_rows(3.0), b=make_rows(3.0, offset=6.0))["arms"]
    assert report["a"]["auroc_within_folds"]["value"] == report["b"]["auroc_within_folds"]["value"]
    assert report["b"]["auroc"]["value"] < report["a"]["auroc"]["value"] - 0.02


def test_the_vote_of_like_arms_is_what_they_say_and_of_different_ones_better() -> None:
    rows = make_rows(1.0)
    one, voted = (fold_up(own, CLASSES, CALIBRATE) for own in (rows, vote([rows, rows], CLASSES, CALIBRATE)))
    assert np.array_equal(
        np.argsort(one.cases.score, kind="stable"), np.argsort(voted.cases.score, kind="stable")
    )
    report = compare(a=rows, b=make_rows(1.0, noise=1), c=make_rows(1.0, noise=2))
    areas = {name: own["auroc_within_folds"]["value"] for name, own in report["arms"].items()}
    assert report["soft_vote"]["auroc_within_folds"]["value"] > max(areas["a"], areas["b"], areas["c"])


def test_baselines_stand_beside_the_arms() -> None:
    report = compare(a=make_rows(2.0))
    assert {"header", "majority"} == set(report["baselines"])
    assert 0.5 == report["baselines"]["majority"]["auroc_within_folds"]["value"]
    assert "worse" == report["baselines"]["majority"]["against_first"]["verdict"]


def test_the_paper_s_protocol_stands_apart_with_its_warning() -> None:
    rows = make_rows(1.0)
    watched = [
        row.model_copy(update={"fold": NO_FOLD, "epoch": epoch})
        for row in rows
        if row.subset is Subset.VALID and row.fold == 0
        for epoch in Epoch
    ]
    arms = {
        "a": ArmScores(rows, Protocol.GROUPED, {"parameters": 10**6, "multiply_adds": 10**9}),
        "p": ArmScores(watched, Protocol.PAPER, {"parameters": 10**6, "multiply_adds": 10**9}),
    }
    report = compare_arms(arms, make_shortcuts(rows), CLASSES, ComparisonParams(CALIBRATE, PARAMS))
    assert ["a"] == list(report["arms"])
    assert "random split" in report["paper_protocol"]["p"]["warning"]
    assert {"best_epoch", "last_epoch"} <= set(report["paper_protocol"]["p"])
    table = tabulate_comparison(report)
    assert "By the paper's protocol, p: accuracy" in table
    lengths = {line.count("|") for line in table.splitlines() if line.startswith("|")}
    assert 1 == len(lengths)
    json.dumps(report, allow_nan=False)


def test_arms_of_other_slices_are_refused() -> None:
    rows = make_rows(1.0)
    less = [row for row in rows if row.slice_id != "000-0"]
    with pytest.raises(BadInput, match="scores of b: expected the slices of the first arm, came others"):
        compare(a=rows, b=less)
    with pytest.raises(BadInput, match="expected each slice once a seed"):
        fold_up([*rows, next(row for row in rows if row.subset is Subset.TEST)], CLASSES, CALIBRATE)


@pytest.mark.long
@pytest.mark.parametrize("groups", [20, 60, 200])
def test_the_paired_test_holds_its_size_and_finds_what_is_there(groups: int) -> None:
    draws = 300
    found = {0.0: 0, 1.5: 0}
    for gain in found:
        for number in range(draws):
            arms = [
                fold_up(make_rows(1.0 + own, groups, noise=2 * number + place), CLASSES, CALIBRATE)
                for place, own in enumerate((0.0, gain))
            ]
            tested = pair(arms[1], arms[0], PARAMS)
            found[gain] += tested is not None and tested.area.p_value < 0.05
    # 300 draws at 5 %: 9 % is three standard errors more. By the true spread 20 groups find 34 %.
    assert found[0.0] / draws < 0.09
    assert found[1.5] / draws > {20: 0.15, 60: 0.5, 200: 0.95}[groups]
