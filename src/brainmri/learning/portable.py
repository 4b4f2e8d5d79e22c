"""A classifier as one ONNX graph: prepared pixels in, calibrated probability and features out."""

import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch
from torch import nn
from torch.nn.functional import interpolate

from brainmri.learning.batches import standardize
from brainmri.learning.cards import Look
from brainmri.learning.prediction import Classifier, read_normalization
from brainmri.learning.seeing import average_places, list_stages
from brainmri.replacement import replacing_file

INPUT, OUTPUTS = "images", ("probability", "features")
_OPSET: Final = 18


class PortableClassifier(nn.Module):
    """All that stands between prepared pixels and a calibrated probability."""

    def __init__(self, classifier: Classifier, temperature: float) -> None:
        """The classifier's network is used as it is, set to evaluate."""
        super().__init__()
        card = classifier.card
        self.body, self.head = classifier.network[0], classifier.network[1]  # type: ignore[index]
        self.maps: list[torch.Tensor] = []
        stages = list_stages(classifier)
        self.stages = len(stages)
        for stage in stages:
            stage.register_forward_hook(self._keep)
        self.temperature = temperature
        self.looks = card.looks
        self.mean: torch.Tensor
        self.std: torch.Tensor
        for size in dict.fromkeys(look.size for look in self.looks):
            self.register_buffer(f"shrink_{size}", _averages(card.rule.size, size))
        known = read_normalization(card)
        self.by_image = not known.mean
        self.register_buffer("mean", torch.tensor(known.mean)[:, None, None])
        self.register_buffer("std", torch.tensor(known.std)[:, None, None])

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """uint8 (n, channels, size, size) -> probability of tumor (n,), features (n, channels)."""
        pixels = images.float() / 255
        self.maps.clear()
        said = torch.stack([self._judge(pixels, look) for look in self.looks]).mean(0)
        return (said / self.temperature).sigmoid(), self._average()

    def _average(self) -> torch.Tensor:
        """Features (n, channels) of all stages at the first look."""
        return torch.cat([average_places(maps) for maps in self.maps[: self.stages]], dim=1)

    def _judge(self, pixels: torch.Tensor, look: Look) -> torch.Tensor:
        """Log odds (n,) at one of its looks."""
        if look.mirrored:
            pixels = pixels.flip(-1)
        if look.size != pixels.shape[-1]:
            shrink = self.get_buffer(f"shrink_{look.size}")
            pixels = shrink @ pixels @ shrink.T
        pixels = standardize(pixels) if self.by_image else (pixels - self.mean) / self.std
        both: torch.Tensor = self.head(self.body(pixels.expand(-1, 3, -1, -1)))
        return both[:, 1] - both[:, 0]

    def _keep(self, _module: nn.Module, _inputs: object, maps: torch.Tensor) -> None:
        self.maps.append(maps)


def write_onnx(path: Path, classifier: Classifier, temperature: float, metadata: Mapping[str, str]) -> None:
    """Writes the graph to `path`, for batches of any size, with `metadata` in it."""
    card = classifier.card
    example = torch.zeros(2, card.channels, card.rule.size, card.rule.size, dtype=torch.uint8)
    portable = PortableClassifier(classifier, temperature).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            portable,
            (example,),
            dynamo=True,
            opset_version=_OPSET,
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_shapes={"images": {0: torch.export.Dim("n")}},
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export gave nothing")
    program.model.metadata_props.update(metadata)
    with replacing_file(path) as aside:
        program.save(aside)


def _averages(size: int, smaller: int) -> torch.Tensor:
    """(smaller, size): what `area` interpolation does to one side, which ONNX has not at every ratio."""
    return interpolate(torch.eye(size)[:, None], smaller, mode="area")[:, 0].T.contiguous()
