"""What a pretraining leaves behind: the model folder and its summary."""

from pathlib import Path
from typing import Any, Final

from brainmri.dataset.phantoms import SYNTHETIC
from brainmri.learning.backbones import name_weights
from brainmri.learning.cards import ChannelStatistics, ClassifierCard, ClassNames
from brainmri.learning.catalogue import Architecture
from brainmri.learning.model_folder import WEIGHTS, write_model
from brainmri.learning.pretraining.course import Pretrained
from brainmri.learning.pretraining.identity import identify_generator, identify_phantoms
from brainmri.learning.pretraining.settings import CLASSES, PretrainParams
from brainmri.learning.provenance import list_versions
from brainmri.learning.recipe import Pooling
from brainmri.learning.shipped import PHANTOMS
from brainmri.learning.storage import halve
from brainmri.phantom.wide.generator import VERSION

# What stands in model.json by itself, or changes nothing of the network.
_ELSEWHERE: Final = {"rule", "second_size", "slices", "generator", "threads", "seed", "unseen"}
_PACKAGES: Final = ("fastai", "numpy", "torch", "torchvision")


def write_pretrained(
    folder: Path, arch: Architecture, pretrained: Pretrained, params: PretrainParams
) -> None:
    """Writes a classifier's folder; its weights in half precision."""
    network = pretrained.classifier
    state = name_weights(network, arch, network.state_dict())
    write_model(folder, _describe(arch, pretrained, params), {WEIGHTS: halve(state)})


def summarize_pretraining(pretrained: Pretrained, params: PretrainParams) -> dict[str, Any]:
    """Length and the last figures (for watching, not for publishing)."""
    last = pretrained.rows[-1]
    figures = last.model_dump(exclude={"pictures", "log10_learning_rate"})
    return {
        "data": SYNTHETIC,
        "pictures": last.pictures,
        "steps": params.steps,
        "parameters": sum(parameter.numel() for parameter in pretrained.classifier.parameters()),
        "last": {name: value for name, value in figures.items() if value is not None},
    }


def _describe(arch: Architecture, pretrained: Pretrained, params: PretrainParams) -> ClassifierCard:
    recipe = params.model_dump(mode="json", exclude=_ELSEWHERE)
    # JSON files of this project hold no lists, which DVC would drop from metrics.
    recipe["sizes"] = {str(item.size): item.share for item in params.sizes}
    return ClassifierCard(
        architecture=arch,
        classes=ClassNames(**vars(CLASSES)),
        channels=1,
        rule=params.rule,
        slices=params.slices,
        normalization=ChannelStatistics(mean={}, std={}),
        network_size=params.rule.size,
        second_size=None if params.second_size == "none" else params.second_size,
        pooling=Pooling.CONCAT,
        dropout=params.dropout,
        training={
            "data": PHANTOMS,
            "generator": {
                "version": VERSION,
                "code": identify_generator(),
                **params.generator.model_dump(mode="json"),
            },
            "recipe": {"seed": params.seed, "train": {"threads": params.threads}, "pretrain": recipe},
            "precision": pretrained.precision.value,
            "pictures": pretrained.rows[-1].pictures,
            "start": {"name": "none"},
        },
        versions=_shorten(list_versions(_PACKAGES)),
        data_sha256=identify_phantoms(params),
    )


def _shorten(versions: dict[str, str]) -> dict[str, str]:
    """Of python, the patch release is of no concern."""
    return versions | {"python": ".".join(versions["python"].split(".")[:2])}
