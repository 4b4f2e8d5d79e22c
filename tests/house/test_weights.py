"""The shipped weights are what their list, cards and model folders say, and the only large files."""

import hashlib
import subprocess
from pathlib import Path

import pytest
from safetensors import safe_open

from brainmri.learning.cards import ClassifierCard, read_model_card
from brainmri.learning.prediction import read_threads
from brainmri.learning.shipped import list_shipped
from brainmri.reporting.templates_notice import TEMPLATES_NOTICE
from brainmri.serving.model import read_model
from tests.house.closure import ROOT

SHIPPED = list_shipped()
_MEGABYTE = 1_000_000


def test_nothing_over_a_megabyte_is_tracked_but_shipped_weights() -> None:
    listed = subprocess.run(("git", "ls-files", "-z"), cwd=ROOT, capture_output=True, check=True).stdout
    names = [name for name in listed.decode().split("\0") if name and (ROOT / name).is_file()]
    large = {name for name in names if (ROOT / name).stat().st_size > _MEGABYTE}
    assert large <= {item.weights.relative_to(ROOT).as_posix() for item in SHIPPED.values()}


def test_every_folder_of_weights_is_listed() -> None:
    assert set(SHIPPED) == {path.name for path in (ROOT / "weights").iterdir() if path.is_dir()}


@pytest.mark.parametrize("arch", SHIPPED)
def test_the_hash_of_every_file_of_a_shipped_folder_but_its_card_is_listed_and_checked(arch: str) -> None:
    item = SHIPPED[arch]
    files = {path.relative_to(item.folder).as_posix() for path in item.folder.rglob("*") if path.is_file()}
    assert files - {"README.md"} == set(item.hashes)
    item.check()


@pytest.mark.parametrize("arch", SHIPPED)
def test_a_shipped_folder_is_a_whole_zero_shot_model_of_its_architecture(arch: str) -> None:
    item = SHIPPED[arch]
    model = read_model(item.folder)
    assert (arch, True, item.sha256) == (model.card.architecture, model.zero_shot, model.weights_sha256)
    assert item.sha256 == hashlib.sha256(item.read()).hexdigest()
    card = read_model_card(item.weights.parent, ClassifierCard)
    assert read_threads(item.weights.parent, card) > 0


@pytest.mark.parametrize("arch", SHIPPED)
def test_its_card_names_the_weights_and_carries_the_notice_of_the_templates(arch: str) -> None:
    text = Path(SHIPPED[arch].folder / "README.md").read_text()
    assert SHIPPED[arch].sha256 in text
    assert TEMPLATES_NOTICE in text


@pytest.mark.parametrize("arch", SHIPPED)
def test_its_kernels_are_stored_in_float16_and_nothing_else(arch: str) -> None:
    with safe_open(SHIPPED[arch].weights, "np") as file:
        slices = {key: file.get_slice(key) for key in file.keys()}  # noqa: SIM118 - no mapping
    kinds = {len(item.get_shape()) > 1: set() for item in slices.values()}
    for item in slices.values():
        kinds[len(item.get_shape()) > 1].add(item.get_dtype())
    assert {True: {"F16"}, False: {"F32", "I64"}} == kinds
