"""Halves in a file: which tensors, what comes back, and that nothing else changes."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from brainmri.learning.backbones import build_network, name_weights
from brainmri.learning.catalogue import Architecture
from brainmri.learning.model_folder import WEIGHTS, read_weights, write_model
from brainmri.learning.recipe import Pooling
from brainmri.learning.storage import halve, widen
from brainmri.learning.weights import State, read_start_weights
from brainmri.scans.files import hash_file
from tests.learning.cards import make_card

ARCH = Architecture.RESNET18


@pytest.fixture(scope="module")
def state() -> State:
    torch.manual_seed(0)
    network = build_network(ARCH, 0.1, Pooling.CONCAT)
    return name_weights(network, ARCH, network.state_dict())


def test_kernels_are_halved_and_batch_normalization_is_not(state: State) -> None:
    halved = halve(state)
    assert {torch.float16} == {value.dtype for value in halved.values() if value.ndim > 1}
    assert all(value is state[key] for key, value in halved.items() if value.ndim <= 1)


def test_a_half_file_is_half_as_large_and_comes_back_in_float32(state: State, tmp_path: Path) -> None:
    card = make_card(ARCH, 32)
    write_model(tmp_path / "full", card, {WEIGHTS: state})
    write_model(tmp_path / "half", card, {WEIGHTS: halve(state)})
    sizes = [(tmp_path / name / WEIGHTS).stat().st_size for name in ("half", "full")]
    assert sizes[0] < 0.51 * sizes[1]
    start = read_start_weights(str(tmp_path / "half" / WEIGHTS), ARCH)
    assert start is not None
    for found in (read_weights(tmp_path / "half" / WEIGHTS), start.state):
        assert {key: value.dtype for key, value in state.items()} == {
            key: value.dtype for key, value in found.items()
        }
        for key, value in state.items():
            torch.testing.assert_close(value, found[key], rtol=2**-11, atol=2**-24)


def test_what_is_stored_in_float32_is_untouched(state: State, tmp_path: Path) -> None:
    write_model(tmp_path, make_card(ARCH, 32), {WEIGHTS: state})
    stored, read = load_file(tmp_path / WEIGHTS), read_weights(tmp_path / WEIGHTS)
    assert all(torch.equal(value, read[key]) for key, value in stored.items())
    assert widen(state).keys() == state.keys()
    assert all(value is state[key] for key, value in widen(state).items() if value.dtype is torch.float32)


def test_the_same_halves_are_the_same_file(state: State, tmp_path: Path) -> None:
    for name in ("first", "second"):
        write_model(tmp_path / name, make_card(ARCH, 32), {WEIGHTS: halve(state)})
    assert hash_file(tmp_path / "first" / WEIGHTS) == hash_file(tmp_path / "second" / WEIGHTS)


def test_a_weight_beyond_float16_is_no_silent_infinity() -> None:
    with pytest.raises(ValueError, match=r"a: expected numbers within float16's 65504"):
        halve({"a": torch.full((1, 1), 1e5)})
