"""The ONNX graph does what prediction does, for every kind of network, normalization and look."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from brainmri.learning.backbones import build_network
from brainmri.learning.cards import ChannelStatistics
from brainmri.learning.catalogue import Architecture
from brainmri.learning.portable import write_onnx
from brainmri.learning.prediction import Classifier
from brainmri.learning.recipe import Pooling
from brainmri.learning.seeing import see_images
from brainmri.learning.shipped import PHANTOMS
from brainmri.scoring.calibration import apply_temperature
from tests.learning.cards import make_card

STATISTICS = ChannelStatistics(mean={"0": 0.3, "1": 0.4, "2": 0.5}, std={"0": 0.2, "1": 0.1, "2": 0.3})


def _make(
    arch: Architecture,
    pooling: Pooling,
    sizes: tuple[int, int | None],
    *,
    by_image: bool,
    flips: bool = False,
    from_phantoms: bool = False,
) -> Classifier:
    torch.manual_seed(0)
    size, second = sizes
    changes = {"network_size": size, "second_size": second, "pooling": pooling, "flips": flips}
    card = make_card(arch, 64, channels=3).model_copy(
        update=changes | ({} if by_image else {"normalization": STATISTICS})
    )
    if from_phantoms:
        card = card.model_copy(update={"training": card.training | {"data": PHANTOMS}})
    return Classifier(build_network(arch, 0.1, pooling).eval(), card)


@pytest.mark.parametrize(
    ("arch", "pooling", "sizes", "by_image", "flips"),
    [
        (Architecture.RESNET18, Pooling.CONCAT, (64, 40), True, False),
        (Architecture.RESNET18, Pooling.ATTENTION, (48, None), False, True),
        (Architecture.SQUEEZENET1_1, Pooling.CONCAT, (48, 32), False, True),
        pytest.param(Architecture.RESNET50, Pooling.CONCAT, (50, None), True, False, marks=pytest.mark.long),
    ],
)
def test_probability_and_features_are_those_of_prediction(
    tmp_path: Path,
    arch: Architecture,
    pooling: Pooling,
    sizes: tuple[int, int | None],
    by_image: bool,
    flips: bool,
) -> None:
    classifier = _make(arch, pooling, sizes, by_image=by_image, flips=flips)
    write_onnx(tmp_path / "graph.onnx", classifier, 1.5, {"weights": "ab"})
    session = onnxruntime.InferenceSession(tmp_path / "graph.onnx", providers=["CPUExecutionProvider"])
    assert {"weights": "ab"} == session.get_modelmeta().custom_metadata_map
    for count in (1, 5):
        images = np.random.default_rng(count).integers(0, 256, (count, 3, 64, 64), dtype=np.uint8)
        probability, features = session.run(["probability", "features"], {"images": images})
        seen = see_images(classifier, images)
        assert apply_temperature(seen.logits, 1.5) == pytest.approx(probability, abs=1e-5)
        assert seen.features == pytest.approx(features, abs=1e-4)
        assert (count, {"resnet18": 64, "resnet50": 256, "squeezenet1_1": 128}[arch]) == features.shape


def test_a_network_from_phantoms_has_the_features_of_three_stages(tmp_path: Path) -> None:
    usual = _make(Architecture.RESNET18, Pooling.CONCAT, (64, 40), by_image=True)
    classifier = _make(Architecture.RESNET18, Pooling.CONCAT, (64, 40), by_image=True, from_phantoms=True)
    write_onnx(tmp_path / "graph.onnx", classifier, 1.5, {})
    session = onnxruntime.InferenceSession(tmp_path / "graph.onnx", providers=["CPUExecutionProvider"])
    images = np.random.default_rng(3).integers(0, 256, (5, 3, 64, 64), dtype=np.uint8)
    seen, few = see_images(classifier, images), see_images(usual, images)
    assert (5, 64 + 128 + 256) == seen.features.shape
    np.testing.assert_array_equal(few.logits, seen.logits)
    np.testing.assert_array_equal(few.features, seen.features[:, :64])
    assert seen.features == pytest.approx(session.run(["features"], {"images": images})[0], abs=1e-4)
