"""The architectures: data that imports nothing heavy, so that asking which there are costs nothing."""

from enum import StrEnum


class Architecture(StrEnum):
    """The backbones, by torchvision's names."""

    RESNET18 = "resnet18"
    RESNET34 = "resnet34"
    RESNET50 = "resnet50"
    RESNET101 = "resnet101"
    RESNET152 = "resnet152"
    SQUEEZENET1_1 = "squeezenet1_1"


NO_DECODER = "arch: expected a ResNet for segmentation"


def has_decoder(arch: Architecture) -> bool:
    """Whether a U-Net can be built on it."""
    return arch.value.startswith("resnet")


# V1 is pinned for all: the paper's figures rest on it, and not every architecture has another.
IMAGENET_WEIGHTS = {
    Architecture.RESNET18: "ResNet18_Weights.IMAGENET1K_V1",
    Architecture.RESNET34: "ResNet34_Weights.IMAGENET1K_V1",
    Architecture.RESNET50: "ResNet50_Weights.IMAGENET1K_V1",
    Architecture.RESNET101: "ResNet101_Weights.IMAGENET1K_V1",
    Architecture.RESNET152: "ResNet152_Weights.IMAGENET1K_V1",
    Architecture.SQUEEZENET1_1: "SqueezeNet1_1_Weights.IMAGENET1K_V1",
}
