"""The recipe knows its choices without torch, and small sets are shown several times."""

import subprocess
import sys

import pytest

from brainmri.learning.catalogue import IMAGENET_WEIGHTS, Architecture
from brainmri.learning.recipe import EpochPlan, plan_epoch
from tests.house.closure import ROOT
from tests.learning.samples import make_recipe


def test_asking_for_the_choices_imports_no_torch() -> None:
    code = "import sys, brainmri.learning.recipe; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT / "src", check=False).returncode == 0


def test_every_architecture_pins_version_one_of_its_weights() -> None:
    assert set(Architecture) == set(IMAGENET_WEIGHTS)
    assert all(name.endswith(".IMAGENET1K_V1") for name in IMAGENET_WEIGHTS.values())


@pytest.mark.parametrize(
    ("images", "batch_size", "passes"), [(1000, 8, 1), (16, 8, 1), (15, 8, 2), (7, 7, 2), (3, 3, 2)]
)
def test_small_sets_are_shown_often_enough_for_the_least_steps(
    images: int, batch_size: int, passes: int
) -> None:
    assert EpochPlan(batch_size, passes) == plan_epoch(images, make_recipe().train)


@pytest.mark.parametrize(
    "change", [{"arch": "resnet35"}, {"loss": "hinge"}, {"precision": "fp8"}, {"threads": 0}]
)
def test_an_unknown_choice_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        make_recipe(**change)
