"""Weights come in by torchvision's names from safetensors or torch, and never by running a pickle."""

import pickle
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from brainmri.errors import BadInput
from brainmri.learning.backbones import build_network, load_named, name_weights, start_from
from brainmri.learning.catalogue import Architecture
from brainmri.learning.recipe import Pooling
from brainmri.learning.weights import StartWeights, read_start_weights

RESNET18 = Architecture.RESNET18


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return dict(torchvision.models.resnet18(weights=None).state_dict())


def _save(state: dict[str, torch.Tensor], path: Path) -> Path:
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path)
    return path


@pytest.mark.parametrize("arch", [RESNET18, Architecture.RESNET50, Architecture.SQUEEZENET1_1])
def test_the_body_has_torchvision_s_names_and_all_come_back(arch: Architecture) -> None:
    network = build_network(arch, 0.5, Pooling.CONCAT)
    named = name_weights(network, arch, network.state_dict())
    theirs = getattr(torchvision.models, arch.value)(weights=None).state_dict()
    body = {name for name in named if not name.startswith("head.")}
    assert body == {name for name in theirs if not name.startswith(("fc.", "classifier."))}
    other = build_network(arch, 0.5, Pooling.CONCAT)
    load_named(other, arch, named)
    assert all(
        torch.equal(a, b)
        for a, b in zip(network.state_dict().values(), other.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
def test_a_state_dict_starts_the_body_and_leaves_the_head(
    tmp_path: Path, state: dict[str, torch.Tensor], name: str
) -> None:
    start = read_start_weights(str(_save(state, tmp_path / name)), RESNET18)
    network = build_network(RESNET18, 0.5, Pooling.CONCAT)
    head = network[1][4].weight.clone()
    assert start is not None
    start_from(network, RESNET18, start)
    named = name_weights(network, RESNET18, network.state_dict())
    assert torch.equal(state["layer4.1.conv2.weight"], named["layer4.1.conv2.weight"])
    assert torch.equal(head, network[1][4].weight)


def test_what_does_not_fit_is_named(state: dict[str, torch.Tensor]) -> None:
    wrong = {key: value for key, value in state.items() if key != "layer1.0.conv1.weight"}
    wrong["conv1.weight"] = wrong["conv1.weight"][:, :1]
    with pytest.raises(BadInput) as caught:
        start_from(build_network(RESNET18, 0.5, Pooling.CONCAT), RESNET18, StartWeights(wrong, "w.pth", ""))
    assert "layer1.0.conv1.weight is missing" in str(caught.value)
    assert "conv1.weight (64, 1, 7, 7) instead of (64, 3, 7, 7)" in str(caught.value)


class _Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("exploded"),))


def test_a_pickle_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"a": _Bomb()}, tmp_path / "bomb.pth")
    (tmp_path / "bomb.pkl").write_bytes(pickle.dumps(_Bomb()))
    for name in ("bomb.pth", "bomb.pkl"):
        with pytest.raises(BadInput, match="is no state_dict"):
            read_start_weights(str(tmp_path / name), RESNET18)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    ("content", "name"), [(b"text", "w.safetensors"), (b"text", "w.pth"), (b"", "w.pth")]
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match="is no state_dict"):
        read_start_weights(str(tmp_path / name), RESNET18)


def test_a_missing_file_is_named_with_the_choices(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none, phantom, imagenet or a state_dict's path, came .*gone.pth"):
        read_start_weights(str(tmp_path / "gone.pth"), RESNET18)


def test_none_is_no_weights() -> None:
    assert read_start_weights("none", RESNET18) is None


def test_imagenet_is_read_from_torch_home_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: dict[str, torch.Tensor]
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    _save(state, tmp_path / "hub" / "checkpoints" / "resnet18-f37072fd.pth")
    start = read_start_weights("imagenet", RESNET18)
    assert start is not None
    assert "ResNet18_Weights.IMAGENET1K_V1" == start.name


def test_imagenet_without_a_network_says_where_to_put_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise URLError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    with pytest.raises(
        BadInput, match=r"needs resnet18-f37072fd.pth.*put the file into .*TORCH_HOME.*weights: none"
    ):
        read_start_weights("imagenet", RESNET18)
