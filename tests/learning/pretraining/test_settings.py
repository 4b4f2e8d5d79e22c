"""The section `pretrain` and what follows from it."""

from typing import Any

import pytest

from brainmri.errors import BadInput
from brainmri.learning.catalogue import Architecture
from brainmri.learning.pretraining.settings import PretrainSection, name_architecture
from brainmri.params import check_section
from tests.learning.pretraining.samples import make_params, make_section

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "budget": ({"budget": 3}, r"budget of at least one batch \(4 pictures\), came 3"),
    "shares": ({"sizes": [{"size": 64, "share": 0.5}]}, "sizes to add up to 1, came 0.5"),
    "side": (
        {"sizes": [{"size": 70, "share": 1.0}]},
        r"a multiple of 16 pixels from 64 to 256\) and share .*, came 70",
    ),
    "size": ({"size": 96}, "one of the sizes that are trained as rule.size, came 96"),
    "larger": ({"second_size": 64}, r"trained, below rule.size \(64\), as second_size, came 64"),
    "same": ({"size": 80, "second_size": 80}, r"trained, below rule.size \(80\), as second_size"),
    "no side": ({"second_size": 70}, "second_size: expected none or a multiple of 16 pixels .*, came 70"),
    "seed": ({"seed": 1000}, r"expected three seeds, .* came \(1000, 1000, 2000\)"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_can_not_be_trained_is_refused_in_one_line(wrong: str) -> None:
    changes, message = WRONG[wrong]
    with pytest.raises(BadInput, match=message) as error:
        check_section(PretrainSection, make_section(**changes), "params.yaml").of(Architecture.RESNET18)
    assert 1 == len(str(error.value).splitlines())


def test_an_architecture_without_a_budget_is_told_which_have_one() -> None:
    section = check_section(PretrainSection, make_section(), "params.yaml")
    with pytest.raises(BadInput, match="expected one for resnet50, came those of resnet18"):
        section.of(Architecture.RESNET50)


def test_only_resnets_have_the_stages_that_maps_are_learnt_at() -> None:
    assert Architecture.RESNET34 is name_architecture("resnet34")
    for name in ("squeezenet1_1", "resnet35"):
        with pytest.raises(BadInput, match=f"expected one of resnet18, .* came '{name}'"):
            name_architecture(name)


def test_sizes_come_as_often_as_their_shares_say_and_the_same_each_time() -> None:
    params = make_params(budget=40_000)
    drawn = params.draw_sizes()
    assert drawn[::2] == drawn[1::2]
    assert (10_000, drawn) == (len(drawn), params.draw_sizes())
    assert 0.75 == pytest.approx(drawn.count(64) / len(drawn), abs=0.02)


def test_the_rate_rises_to_its_highest_and_falls_to_almost_none() -> None:
    params = make_params(budget=4000, lr=0.01, warmup=0.1)
    rates = [params.rate_at(step) for step in range(params.steps)]
    assert 0.01 == pytest.approx(max(rates)) == pytest.approx(rates[100])
    assert rates[:100] == sorted(rates[:100])
    assert rates[100:] == sorted(rates[100:], reverse=True)
    assert 0 < rates[-1] < 1e-7


def test_without_warmup_the_first_rate_is_the_highest() -> None:
    assert 0.01 == make_params(lr=0.01, warmup=0.0).rate_at(0)


def test_watched_phantoms_are_scored_evenly_and_at_the_end() -> None:
    assert frozenset({250, 500, 750, 1000}) == make_params(budget=4000, times=4).list_checks()
    assert frozenset({1, 2, 3, 4}) == make_params(times=100).list_checks()


def test_a_line_is_noted_whenever_so_many_pictures_more_were_seen() -> None:
    params = make_params(budget=40, log_every=10, times=1)
    assert [3, 5, 8, 10] == [done for done in range(1, 11) if params.is_logged(done)]
