"""Whatever can change a byte of a training changes its key."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from brainmri.dataset.manifest import Subset
from brainmri.dataset.prepared import Classes
from brainmri.learning import provenance
from brainmri.learning.identity import CODE, identify_training
from tests.learning.samples import make_recipe, make_set

DATA, MANIFEST = make_set()


def _identify(**changes: Any) -> str:
    known = {"prepared": DATA, "manifest": MANIFEST, "recipe": make_recipe(), "epochs": 4, "lr": 1e-3}
    return identify_training(**(known | changes))


def _other_image() -> Any:
    images = DATA.images.copy()
    images[-1, 0, 0] ^= 1
    return replace(DATA, images=images)


CHANGES: dict[str, dict[str, Any]] = {
    "epochs": {"epochs": 5},
    "rate": {"lr": 1.001e-3},
    "seed": {"recipe": make_recipe(seed=1)},
    "architecture": {"recipe": make_recipe(arch="resnet34")},
    "setting": {"recipe": make_recipe(dropout=0.2)},
    "precision": {"recipe": make_recipe(precision="bf16")},
    "threads": {"recipe": make_recipe(threads=2)},
    "image": {"prepared": _other_image()},
    "positive class": {"prepared": replace(DATA, classes=Classes("no tumor", "tumor"))},
    "label": {"manifest": [MANIFEST[0].model_copy(update={"label": "tumor"}), *MANIFEST[1:]]},
    "subset": {"manifest": [MANIFEST[0].model_copy(update={"subset": Subset.TRAIN}), *MANIFEST[1:]]},
}


def test_the_same_training_has_the_same_key() -> None:
    assert _identify() == _identify()


@pytest.mark.parametrize("change", CHANGES)
def test_another_training_has_another_key(change: str) -> None:
    assert _identify() != _identify(**CHANGES[change])


def test_another_file_of_start_weights_under_the_same_name_has_another_key(tmp_path: Path) -> None:
    recipe = make_recipe(weights=str(tmp_path / "start.safetensors"))
    keys = set()
    for seed in (0, 1):
        torch.manual_seed(seed)
        save_file(torchvision.models.resnet18(weights=None).state_dict(), tmp_path / "start.safetensors")
        keys.add(_identify(recipe=recipe))
    assert 2 == len(keys)


def test_another_version_of_a_library_or_of_python_has_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = _identify()
    with monkeypatch.context() as patch:
        patch.setattr(provenance, "version", lambda name: f"{name} 0")
        assert before != _identify()
    monkeypatch.setattr("platform.python_version", lambda: "3.99.0")
    assert before != _identify()


def test_other_code_has_another_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = _identify()
    edited = tmp_path / "src" / "brainmri" / "learning" / "edited.py"
    edited.parent.mkdir(parents=True)
    edited.write_text("pass")
    monkeypatch.setattr(provenance, "_CHECKOUT", tmp_path)
    other = _identify()
    edited.write_text("pass  # a comment")
    assert 3 == len({before, other, _identify()})


def test_the_code_that_counts_is_that_of_the_training() -> None:
    names = set(provenance.hash_code(CODE))
    assert {"params.py", "dataset/units.py", "learning/optimizer.py", "learning/averaging.py"} <= names
    assert not any(name.startswith(("figures/", "scoring/")) for name in names)
